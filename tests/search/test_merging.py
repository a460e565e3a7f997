from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import read_run, write_run
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.exact import ExactSearcher
from hyper_ir.search.merging import merge_runs
from hyper_ir.search.pipeline import Depth, Search, stock_order

TOKENS = ["x", "y", "z"]
VECTORS = st.dictionaries(st.sampled_from(TOKENS), st.integers(1, 3), min_size=1)
COLLECTIONS = st.dictionaries(
    st.text("ab#é1", min_size=1, max_size=3), VECTORS, min_size=1, max_size=12
)
TOPICS = st.dictionaries(st.sampled_from(["1", "2", "10", "q", "é"]), VECTORS, min_size=1)


def write(path: Path, searcher: ExactSearcher, topics: dict[str, Any], depth: Depth) -> Path:
    """The run of a search, without a manifest."""
    ordered = [(id, topics[id]) for id in stock_order(topics)]
    write_run(path, Search(searcher, depth).run(ordered, progress=False), "t")
    return path


@settings(max_examples=60, deadline=None)
@given(COLLECTIONS, TOPICS, st.integers(1, 6), st.integers(1, 4), st.booleans(), st.booleans())
def test_merging_is_searching_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    collection: dict[str, dict[str, int]],
    topics: dict[str, dict[str, int]],
    hits: int,
    parts: int,
    without_query: bool,
    paged: bool,
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    depth = Depth(hits, without_query, 3 if paged else None)
    whole = write(folder / "w", ExactSearcher(collection.items(), min_idf=-1), topics, depth)
    runs = []
    for part in range(parts):
        documents = list(collection.items())[part::parts]
        if documents:
            searcher = ExactSearcher(documents, min_idf=-1)
            run = write(folder / f"p{part}", searcher, topics, Depth(hits + 1))
            runs += [run] if run.stat().st_size else []
    if runs:
        merged = merge_runs(runs, folder / "m", depth=depth, progress=False)
        assert (folder / "m").read_bytes() == whole.read_bytes()
        assert merged.hits == whole.read_bytes().count(b"\n")
    else:
        assert not whole.stat().st_size


def run_of(path: Path, topics: dict[str, dict[str, float]], tag: str = "t", **said: Any) -> Path:
    lists = {
        topic: [Hit(*item) for item in sorted(hits.items(), key=lambda item: -item[1])]
        for topic, hits in topics.items()
    }
    lines = write_run(path, lists.items(), tag)
    if said:
        counts = {"topics": len(topics), "hits": lines, "empty": 0} | said.pop("counts", {})
        config = {"engine": "lucene", "min_idf": 0, "query_terms": None} | said.pop("config", {})
        write_manifest(path, Manifest("run", **said, config=config, counts=counts))
    return path


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    first = run_of(tmp_path / "a", {"1": {"d": 3}, "2": {"d": 2}, "3": {"d": 1}, "4": {"d": 9}})
    second = run_of(tmp_path / "b.gz", {"2": {"e": 5}})
    output = tmp_path / "m.trec.gz"
    merged = merge_runs([first, second], output, depth=Depth(1), progress=False)
    assert {id: hits[0].doc_id for id, hits in read_run(output).items()} == {
        "1": "d",
        "2": "e",
        "3": "d",
        "4": "d",
    }
    assert merged.missing == {str(second): (3, ["1", "3", "4"])}
    lines = "\n".join(merged.lines())
    assert f"3 topics are not in {second} (1, 3, 4): it found nothing there" in lines
    assert f"{first} has no manifest" in lines
    assert "no list has over" not in lines
    shallow = merge_runs([first, second], output, depth=Depth(5), progress=False)
    assert "no list has over 1 hits; if it was searched for fewer than 5" in str(shallow.notes)


def test_a_document_in_two_runs(tmp_path: Path) -> None:
    first = run_of(tmp_path / "a", {"1": {"c": 4}, "2": {"d": 3, "e": 1}})
    second = run_of(tmp_path / "b", {"2": {"f": 2, "d": 1}})
    output = tmp_path / "m"
    with pytest.raises(ValueError, match=r"document 'd' is in .*a and .*b for topic '2'"):
        merge_runs([first, second], output, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_scores_that_are_no_sums_of_impacts(tmp_path: Path) -> None:
    first = run_of(tmp_path / "a", {"1": {"c": 4.25}})
    second = run_of(tmp_path / "b", {"1": {"d": 4.5, "e": 1.125}})
    with pytest.raises(ValueError, match=r"scores of topic '1' are not those .*--any-scores"):
        merge_runs([first, second], tmp_path / "m", progress=False)
    merge_runs([first, second], tmp_path / "m", any_scores=True, depth=Depth(2), progress=False)
    assert read_run(tmp_path / "m")["1"] == [Hit("d", 4.5), Hit("c", 4.25)]


def test_tags(tmp_path: Path) -> None:
    first, second = run_of(tmp_path / "a", {"1": {"c": 4}}), run_of(tmp_path / "b", {"1": {"d": 5}})
    merge_runs([first, second], tmp_path / "one.trec", progress=False)
    assert (tmp_path / "one.trec").read_text().splitlines()[0] == "1 Q0 d 1 5.000000 t"
    other = run_of(tmp_path / "c", {"1": {"e": 5}}, "u")
    with pytest.raises(ValueError, match=r"their tags differ \(t, u\).*--tag NAME"):
        merge_runs([first, other], tmp_path / "m", progress=False)
    merge_runs([first, other], tmp_path / "m", tag="both", progress=False)
    assert (tmp_path / "m").read_text().endswith(" both\n")
    with pytest.raises(ValueError, match="white space"):
        merge_runs([first, other], tmp_path / "m", tag="two words", progress=False)


def test_runs_of_one_search_are_named_after_the_output(tmp_path: Path) -> None:
    model: dict[str, Any] = {"model": {"name": "m"}, "vocabulary": "v"}
    first = run_of(tmp_path / "a", {"1": {"c": 4}}, "a", **model)
    second = run_of(tmp_path / "b", {"1": {"d": 5}}, "b", **model)
    merged = merge_runs([first, second], tmp_path / "my run.trec.gz", progress=False)
    assert read_run(tmp_path / "my run.trec.gz")["1"] == [Hit("d", 5), Hit("c", 4)]
    assert "by its own part" not in str(merged.notes)
    assert "--min-idf -1 in each search" in str(merged.notes)
    manifest = read_manifest(tmp_path / "my run.trec.gz")
    assert manifest is not None
    assert manifest.config["tag"] == "my-run"
    assert manifest.config["merged"] is True
    assert manifest.counts == {"topics": 1, "hits": 2, "empty": 0}
    assert manifest.vocabulary == "v"
    assert manifest.inputs["runs"] == [str(first), str(second)]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model": {"name": "n"}}, "b is of another model than"),
        ({"vocabulary": "w"}, "b is of another vocabulary than"),
        ({"quantiser": {"factor": 5}}, "b is of another quantiser than"),
        ({"config": {"query_terms": 8}}, "b is of another --query-terms than"),
        ({"config": {"min_idf": -1}}, "b is of another --min-idf than"),
        ({"config": {"idf_power": 0.5}}, "b is of another --idf-power than"),
        ({"config": {"k1": 0.9}}, "b is of BM25"),
        ({"config": {"depth": {"hits": 5}}}, "b holds the best 5 of its part, and 1,000 of all"),
        ({"config": {"depth": {"pages": 9}}}, "b was made with --max-passage"),
        ({"config": {"depth": {"without_query": True}}}, "b was made with --remove-query"),
        ({"counts": {"topics": 7, "empty": 6}}, "b is of another number of topics than"),
        ({"counts": {"hits": 9}}, "b holds 1 topic and 1 hit, but its manifest says 1 and 9"),
        ({"counts": {"empty": 1}}, "b holds 1 topic and 1 hit, but its manifest says 0 and 1"),
    ],
)
def test_runs_that_do_not_belong_together(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    made: dict[str, Any] = {"model": {"name": "m"}, "vocabulary": "v"}
    first = run_of(tmp_path / "a", {"1": {"c": 4}}, **made)
    second = run_of(tmp_path / "b", {"1": {"d": 5}}, **made | changes)
    with pytest.raises(ValueError, match=complaint):
        merge_runs([first, second], tmp_path / "m", progress=False)
    assert not (tmp_path / "m").exists()


def shards(*numbers: int, collection: str = "c") -> dict[str, Any]:
    return {"config": {"shards": {"collection": collection, "of": 3, "numbers": list(numbers)}}}


def test_shards_searched_twice_never_or_of_another_collection(tmp_path: Path) -> None:
    first = run_of(tmp_path / "a", {"1": {"c": 4}}, **shards(0, 2))
    output = tmp_path / "m"
    for said, complaint in (
        (shards(2), "b and .*a both searched shard 2"),
        (shards(1, collection="d"), "b is not of the collection whose shards"),
        ({"model": {}}, "b is not of the collection whose shards"),
    ):
        second = run_of(tmp_path / "b", {"1": {"d": 5}}, **said)
        with pytest.raises(ValueError, match=complaint):
            merge_runs([first, second], output, progress=False)
    with pytest.raises(ValueError, match=r"no run searched shard 1 of 3 .*--partial"):
        merge_runs([first], output, progress=False)
    merge_runs([first], output, partial=True, progress=False)
    second = run_of(tmp_path / "b", {"1": {"d": 5}}, **shards(1))
    assert merge_runs([first, second], output, progress=False).notes == []


def test_bad_lines_and_bad_places(tmp_path: Path) -> None:
    first = run_of(tmp_path / "a", {"1": {"c": 4}}, model={"name": "m"})
    with open(first, "a") as handle:
        handle.write("2 Q0 broken\n")
    with pytest.raises(ValueError, match=r"a:2: 3 columns"):
        merge_runs([first], tmp_path / "m", progress=False)
    problems = Problems("skip")
    assert merge_runs([first], tmp_path / "m", problems=problems, progress=False).hits == 1
    assert problems.count == 1
    for runs, output, complaint in (
        ([first], first, "output: .*a is one of the runs"),
        ([first, tmp_path / "." / "a"], tmp_path / "m", "a is given twice"),
        ([], tmp_path / "m", "none is given"),
        ([tmp_path / "none"], tmp_path / "m", "none does not exist"),
        ([first], tmp_path, "is a folder"),
    ):
        with pytest.raises(ValueError, match=complaint):
            merge_runs(runs, output, progress=False)
    write_manifest(first, Manifest("index"))
    with pytest.raises(ValueError, match="is of kind 'index', not a run"):
        merge_runs([first], tmp_path / "m", progress=False)


def test_memory_does_not_grow_with_the_topics(tmp_path: Path) -> None:
    def peak(topics: int) -> int:
        runs = []
        for part in range(3):
            path = tmp_path / f"{topics}-{part}"
            lists = ((str(n), [Hit(f"d{part}-{n}", 7.0)]) for n in range(topics))
            write_run(path, lists, "t")
            runs.append(path)
        tracemalloc.start()
        merge_runs(runs, tmp_path / "m", progress=False)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(50)
    assert peak(6_000) < peak(300) + 300_000  # all at once, they would be megabytes
