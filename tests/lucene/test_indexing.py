from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.index_collection import index_collection
from hyper_ir.lucene.indexing import (
    Storage,
    TextAnalysis,
    build_bm25_index,
    require_index,
)
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.pyserini_api import load
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from tests.lucene.conftest import write_vectors

PASSAGES = [
    Passage("d1", {"title": "Running", "text": "She runs the marathons of Über-Wien."}),
    Passage("d2", {"title": "", "text": "the of and"}),
    Passage("d#3", {"text": 'quotes " and \\ and \u2028 and 😀'}),
]


def everything(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.jvm
def test_bm25_index_with_contents_and_manifest(java_here: Java, tmp_path: Path) -> None:
    index = tmp_path / "in" / "bm25"
    manifest = build_bm25_index(
        PASSAGES, index, threads=2, storage=Storage(contents=True, raw=True), progress=False
    )
    assert manifest.counts == {"documents": 3, "skipped": 0}
    assert read_manifest(index) == manifest
    assert manifest.config["analysis"]["stemmer"] == "porter"
    assert everything(index.parent) == {"bm25"}  # no log, no texts, nothing partial
    reader = load().LuceneIndexReader(str(index))
    assert reader.stats()["documents"] == 3
    assert reader.get_term_counts("marathon") == (1, 1)
    for passage in PASSAGES:
        assert reader.doc_contents(passage.id) == passage.contents
    assert json.loads(reader.doc_raw("d1"))["contents"] == PASSAGES[0].contents


@pytest.mark.jvm
def test_a_java_that_fails_is_an_error_with_its_words(java_here: Java, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='"-nonsense" is not a valid option'):
        index_collection(java_here, ["-nonsense"], 1, tmp_path / "log", progress=False)


def talking_java(folder: Path, *lines: str, status: int = 0) -> Java:
    """A Java whose every run prints the lines and ends."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text(
        "#!/bin/sh\ncat <<'END'\n" + "\n".join(lines) + f"\nEND\nexit {status}\n"
    )
    (folder / "bin" / "java").chmod(0o755)
    return Java(folder, "21", True, "here")


EVERY_TIME = (
    "2026-01-01 00:00:00,000 WARN  [main] store.MMapDirectory - You are running with Java 22"
)
DONE = "2026-01-01 00:00:00,000 INFO  [main] index.Indexer - Indexing Complete! 1 documents indexed"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_the_log_stays_only_for_what_is_worth_a_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "index.log"
    fine = talking_java(tmp_path / "fine", "WARNING: sun.misc.Unsafe", EVERY_TIME, DONE)
    index_collection(fine, [], 1, log, progress=False)
    assert not log.exists()
    assert capsys.readouterr().err == ""
    warning = DONE.replace("INFO ", "WARN ")
    index_collection(talking_java(tmp_path / "w", warning, DONE), [], 1, log, progress=False)
    assert "WARN" in log.read_text()
    assert f"notice: Lucene logged 1 warning: {log}" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"indexed 1 of 2 documents: it logged no error.* log is "):
        index_collection(fine, [], 2, log, progress=False)
    assert "the index was not kept. Lucene indexed 1 of 2" in log.read_text()
    dying = talking_java(tmp_path / "d", "last words", status=3)
    with pytest.raises(ValueError, match="indexed 0 of 1 document: last words; the whole log is"):
        index_collection(dying, [], 1, log, progress=False)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hyper_ir.lucene.index_collection.tqdm.update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        index_collection(fine, [], 1, log, progress=False)
    assert not log.exists()


@pytest.mark.jvm
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are always Unicode")
def test_file_names_in_a_shell_whose_locale_is_not_utf_8(java_here: Java, tmp_path: Path) -> None:
    code = """
from pathlib import Path
from hyper_ir.lucene import jvm
from hyper_ir.lucene.impact_indexing import build_impact_index
folder = Path(sys.argv[1]) / "Übung é"
folder.mkdir()
(folder / "v.jsonl").write_text('{"id": "a", "vector": {"x": 1}}')
build_impact_index(folder / "v.jsonl", folder / "ïndex", progress=False)
jvm.start()
from jnius import autoclass
searcher = autoclass("io.anserini.search.SimpleImpactSearcher")
print(searcher(str(folder / "ïndex")).get_total_num_docs())
"""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys{code}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.stdout == "1\n", done.stderr


def test_everything_is_checked_before_work(tmp_path: Path, java_here: Java) -> None:
    vectors = write_vectors(tmp_path / "v.jsonl", {"a": {"x": 3}})
    with pytest.raises(ValueError, match=r"threads: at least 1"):
        build_impact_index(vectors, tmp_path / "i", threads=0)
    with pytest.raises(ValueError, match="does not exist"):
        build_impact_index(tmp_path / "none.jsonl", tmp_path / "i", progress=False)
    existing = tmp_path / "existing"
    existing.mkdir()
    (existing / "thesis.tex").touch()
    with pytest.raises(ValueError, match="exists already"):
        build_impact_index(vectors, existing)
    with pytest.raises(ValueError, match="is no Lucene index; it will not be overwritten"):
        build_impact_index(vectors, existing, overwrite=True)
    write_manifest(vectors, Manifest("run"))
    with pytest.raises(ValueError, match="of kind 'run', not vectors"):
        build_impact_index(vectors, tmp_path / "i", progress=False)
    assert everything(tmp_path) == {"v.jsonl", "v.jsonl.manifest", "existing"}
    with pytest.raises(ValueError, match=r"index: .* cannot be written: .*v.jsonl takes no file"):
        build_impact_index(vectors, vectors / "below" / "i", progress=False)


def test_a_corpus_that_breaks_off_leaves_nothing(tmp_path: Path, java_here: Java) -> None:
    def broken() -> object:
        yield PASSAGES[0]
        raise ValueError("corpus.jsonl:2: not a JSON object")

    with pytest.raises(ValueError, match=r"corpus\.jsonl:2"):
        build_bm25_index(broken(), tmp_path / "i", progress=False)  # type: ignore[arg-type]
    assert everything(tmp_path) == set()


def test_analysis_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="stemmer: 'snowball' is none of"):
        TextAnalysis(stemmer="snowball")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="for English"):
        TextAnalysis("de", keep_stopwords=True)
    with pytest.raises(ValueError, match="neither stemmed nor stopped"):
        TextAnalysis(stemmer="krovetz", pretokenized=True)
    assert TextAnalysis("zh", pretokenized=True).language == "zh"


def test_what_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        require_index(tmp_path / "none")
    with pytest.raises(ValueError, match="is no Lucene index"):
        require_index(tmp_path)
    (tmp_path / "segments_1").touch()
    assert require_index(tmp_path) == tmp_path
