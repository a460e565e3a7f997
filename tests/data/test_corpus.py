from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.problems import Problems


def write(path: Path, *ids: object, text: str = "text") -> Path:
    lines = (json.dumps({"id": id, "contents": text}) + "\n" for id in ids)
    path.write_text("".join(lines))
    return path


def test_a_folder_is_read_by_name_without_hidden_files_and_manifests(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", "2")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"id": "1", "contents": "x"}\n'))
    (tmp_path / "c.jsonl").write_text("")
    (tmp_path / ".hidden").write_text("broken")
    (tmp_path / "hyper_ir.manifest").write_text("{}")
    corpus = open_corpus(str(tmp_path))
    assert [passage.id for passage in corpus] == ["1", "2"]
    assert [passage.where for passage in corpus] == [
        f"{tmp_path}/a.jsonl.gz:1",
        f"{tmp_path}/b.jsonl:1",
    ]
    assert corpus.describe() == {
        "source": str(tmp_path),
        "format": "pyserini",
        "fields": None,
        "delimiter": "\n",
        "files": [
            {"name": "a.jsonl.gz", "bytes": (tmp_path / "a.jsonl.gz").stat().st_size},
            {"name": "b.jsonl", "bytes": 32},
            {"name": "c.jsonl", "bytes": 0},
        ],
    }
    assert corpus.size_hint() is None


def test_a_beir_folder_is_its_corpus(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "query"}\n')
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "title": "t", "text": "x"}\n')
    corpus = open_corpus(str(tmp_path))
    assert [passage.id for passage in corpus] == ["d"]
    assert corpus.format == "beir"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "holds no file"),
        (lambda path: path.write_text(""), "the file is empty"),
        (lambda path: path.write_text("\n \n"), "the file is empty"),
        (lambda path: (path / "inside").mkdir(parents=True), "holds no file"),
        (
            lambda path: ((path / "inside").mkdir(parents=True), write(path / "a", "1")),
            "holds the folder inside",
        ),
    ],
)
def test_what_cannot_be_opened_is_named_at_once(tmp_path: Path, make: object, message: str) -> None:
    make(tmp_path / "corpus")  # type: ignore[operator]
    with pytest.raises(ValueError, match=message):
        open_corpus(str(tmp_path / "corpus"))


def test_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    source = str(write(tmp_path / "c", "1"))
    with pytest.raises(ValueError, match="format: 'trec' is none of auto, pyserini"):
        open_corpus(source, format="trec")
    with pytest.raises(ValueError, match="fields: a list of names is needed, not 'text'"):
        open_corpus(source, fields="text")
    with pytest.raises(ValueError, match="fields: a list of names is needed, not \\[\\]"):
        open_corpus(source, fields=[])
    with pytest.raises(ValueError, match="fields: a name occurs twice"):
        open_corpus(source, fields=["a", "a"])
    with pytest.raises(ValueError, match="at least 1 word"):
        open_corpus(source, words=0)
    with pytest.raises(ValueError, match="by: 'page'"):
        open_corpus(source, by="page")  # type: ignore[arg-type]


def test_a_duplicate_id_is_named_with_both_places(tmp_path: Path) -> None:
    write(tmp_path / "a", "1", "2")
    write(tmp_path / "b", "3", 2)
    with pytest.raises(ValueError, match=r"/b:2: id 2 stands at .*/a:2 already"):
        list(open_corpus(str(tmp_path)))


def test_skipped_records_are_counted_once_however_often_the_corpus_is_read(tmp_path: Path) -> None:
    source = str(write(tmp_path / "c", "1", "", "2", "1", "3", "4 4"))
    problems = Problems("skip")
    corpus = open_corpus(source, problems=problems)
    first = next(iter(corpus))
    assert [passage.id for passage in corpus] == ["1", "2", "3"]
    assert [passage.id for passage in corpus] == ["1", "2", "3"]
    assert first.id == "1"
    assert problems.count == 3
    assert [example.partition(f"{source}:")[2] for example in problems.examples] == [
        "2: id is empty",
        f"4: id 1 stands at {source}:1 already",
        "6: id '4 4' holds white space or a control character, which run files cannot hold",
    ]


def test_a_stopped_corpus_stops_again(tmp_path: Path) -> None:
    corpus = open_corpus(str(write(tmp_path / "c", "1", "")))
    for _ in range(2):
        with pytest.raises(ValueError, match=":2: id is empty"):
            list(corpus)


def test_a_corpus_without_any_good_record_is_an_error(tmp_path: Path) -> None:
    source = str(write(tmp_path / "c", "", "1 2"))
    with pytest.raises(ValueError, match=r"no passage could be read\nskipped 2 bad records"):
        list(open_corpus(source, problems=Problems("skip")))


def test_skip_finds_the_format_behind_a_broken_first_line(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text('{broken\n{"_id": "1", "title": "t", "text": "x"}\n')
    with pytest.raises(ValueError, match=":1: not a JSON object"):
        open_corpus(str(path))
    problems = Problems("skip")
    corpus = open_corpus(str(path), problems=problems)
    assert corpus.format == "beir"
    assert len(list(corpus)) == 1
    assert problems.count == 1


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    def peak(records: int) -> int:
        path = write(tmp_path / f"{records}", *range(records), text="word " * 400)
        corpus = open_corpus(str(path))
        tracemalloc.start()
        assert sum(1 for _ in corpus) == records
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(500), peak(5_000)
    # 4,500 more records of 2,000 characters: 9 MB, of which only hashes may stay
    assert many - few < 4_500 * 64
