"""What provenance says is read from records that may be anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyper_ir.mining.answers import LEAST_QUERIES
from hyper_ir.mining.provenance import answers_are_titles, named_passages
from tests.mining.files import write_jsonl


def record(number: int, answer: Any, title: Any, **entry: Any) -> dict[str, Any]:
    page = {"wikipedia_id": str(number), "title": title, **entry}
    return {"id": f"q{number}", "output": [{"answer": answer, "provenance": [page]}]}


def test_answers_that_are_the_titles(tmp_path: Path) -> None:
    linking = [record(n, f"Page {n}", f"page {n}") for n in range(LEAST_QUERIES)]
    path = write_jsonl(tmp_path / "t.jsonl", linking)
    assert answers_are_titles(path)
    assert not answers_are_titles(write_jsonl(tmp_path / "f.jsonl", linking[1:]))


def test_passages_by_paragraph(tmp_path: Path) -> None:
    records = [
        record(1, "a", "t", start_paragraph_id=2, end_paragraph_id=3),
        record(2, "a", "t", start_paragraph_id=2),
        record(3, "a", "t", start_paragraph_id=0, end_paragraph_id=2),
        record(4, "a", "t", start_paragraph_id=True),
    ]
    path = write_jsonl(tmp_path / "t.jsonl", records)
    assert named_passages(path) == {"q1": ("1#2", "1#3"), "q2": ("2#2",)}


@pytest.mark.parametrize("value", ["[" * 900 + "]" * 900, '{"a": [1]}', "true", "null", "7", "NaN"])
def test_values_of_any_type_and_depth_are_passed_over(tmp_path: Path, value: str) -> None:
    path = tmp_path / "t.jsonl"
    entry = f'{{"wikipedia_id": {value}, "title": {value}, "start_paragraph_id": {value}}}'
    outputs = f'[{{"answer": {value}, "provenance": [{entry}, {value}]}}, {value}]'
    lines = [f'{{"id": {value}, "output": {outputs}}}', f'{{"id": "q", "output": {value}}}']
    path.write_text("\n".join(lines))
    assert not answers_are_titles(path)
    assert len(named_passages(path)) <= 1
