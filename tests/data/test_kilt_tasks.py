from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.kilt_tasks import judgments_of, parse_record, read_kilt_task, topic_of
from hyper_ir.data.records import Judgment, Topic
from hyper_ir.problems import Problems


def provenance(*pages: object) -> list[dict[str, object]]:
    return [{"wikipedia_id": page, "title": "t", "start_paragraph_id": 1} for page in pages]


def test_evidence_sets_are_unique_and_numbered_from_zero() -> None:
    record = parse_record(
        {
            "id": "q",
            "input": "question",
            "output": [
                {"answer": "one", "provenance": provenance("2", "1", 2)},
                {"answer": "an answer alone"},
                {"answer": "again", "provenance": provenance("1", " 2 ")},
                {"answer": "one", "provenance": provenance("2")},
                {"provenance": provenance("3", "3"), "meta": {}},
                {"answer": "", "provenance": []},
                {"answer": None, "provenance": None},
            ],
        }
    )
    assert record.evidence == (("2", "1"), ("2",), ("3",))
    assert record.answers == ("one", "an answer alone", "again")
    assert list(judgments_of([record])) == [
        Judgment("q", "0", "2", 1),
        Judgment("q", "0", "1", 1),
        Judgment("q", "1", "2", 1),
        Judgment("q", "2", "3", 1),
    ]


def test_a_test_record_has_no_output() -> None:
    record = parse_record({"id": 5, "input": "question"})
    assert topic_of(record) == Topic("5", "question")
    assert not record.answers
    assert not record.evidence
    assert list(judgments_of([record])) == []


def test_markers_and_line_feeds_stay() -> None:
    text = "by [START_ENT] Spirit [END_ENT] .\nNext\tturn "
    assert topic_of(parse_record({"id": "1", "input": text})).text == text


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"input": "x"}, "id is missing"),
        ({"id": "1", "input": ["x"]}, "input is of type list"),
        ({"id": "1", "output": {}}, "output is not a list of JSON objects"),
        ({"id": "1", "output": ["x"]}, "output is not a list of JSON objects"),
        ({"id": "1", "output": [{"answer": 3}]}, "answer is of type int"),
        ({"id": "1", "output": [{"provenance": "x"}]}, "provenance is not a list"),
        ({"id": "1", "output": [{"provenance": [{}]}]}, "provenance's wikipedia_id is missing"),
        ({"id": "1", "output": [{"provenance": provenance("1 2")}]}, "white space"),
    ],
)
def test_a_bad_record_is_named_and_skipped_whole(
    tmp_path: Path, record: dict[str, Any], message: str
) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps({"id": "0", "input": "x"}) + "\n" + json.dumps(record) + "\n")
    with pytest.raises(ValueError, match=f"dev.jsonl:2: .*{message}"):
        list(read_kilt_task(path))
    problems = Problems("skip")
    assert [each.id for each in read_kilt_task(path, problems)] == ["0"]
    assert problems.count == 1


def test_duplicate_ids_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_text('{"id": 1, "input": "a"}\n{"id": "1", "input": "b"}\n')
    with pytest.raises(ValueError, match=r"dev.jsonl:2: id 1 stands at .*:1 already"):
        list(read_kilt_task(path))
    with pytest.raises(ValueError, match="is a folder; a file is needed"):
        read_kilt_task(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_kilt_task(tmp_path / "none.jsonl")
