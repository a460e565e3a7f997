from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data.records import Hit
from hyper_ir.search.pruning_cost import Judge, overlap, pruning_cost


def hits(documents: str) -> list[Hit]:
    return [Hit(document, 100.0 - rank) for rank, document in enumerate(documents)]


@pytest.mark.parametrize(
    ("whole", "other", "depth", "share"),
    [
        ("abc", "abc", 10, 1),
        ("abc", "cba", 10, 1),
        ("abcd", "abxy", 4, 0.5),
        ("abcd", "xabc", 2, 0.5),
        ("ab", "", 10, 0),
        ("", "", 10, 1),
        ("", "a", 10, 1),
        ("ab", "bx", 100, 0.5),  # a short list counts as it is
    ],
)
def test_overlap(whole: str, other: str, depth: int, share: float) -> None:
    assert overlap(hits(whole), hits(other), depth) == share


def test_cost_with_judgments(tmp_path: Path) -> None:
    (tmp_path / "q").write_text("1 0 a 1\n2 0 a 1\n3 0 a 1\nelse 0 a 1\n")
    judge = Judge.from_qrels(str(tmp_path / "q"), "RR")
    whole = {"1": hits("ab"), "2": hits("ab"), "3": hits("ab"), "unjudged": hits("x")}
    pruned = {"1": hits("ab"), "2": hits("ba"), "3": [], "unjudged": hits("x")}
    cost = pruning_cost(whole, pruned, judge)
    assert cost.topics == 4
    assert cost.overlap == {10: 0.75, 100: 0.75}
    assert cost.score is not None
    assert (cost.score.topics, cost.score.whole, cost.score.pruned) == (3, 1, 0.5)
    assert cost.score.difference == -0.5
    assert cost.score.low is not None
    assert cost.score.low < -0.5
    assert cost.as_json()["score"]["difference"] == -0.5
    said = "\n".join(cost.lines())
    assert "on 4 topics: overlap@10 0.750, overlap@100 0.750" in said
    assert "on 3 judged topics: RR 0.5000, unpruned 1.0000 (-0.5000, 95 % CI [-1.7421" in said


def test_cost_without_judgments_and_of_nothing_found(tmp_path: Path) -> None:
    cost = pruning_cost({"1": hits("a")}, {"1": hits("a")})
    assert (cost.score, len(cost.lines()), cost.as_json()["score"]) == (None, 1, None)
    (tmp_path / "q").write_text("1 0 a 1\n")
    nothing = pruning_cost({"1": []}, {"1": []}, Judge.from_qrels(str(tmp_path / "q"), "RR"))
    assert nothing.score is not None
    assert (nothing.score.whole, nothing.score.pruned, nothing.score.low) == (0, 0, None)


def test_kilt_gold_is_scored_by_pages(tmp_path: Path) -> None:
    gold = '{"id": "1", "input": "x", "output": [{"provenance": [{"wikipedia_id": "p"}]}]}\n'
    (tmp_path / "nq-dev-kilt.jsonl").write_text(gold)
    judge = Judge.from_qrels(str(tmp_path / "nq-dev-kilt.jsonl"), "KILTRprec")
    cost = pruning_cost({"1": hits("pq")}, {"1": hits("qp")}, judge)
    assert cost.score is not None
    assert (cost.score.measure, cost.score.difference) == ("KILTRprec", -1)


def test_what_cannot_be_scored(tmp_path: Path) -> None:
    (tmp_path / "q").write_text("1 0 a 1\n")
    with pytest.raises(ValueError, match="names several; give one"):
        Judge.from_qrels(str(tmp_path / "q"), "RR AP")
    with pytest.raises(
        ValueError, match=r"none of the topics \(1 topic\) is judged .*'7', the qrels '1'"
    ):
        Judge.from_qrels(str(tmp_path / "q"), "RR").judged(["7"])
