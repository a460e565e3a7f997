"""One index, shards searched as one, and shards searched far apart: one and the same run."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.indexing import build_bm25_index
from hyper_ir.lucene.searching import BM25Searcher, ImpactSearcher
from hyper_ir.lucene.shard_indexing import build_bm25_shards, build_impact_shards
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.merge import main as merge
from hyper_ir.search.__main__ import main as search
from tests.java_here import java_or_skip
from tests.lucene import in_process
from tests.lucene.conftest import write_vectors

pytestmark = pytest.mark.jvm

WORDS = ["cat", "dog", "bird", "fish", "run", "walk", "green", "red", "über", "the"]
SHARDS = [1, 4, 16]
DEPTHS = [[], ["--remove-query"], ["--max-passage", "--max-passage-hits", "7"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexes of one collection, whole and in 1, 4 and 16 shards, and encoded and text topics.

    Few different weights, so that many documents tie; a token that all documents have, and one
    that all documents of a shard have.
    """
    java_or_skip()
    folder = tmp_path_factory.mktemp("sharded")
    generator = random.Random(4)
    ids = [f"{generator.choice('dDé😀')}{number // 3}#{number % 3}" for number in range(240)]
    tokens = [f"t{number}" for number in range(25)]
    vectors = {}
    for id in ids:
        chosen = generator.sample(tokens, generator.randint(2, 8))
        vectors[id] = {token: generator.choice([1, 1, 2, 3]) for token in chosen} | {"all": 2}
    vectors["heavy"] = {"t1": 70_001, "t2": 1_000_003, "all": 1}
    vectors["5"] = {"t1": 70_001, "t3": 5, "all": 1}
    write_vectors(folder / "vectors" / "v.jsonl", vectors)
    counts = {"documents": len(vectors)}
    manifest = Manifest("vectors", {"name": "m"}, "v", {"factor": 100}, counts=counts)
    write_manifest(folder / "vectors", manifest)
    texts = [
        Passage(id, {"text": " ".join(generator.choices(WORDS, k=generator.randint(1, 25)))})
        for id in ids
    ]
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_process.index_here(monkeypatch)
        build_impact_index(folder / "vectors", folder / "impact", progress=False)
        build_bm25_index(texts, folder / "bm25", progress=False)
        for shards in SHARDS:
            at = folder / f"impact-{shards}"
            build_impact_shards(folder / "vectors", at, shards, progress=False)
            build_bm25_shards(texts, folder / f"bm25-{shards}", shards, progress=False)
    topics = [
        f"{number}\t{' '.join(generator.choices(tokens, k=6))} all all\n" for number in range(40)
    ]
    (folder / "encoded.tsv").write_text("".join([*topics, "100\tt24 t24\n", "101\tall\n"]))
    queries = [f"{number}\t{' '.join(generator.choices(WORDS, k=3))}\n" for number in range(40)]
    (folder / "texts.tsv").write_text("".join(queries), encoding="utf-8")
    return folder


def impact(folder: Path, output: Path, *flags: str) -> bytes:
    """The run of an impact search."""
    topics = str(folder / "encoded.tsv")
    common = ["--impact", "--topics", topics, "--output", str(output), "--tag", "x", "--quiet"]
    search([*common, *flags])
    return output.read_bytes()


@pytest.mark.parametrize("hits", ["1", "7", "1000"])
@pytest.mark.parametrize("shards", SHARDS)
def test_shards_as_one(folder: Path, tmp_path: Path, shards: int, hits: str) -> None:
    for more in (["--min-idf", "0"], ["--min-idf", "-1"], ["--min-idf", "0.9", "--remove-query"]):
        flags = ["--hits", hits, *more]
        expected = impact(folder, tmp_path / "one", "--index", str(folder / "impact"), *flags)
        place = folder / f"impact-{shards}"
        assert impact(folder, tmp_path / "r", "--index", str(place), *flags) == expected
        all_shards = [str(path) for path in sorted(place.glob("shard-*"), reverse=True)]
        assert impact(folder, tmp_path / "r", "--index", *all_shards, *flags) == expected
    manifest = read_manifest(tmp_path / "r")
    assert manifest is not None
    assert manifest.config["shards"]["numbers"] == list(range(shards))


@pytest.mark.parametrize("shards", SHARDS)
def test_bm25_over_shards_is_bm25(folder: Path, tmp_path: Path, shards: int) -> None:
    """Frequencies and lengths are counted over all shards."""
    found = []
    for index in ("bm25", f"bm25-{shards}"):
        output = tmp_path / index
        topics = ["--topics", str(folder / "texts.tsv"), "--hits", "50", "--tag", "x"]
        search([*topics, "--index", str(folder / index), "--output", str(output), "--quiet"])
        found.append(output.read_bytes())
    assert found[0] == found[1]
    assert found[0].count(b"\n") > 500


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shards", SHARDS)
def test_shards_far_apart_are_merged_into_the_same_run(
    folder: Path, tmp_path: Path, shards: int, depth: list[str]
) -> None:
    expected = impact(
        folder, tmp_path / "one", "--index", str(folder / "impact"), "--hits", "20", *depth
    )
    runs = []
    for shard in sorted((folder / f"impact-{shards}").glob("shard-*")):
        shutil.copytree(shard, tmp_path / shard.name)  # alone on another machine
        runs.append(str(tmp_path / f"{shard.name}.trec"))
        impact(folder, Path(runs[-1]), "--index", str(tmp_path / shard.name), "--hits", "21")
    merged = tmp_path / "merged.trec"
    merge([*runs, "--output", str(merged), "--k", "20", "--quiet", *depth])
    assert merged.read_bytes() == expected
    manifest, one = read_manifest(merged), read_manifest(tmp_path / "one")
    assert manifest is not None
    assert one is not None
    assert manifest.counts == one.counts
    assert manifest.config["depth"] == one.config["depth"]


def test_parts_of_parts_and_what_is_missing(folder: Path, tmp_path: Path) -> None:
    expected = impact(folder, tmp_path / "one", "--index", str(folder / "impact"), "--hits", "9")
    names = sorted(str(path) for path in (folder / "impact-4").glob("shard-*"))
    first, last = str(tmp_path / "first"), str(tmp_path / "last")
    impact(folder, Path(first), "--index", names[2], names[0], "--hits", "9")
    impact(folder, Path(last), "--index", names[1], names[3], "--hits", "9")
    common = ["--output", str(tmp_path / "merged"), "--k", "9", "--quiet"]
    with pytest.raises(ValueError, match=r"no run searched shard 1 of 4 .*--partial merges"):
        merge([first, *common])
    with pytest.raises(ValueError, match="need as many of each; search with --hits 10, or merge f"):
        merge([first, last, "--output", str(tmp_path / "m"), "--k", "10", "--quiet"])
    merge([last, first, *common])
    assert (tmp_path / "merged").read_bytes() == expected
    merge([last, *common, "--partial"])
    manifest = read_manifest(tmp_path / "merged")
    assert manifest is not None
    assert manifest.config["shards"]["numbers"] == [1, 3]


def test_bm25_of_parts_is_not_merged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = str(folder / "bm25-4" / "shard-01")
    output = str(tmp_path / "r")
    topics = ["--topics", str(folder / "texts.tsv"), "--output", output, "--quiet"]
    search(["--index", shard, *topics])
    assert "1 shard (1) of 4 by their own statistics" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"is of BM25, .* search the parts together"):
        merge([output, "--output", str(tmp_path / "m")])


def test_some_shards_say_that_they_are_some(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    impact(folder, tmp_path / "r", "--index", str(folder / "impact-4" / "shard-01"))
    assert "notice: searching 1 shard (1) of 4; python -m hyper_ir.merge" in capsys.readouterr().err


def test_what_a_searcher_knows(folder: Path) -> None:
    whole = ImpactSearcher(folder / "impact")
    for index in (folder / "impact-16", folder / "impact-16" / "shard-03"):
        searcher = ImpactSearcher(index)
        for token in ("t1", "t24", "all", "none"):
            assert searcher.knows(token) == whole.knows(token)
    assert ImpactSearcher(folder / "impact-16").documents == whole.documents == 242
    assert BM25Searcher(folder / "bm25-4").documents == 240


def test_a_document_in_two_indexes_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "impact", tmp_path / "copy")
    searcher = ImpactSearcher([folder / "impact", tmp_path / "copy"])
    with pytest.raises(ValueError, match="stands in two of the 2 indexes"):
        searcher.search([("q", {"t1": 1})], 10)


def test_without_lucene_the_vectors_of_a_folder_of_shards_are_searched(
    folder: Path, tmp_path: Path
) -> None:
    flags = ["--hits", "30", "--index", str(folder / "impact-4")]
    exact = impact(folder, tmp_path / "exact", *flags, "--engine", "exact")
    assert exact == impact(folder, tmp_path / "lucene", *flags)
    shards = [str(folder / "impact-4" / f"shard-0{number}") for number in range(4)]
    with pytest.raises(ValueError, match="reads one file or folder of vectors"):
        impact(folder, tmp_path / "r", "--index", *shards, "--engine", "exact")
    with pytest.raises(ValueError, match="its manifest names none"):
        impact(folder, tmp_path / "r", "--index", shards[0], "--engine", "exact")
