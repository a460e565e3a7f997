from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import read_encoded_topics


def test_tsv_weights_are_repetitions(tmp_path: Path) -> None:
    path = tmp_path / "topics.tsv.gz"
    path.write_bytes(gzip.compress(b"7\tno no ##in no\n007\t[empty-query]\n"))
    assert read_encoded_topics(path) == [("7", {"no": 3, "##in": 1}), ("007", {"[empty-query]": 1})]


def test_tsv_is_cut_as_pyserini_cuts_it(tmp_path: Path) -> None:
    """Pyserini's TokFreqQueryEncoder splits as Python does, at a no-break space too."""
    path = tmp_path / "topics.tsv"
    path.write_text("q\ta\u00a0b a\n")
    assert read_encoded_topics(path) == [("q", {"a": 2, "b": 1})]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "topics.jsonl"
    records = [
        {"id": "a", "contents": "text", "vector": {"x": 3}},
        {"qid": 12, "vector": {"y": 1, "é 1"[0]: 2}},
    ]
    path.write_text("\n".join(json.dumps(record) for record in records))
    assert read_encoded_topics(path) == [("a", {"x": 3}), ("12", {"y": 1, "é": 2})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "b", "vector": {"x": 1.5}}', "weight 1.5 of token 'x'"),
        ('{"id": "b", "vector": {"x": NaN}}', "topics.jsonl:2"),
        ('{"id": "b", "vector": {"x": 0}}', "weight 0"),
        ('{"id": "b", "vector": {}}', "vector is empty"),
        ('{"id": "b", "vector": ["x"]}', "dense vectors (lists)"),
        ('{"id": "b", "contents": "plain text"}', "query encoder"),
        ('{"vector": {"x": 1}}', "id is missing"),
        ('{"id": "b c", "vector": {"x": 1}}', "white space"),
        ('{"id": "a", "vector": {"x": 1}}', "topic a is there already"),
        ("{broken", "not a JSON object"),
    ],
)
def test_bad_lines_are_named_or_skipped(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "topics.jsonl"
    path.write_text('{"id": "a", "vector": {"x": 1}}\n' + line + "\n")
    with pytest.raises(ValueError, match=r"topics\.jsonl:2: ") as caught:
        read_encoded_topics(path)
    assert message in str(caught.value)
    problems = Problems("skip")
    assert read_encoded_topics(path, problems) == [("a", {"x": 1})]
    assert problems.count == 1


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"topics: .* does not exist"):
        read_encoded_topics(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match="is a folder"):
        read_encoded_topics(tmp_path)
    (tmp_path / "empty.tsv").touch()
    with pytest.raises(ValueError, match="no topic could be read"):
        read_encoded_topics(tmp_path / "empty.tsv")
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(ValueError, match="no topic could be read"):
        read_encoded_topics(tmp_path / "bad.jsonl", Problems("skip"))
