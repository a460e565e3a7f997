from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.compaction.comparison import compare_impacts
from hyper_ir.compaction.precision import Precision
from hyper_ir.compaction.writing import save_compact
from hyper_ir.encode.engine import Engine
from hyper_ir.models.retriever import Retriever
from tests.compaction.models import hyper
from tests.tiny_models import TEXTS, save_checkpoint


def test_a_model_beside_itself_changes_nothing(tmp_path: Path) -> None:
    retriever = hyper(tmp_path)
    found = compare_impacts(retriever, retriever, "query", TEXTS)
    assert found.texts == len(TEXTS)
    assert found.impacts == sum(len(vector) for vector in Engine(retriever, "query").encode(TEXTS))
    assert (found.changed, found.lost, found.gained, found.mean_change) == (0, 0, 0, 0)
    assert found.cosine == pytest.approx(1)


@pytest.mark.parametrize("side", ["query", "document"])
def test_changes_are_counted_as_one_would(tmp_path: Path, side: str) -> None:
    original = hyper(tmp_path)
    compact = save_compact(original, tmp_path / "small", Precision.of(["3"])).retriever
    found = compare_impacts(original, compact, side, TEXTS)
    changed = lost = gained = total = union = 0
    vectors = [Engine(model, side).encode(TEXTS) for model in (original, compact)]
    for before, after in zip(*vectors, strict=True):
        assert isinstance(before, dict)
        assert isinstance(after, dict)
        for token in {*before, *after}:
            union += 1
            changed += before.get(token) != after.get(token)
            lost += token not in after
            gained += token not in before
            total += abs(before.get(token, 0) - after.get(token, 0))
    assert changed > 0
    assert found.impacts == union
    expected = [value / union for value in (changed, lost, gained, total)]
    assert [found.changed, found.lost, found.gained, found.mean_change] == pytest.approx(expected)
    assert 0.5 < found.cosine < 1


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    dense = Retriever.from_pretrained(save_checkpoint(tmp_path / "a", masked_lm=False))
    with pytest.raises(ValueError, match="dense vectors have none"):
        compare_impacts(dense, dense, "query", TEXTS)
    with pytest.raises(ValueError, match="no query text"):
        compare_impacts(dense, dense, "query", [])
