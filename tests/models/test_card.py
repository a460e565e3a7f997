from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.models.card import Card, Compaction, Impacts, Part, Score, Source, card_of, read_card
from hyper_ir.models.card_text import in_words, markdown, write_card

CARD = Card(
    "tiny",
    "A retriever of no use.",
    "Apache-2.0",
    "Not at all.",
    [Source("MiniLM", "backbone", "Apache-2.0", "https://example.org/minilm")],
    [
        Score("NFCorpus", "nDCG@10", 323, {"BM25": 0.32, "tiny": 0.3}),
        Score("Cranfield", "nDCG@10", 225, {"BM25": 0.4}),
    ],
    "Everything.",
    Compaction(
        2_500_000,
        "abc",
        [Part("document head", 1000, "8", 1200, 0.005)],
        [Impacts("query", 5, 100, 0.25, 0.01, 0.02, 0.3, 0.999)],
    ),
)


def test_a_card_comes_back_with_its_markdown(tmp_path: Path) -> None:
    assert card_of(tmp_path) is None
    write_card(CARD, tmp_path)
    assert card_of(tmp_path) == CARD
    written = (tmp_path / "README.md").read_text()
    assert written == markdown(CARD)
    for line in (
        "| [MiniLM](https://example.org/minilm) | backbone | Apache-2.0 |",
        "| NFCorpus | nDCG@10 | 323 | 0.3200 | 0.3000 |",
        "| Cranfield | nDCG@10 | 225 | 0.4000 |  |",
        "2.5 MB in all. Weights are stored as",
        "| document head | 1,000 | 8 | 0.00 | 0.50% |",
        "| 5 query texts | 100 | 25.00% | 1.00% | 2.00% | 0.30 | 0.99900 |",
    ):
        assert line in written.splitlines()


def test_a_terminal_is_told_what_it_was_made_of_and_under_which_licences() -> None:
    assert in_words(CARD).splitlines() == [
        "tiny: A retriever of no use.",
        "  licence: Apache-2.0",
        "  made of MiniLM (backbone): Apache-2.0",
        "  trained: Not at all.",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"licence": None}, "licence is not text"),
        ({"licence": " "}, "licence is empty"),
        ({"sources": []}, "sources is empty"),
        ({"sources": {}}, "sources is not a list"),
        ({"sources": [{"name": "a", "use": "b"}]}, r"sources\[0\]\.licence is missing"),
        ({"sources": [{"name": "a", "use": "b", "licence": ""}]}, "a has no licence"),
        ({"licences": "x"}, "licences is no key of a card"),
        ({"scores": [5]}, r"scores\[0\] is not an object"),
        (
            {"scores": [{"collection": "a", "measure": "b", "topics": 1.5, "systems": {}}]},
            r"scores\[0\]\.topics is not a whole number",
        ),
        (
            {"scores": [{"collection": "a", "measure": "b", "topics": 1, "systems": {"x": "y"}}]},
            r"scores\[0\]\.systems is not a number",
        ),
    ],
)
def test_a_wrong_record_is_told_by_its_key(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(asdict(CARD) | change))
    with pytest.raises(ValueError, match=message) as told:
        read_card(path)
    assert str(told.value).startswith(str(path))


def test_records_may_be_short(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    short = {"name": "a", "summary": "b", "licence": "c", "training": "d"}
    path.write_text(json.dumps({**short, "sources": [{"name": "x", "use": "y", "licence": "z"}]}))
    card = read_card(path)
    assert (card.scores, card.limits, card.compaction) == ([], "", None)
    assert "## Size" not in markdown(replace(card, limits=""))
