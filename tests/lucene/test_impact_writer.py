"""Indexes as Anserini makes them, by its own program over the same vectors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.lucene import impact_writer, jvm
from hyper_ir.lucene.impact_indexing import ImpactIndexing
from hyper_ir.lucene.impact_writer import LARGEST_TOTAL, complaint, write_impacts
from hyper_ir.lucene.index_collection import index_collection
from hyper_ir.lucene.indexing import Storage
from hyper_ir.lucene.java import Java
from tests.lucene.conftest import write_vectors

pytestmark = pytest.mark.jvm

DOCUMENTS = 3000
ID_BYTES = 16
CHECKSUM_BYTES = 4

Vectors = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """Common and rare tokens, of any script, with every kind of weight."""
    generator = random.Random(4)
    tokens = [f"t{number}" for number in range(300)]
    tokens += ["##ing", "|", "a|7", "é", "😀", "\u00a0", "日本", "\x00", "x" * 255, "😀" * 127]
    return {
        f"page {number}#é😀".replace(" ", "_"): {
            token: 1 + int(generator.expovariate(0.02))
            for token in generator.sample(tokens, generator.randint(1, 40))
        }
        for number in range(DOCUMENTS)
    }


@pytest.fixture(scope="module")
def by_anserini(
    vectors: Vectors, java_here: Java, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("anserini")
    write_vectors(folder / "in" / "v.jsonl", vectors)
    how = ImpactIndexing(java_here, 1, True, Storage(), False)
    arguments = ["-input", str(folder / "in"), "-index", str(folder / "out"), *how.flags()]
    index_collection(java_here, arguments, DOCUMENTS, folder / "log", False)
    return folder / "out"


def parts(index: Path) -> dict[str, bytes]:
    """Each file of the one segment, without the segment's random id and the checksum."""
    found = {}
    for path in index.glob("_*"):
        content = path.read_bytes().replace(segment_id(index), b"")
        name = path.name.partition(".")[2] if path.name.count("_") == 1 else path.name[2:]
        found[name] = content[:-CHECKSUM_BYTES]
    return found


def segment_id(index: Path) -> bytes:
    """It stands in the header of each file, behind the codec's name and version."""
    content = next(index.glob("_*.fdm")).read_bytes()
    length = content[4]  # behind the magic number: the codec's name
    start = 4 + 1 + length + 4
    return content[start : start + ID_BYTES]


def test_files_are_those_of_anserini(vectors: Vectors, by_anserini: Path, tmp_path: Path) -> None:
    assert write_impacts(vectors.items(), tmp_path / "i", optimize=True) == DOCUMENTS
    mine, theirs = parts(tmp_path / "i"), parts(by_anserini)
    for told_when in ("si",):  # the moment of writing and the machine
        del mine[told_when], theirs[told_when]
    assert {name.rpartition(".")[2] for name in mine} >= {"doc", "tim", "tip", "fdt", "dvd", "nvd"}
    assert mine == theirs


def order_of(leaf: Any) -> list[str]:
    """The ids by which Anserini breaks ties."""
    values = leaf.getBinaryDocValues("id")
    found = []
    for _ in range(leaf.maxDoc()):
        values.nextDoc()
        found.append(values.binaryValue().utf8ToString())
    return found


def postings(index: Path) -> dict[str, dict[str, int]]:
    """What the index holds, read posting by posting: token, document, frequency."""
    java = jvm.java_class
    where = java("java.io.File")(str(index)).toPath()
    directory = java("org.apache.lucene.store.FSDirectory").open(where)
    reader = java("org.apache.lucene.index.DirectoryReader").open(directory)
    last = java("org.apache.lucene.search.DocIdSetIterator").NO_MORE_DOCS
    found: dict[str, dict[str, int]] = {}
    for leaf in reader.leaves().toArray():
        held = leaf.reader()
        ids = [held.storedFields().document(i).get("id") for i in range(held.maxDoc())]
        assert ids == order_of(held)
        terms = held.terms("contents").iterator()
        while (term := terms.next()) is not None:
            each = terms.postings(None)
            lists = found.setdefault(term.utf8ToString(), {})
            while (place := each.nextDoc()) != last:
                lists[ids[place]] = each.freq()
    reader.close()
    return found


def test_every_posting_is_there(java_here: Java, tmp_path: Path) -> None:
    generator = random.Random(5)
    some = {
        f"d{number}": {f"t{generator.randrange(30)}": generator.randint(1, 9) for _ in range(5)}
        for number in range(2 * impact_writer.BATCH + 7)
    }
    assert write_impacts(some.items(), tmp_path / "i") == len(some)
    turned: dict[str, dict[str, int]] = {}
    for id, vector in some.items():
        for token, weight in vector.items():
            turned.setdefault(token, {})[id] = weight
    assert postings(tmp_path / "i") == turned


def test_the_largest_weights(java_here: Java, tmp_path: Path) -> None:
    vector = {"x" * 255: LARGEST_TOTAL - 1, "y": 1}
    assert complaint(vector) is None
    write_impacts([("a", vector)], tmp_path / "i")
    assert postings(tmp_path / "i") == {token: {"a": vector[token]} for token in vector}


@pytest.mark.parametrize(
    ("vector", "told"),
    [
        ({"x": LARGEST_TOTAL, "y": 1}, "sum to over 2,147,483,647"),
        ({"a\x01b": 1}, "control character U+0001"),
    ],
)
def test_what_cannot_be_written_is_told(
    java_here: Java, vector: dict[str, int], told: str, tmp_path: Path
) -> None:
    assert told in str(complaint(vector))
    with pytest.raises(ValueError, match=r"index: .*Exception"):  # and Lucene would not either
        write_impacts([("a", vector)], tmp_path / "i")


@pytest.mark.parametrize("after", [0, 5, 3 * impact_writer.BATCH])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_vectors_that_break_off_end_the_threads(
    java_here: Java, tmp_path: Path, after: int, kind: type[BaseException]
) -> None:
    def broken() -> Iterator[tuple[str, dict[str, int]]]:
        for number in range(after):
            yield f"d{number}", {"x": 1}
        raise kind("line 7")

    with pytest.raises(kind, match="line 7"):
        write_impacts(broken(), tmp_path / "i")
    assert not list((tmp_path / "i").glob("segments_*"))


def test_what_lucene_cannot_write_ends_the_work(
    java_here: Java, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, id: str, contents: str) -> None:
        raise ValueError("No space left on device")

    monkeypatch.setattr("hyper_ir.lucene.impact_writer._Document.filled", full)
    given = iter(range(10**9))
    with pytest.raises(ValueError, match="No space left on device"):
        write_impacts(((f"d{n}", {"x": 1}) for n in given), tmp_path / "i")
    assert next(given) < 100 * impact_writer.BATCH


def test_a_folder_that_cannot_be_made(java_here: Java, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"index: .*Exception"):
        write_impacts([("a", {"x": 1})], tmp_path / "file")
