from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.qrels import read_qrels, write_qrels
from hyper_ir.data.records import Judgment
from hyper_ir.problems import Problems


def test_trec_and_beir_columns(tmp_path: Path) -> None:
    trec = tmp_path / "qrels.txt"
    trec.write_text("q1 0 d1 2\nq1\t0\td2\t-1\r\n\n q2   1 d1 +0\n")
    assert read_qrels(trec) == [
        Judgment("q1", "0", "d1", 2),
        Judgment("q1", "0", "d2", -1),
        Judgment("q2", "1", "d1", 0),
    ]
    beir = tmp_path / "test.tsv.gz"
    beir.write_bytes(gzip.compress(b"query-id\tcorpus-id\tscore\nq1\td1\t2\n"))
    assert read_qrels(beir) == [Judgment("q1", "0", "d1", 2)]


def test_a_beir_folder_by_split(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq2\td2\t1\n")
    assert read_qrels(tmp_path) == [Judgment("q2", "0", "d2", 1)]
    assert read_qrels(tmp_path, split="dev") == [Judgment("q1", "0", "d1", 1)]
    with pytest.raises(ValueError, match=r"no qrels/train.tsv; it has the splits dev, test"):
        read_qrels(tmp_path, split="train")


def test_a_kilt_task_numbers_its_evidence_sets(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    sets = [["1", "2"], ["2", "1"], ["2"]]
    output = [{"provenance": [{"wikipedia_id": page} for page in pages]} for pages in sets]
    path.write_text(json.dumps({"id": "q", "input": "x", "output": output}) + "\n")
    assert read_qrels(path) == [
        Judgment("q", "0", "1", 1),
        Judgment("q", "0", "2", 1),
        Judgment("q", "1", "2", 1),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q d", "2 columns; 4 are needed"),
        ("q 0 d 1 x", "5 columns"),
        ("q 0 d 1.0", "grade '1.0' is not an integer"),
        ("q 0 d 1_0", "grade '1_0' is not an integer"),
        ("q 0 d ١", "is not an integer"),
        ("q 0 d " + "9" * 5_000, "is not an integer"),
        ("q0 0 d0 2", "topic q0, document d0 is judged at .*qrels:1 already"),
        ("q 0 d\0 1", "document id 'd.x00' holds white space or a control character"),
        ('{"id": "q"}', "1 columns|2 columns"),
    ],
)
def test_a_bad_line_is_named_and_skipped(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "qrels"
    path.write_text(f"q0 0 d0 1\n{line}\n")
    with pytest.raises(ValueError, match=f"qrels:2: .*{message}"):
        read_qrels(path)
    problems = Problems("skip")
    assert read_qrels(path, problems) == [Judgment("q0", "0", "d0", 1)]
    assert problems.count == 1


def test_what_holds_no_judgment_is_named(tmp_path: Path) -> None:
    path = tmp_path / "qrels"
    path.write_text("")
    with pytest.raises(ValueError, match="the file is empty"):
        read_qrels(path)
    path.write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(ValueError, match="no judgment could be read"):
        read_qrels(path)
    path.write_text('{"id": "q", "input": "a KILT test file"}\n')
    with pytest.raises(ValueError, match="no judgment could be read"):
        read_qrels(path)
    with pytest.raises(ValueError, match=r"has no qrels/test.tsv; it has the splits \(none\)"):
        read_qrels(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_qrels(tmp_path / "none")


ID = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1)
JUDGMENTS = st.lists(
    st.builds(Judgment, ID, ID, ID, st.integers(-9, 9)),
    min_size=1,
    max_size=8,
    unique_by=lambda each: (each.topic_id, each.iteration, each.doc_id),
)


@given(JUDGMENTS)
def test_written_qrels_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, judgments: list[Judgment]
) -> None:
    path = tmp_path_factory.mktemp("qrels") / "qrels.txt"
    assert write_qrels(path, judgments) == len(judgments)
    if not judgments[0].topic_id.startswith("{"):
        assert read_qrels(path) == judgments


def test_ir_measures_reads_what_is_written(tmp_path: Path) -> None:
    import ir_measures

    path = tmp_path / "qrels.txt"
    write_qrels(path, [Judgment("q", "1", "d", 2), Judgment("q", "0", "e", 0)])
    found = [
        (each.query_id, each.doc_id, each.relevance, each.iteration)
        for each in ir_measures.read_trec_qrels(str(path))
    ]
    assert found == [("q", "d", 2, "1"), ("q", "e", 0, "0")]


def test_the_writer_refuses_what_a_line_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    with pytest.raises(ValueError, match="document id 'a b' holds white space"):
        write_qrels(path, [Judgment("q", "0", "a b", 1)])
    with pytest.raises(ValueError, match=r"grade 0.5 is not an integer"):
        write_qrels(path, [Judgment("q", "0", "a", 0.5)])  # type: ignore[arg-type]
    assert not path.exists()
