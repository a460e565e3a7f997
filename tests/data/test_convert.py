from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.data.convert import convert_beir, convert_corpus, convert_qrels, convert_topics
from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import Judgment, Topic
from hyper_ir.data.topics import read_topics
from hyper_ir.manifest import read_manifest
from hyper_ir.problems import Problems


def kilt_task(path: Path) -> str:
    output = [{"provenance": [{"wikipedia_id": "1"}, {"wikipedia_id": "2"}]}]
    records = [
        {"id": "a", "input": "first\nline\tand [START_ENT] x [END_ENT]", "output": output},
        {"id": "b", "input": " ", "output": output},
        {"id": "c", "input": "no gold"},
        {"id": "c", "input": "twice"},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def beir_folder(path: Path) -> str:
    (path / "qrels").mkdir(parents=True)
    corpus = [("d1", "t", "x"), ("d2", "", "y"), ("d3", "", "")]
    (path / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in corpus)
    )
    (path / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": f"q{n}", "text": f"query\n{n}"}) + "\n" for n in range(3))
    )
    header = "query-id\tcorpus-id\tscore\n"
    (path / "qrels" / "test.tsv").write_text(header + "q0\td1\t1\nq0\tlost\t1\nq9\td1\t1\n")
    (path / "qrels" / "dev.tsv").write_text(header + "q2\td2\t2\n")
    return str(path)


def test_topics_and_qrels_of_a_kilt_task(tmp_path: Path) -> None:
    source = kilt_task(tmp_path / "dev.jsonl")
    problems = Problems("skip")
    counts = convert_topics(source, tmp_path / "t.tsv", tmp_path / "q.txt", problems=problems)
    assert (tmp_path / "t.tsv").read_text() == (
        "a\tfirst line and [START_ENT] x [END_ENT]\nc\tno gold\n"
    )
    assert (tmp_path / "q.txt").read_text() == "a 0 1 1\na 0 2 1\nb 0 1 1\nb 0 2 1\n"
    assert problems.count == 2
    assert list(counts.of.values()) == [2, 1, 4, 1]
    manifest = read_manifest(tmp_path / "t.tsv")
    assert manifest is not None
    assert manifest.counts["topics"] == 2
    assert manifest.inputs == {"topics": source}


def test_jsonl_topics_keep_line_feeds(tmp_path: Path) -> None:
    source = kilt_task(tmp_path / "dev.jsonl")
    convert_topics(source, tmp_path / "t.jsonl.gz", problems=Problems("skip"))
    text = "first\nline\tand [START_ENT] x [END_ENT]"
    assert read_topics(tmp_path / "t.jsonl.gz") == [Topic("a", text), Topic("c", "no gold")]


def test_nothing_is_written_where_an_input_is_bad(tmp_path: Path) -> None:
    source = kilt_task(tmp_path / "dev.jsonl")
    with pytest.raises(ValueError, match=r"dev.jsonl:2: topic b has no text"):
        convert_topics(source, tmp_path / "t.tsv", tmp_path / "q.txt")
    (tmp_path / "plain.tsv").write_text("1\tx\n")
    with pytest.raises(ValueError, match=r"no judgment could be read|2 columns"):
        convert_topics(str(tmp_path / "plain.tsv"), tmp_path / "t.tsv", tmp_path / "q.txt")
    with pytest.raises(ValueError, match=r"topics are written as .tsv, .tsv.gz"):
        convert_topics(source, tmp_path / "t.trec")
    with pytest.raises(ValueError, match=r"output: .* is an input"):
        convert_topics(str(tmp_path / "plain.tsv"), tmp_path / "plain.tsv")
    with pytest.raises(ValueError, match="is a folder; a file is needed"):
        convert_topics(source, tmp_path / "t.tsv", tmp_path)
    with pytest.raises(ValueError, match="is no BEIR folder; only those have splits"):
        convert_topics(source, tmp_path / "t.tsv", split="dev")
    below = tmp_path / "plain.tsv" / "out.tsv"
    with pytest.raises(ValueError, match=r"output: .* cannot be written"):
        convert_topics("not read", below)
    with pytest.raises(ValueError, match=r"qrels: .* cannot be written"):
        convert_topics("not read", tmp_path / "t.tsv", below)
    with pytest.raises(ValueError, match=r"output: .* cannot be written"):
        convert_qrels("not read", below)
    with pytest.raises(ValueError, match=r"output: .* cannot be written"):
        convert_beir("not read", below)
    with pytest.raises(ValueError, match=r"output: .* cannot be written"):
        convert_corpus(open_corpus(str(tmp_path / "plain.tsv")), below)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.jsonl", "plain.tsv"]


def test_a_split_of_a_beir_folder(tmp_path: Path) -> None:
    source = beir_folder(tmp_path / "set")
    convert_topics(source, tmp_path / "t.tsv", tmp_path / "q.txt", split="dev")
    assert read_topics(tmp_path / "t.tsv") == [Topic("q2", "query 2")]
    assert read_qrels(tmp_path / "q.txt") == [Judgment("q2", "0", "d2", 2)]


def test_qrels_of_any_source(tmp_path: Path) -> None:
    counts = convert_qrels(beir_folder(tmp_path / "set"), tmp_path / "q.txt")
    assert counts.of == {"judgments": 3, "topics": 2}
    assert len(read_qrels(tmp_path / "q.txt")) == 3
    assert (tmp_path / "q.txt.manifest").is_file()


def test_a_corpus_becomes_a_folder_or_nothing(tmp_path: Path) -> None:
    source = beir_folder(tmp_path / "set")
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"corpus.jsonl:3: document d3 has no text"):
        convert_corpus(open_corpus(source), out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    counts = convert_corpus(open_corpus(source, problems=Problems("skip")), out, compress=True)
    assert counts.lines()[:2] == ["passages             2", "files                1"]
    assert "skipped 1 bad record" in counts.lines()[2]
    assert [(each.id, each.contents) for each in open_corpus(str(out))] == [
        ("d1", "t\nx"),
        ("d2", "\ny"),
    ]
    manifest = read_manifest(out)
    assert manifest is not None
    assert manifest.counts == {"passages": 2, "files": 1, "bad records skipped": 1}
    with pytest.raises(ValueError, match="exists already"):
        convert_corpus(open_corpus(source, problems=Problems("skip")), out)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    again = open_corpus(source, problems=Problems("skip"))
    with pytest.raises(ValueError, match=r"mine is not a converted corpus .* left alone"):
        convert_corpus(again, mine, overwrite=True)
    convert_corpus(again, out, overwrite=True, layout="fields")
    assert sorted(path.name for path in out.iterdir()) == [
        "hyper_ir.manifest",
        "passages-00000.jsonl",
    ]


def test_a_beir_folder_as_a_whole(tmp_path: Path) -> None:
    source, out = beir_folder(tmp_path / "set"), tmp_path / "out"
    counts = convert_beir(source, out, problems=Problems("skip"))
    assert counts.of["passages"] == 2
    assert counts.of["judged documents that the corpus lacks"] == 1
    assert counts.of["test: judged topics without text"] == 1
    assert counts.problems.count == 1
    assert read_topics(out / "topics.test.tsv") == [Topic("q0", "query 0")]
    assert read_topics(out / "topics.dev.tsv") == [Topic("q2", "query 2")]
    assert len(read_qrels(out / "qrels.test.txt")) == 3
    assert [each.id for each in open_corpus(str(out / "corpus"))] == ["d1", "d2"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"has no qrels/SPLIT.tsv"):
        convert_beir(str(tmp_path / "empty"), tmp_path / "other")
