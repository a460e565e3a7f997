from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.advising import cells, indexes, topics
from hyper_ir.advising.advice import Advice
from hyper_ir.advising.grid import make_grid
from hyper_ir.advising.indexes import bytes_of
from hyper_ir.advising.inputs import Inputs, check
from hyper_ir.advising.study import Study
from hyper_ir.data.runs import read_run
from hyper_ir.evaluation.inputs import score_files, task_files
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.locking import sole_writer
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.search.pipeline import Depth
from hyper_ir.search.to_run import Job, impact_run
from tests.advising.collection import DOCUMENTS, write_collection
from tests.java_here import java_or_skip
from tests.lucene.conftest import write_vectors


@pytest.fixture
def given(tmp_path: Path) -> Inputs:
    folder = write_collection(tmp_path)
    return Inputs(
        str(folder / "vectors"),
        str(folder / "topics.tsv"),
        str(folder / "dev.qrels"),
        ("nDCG@10", "RR"),
        engine="exact",
        depth=Depth(hits=20),
        passes=1,
        sample=5,
    )


def study(
    given: Inputs,
    folder: Path,
    factors: Sequence[float] = (100, 10),
    top_ks: Sequence[int] = (0, 4),
    terms: Sequence[int] = (0, 2),
) -> Study:
    checked = check(given)
    return Study(checked, make_grid(checked.own_factor, factors, top_ks, terms), folder)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is built, searched and timed, as it happens."""
    done: list[str] = []

    def spied(module: object, name: str, word: str) -> None:
        original = getattr(module, name)

        def spy(*args: object, **kwargs: object) -> object:
            done.append(word)
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, spy)

    spied(indexes, "write_requantised", "index")
    spied(cells, "write_run", "search")
    spied(cells, "interleaved", "speed")
    spied(topics, "read_encoded", "topics")
    return done


def figures(advice: Advice) -> list[tuple[str, object]]:
    return [(cell.setting.name, cell.found) for cell in advice.cells]


def test_every_cell_is_what_the_verbs_would_find(given: Inputs, tmp_path: Path) -> None:
    made = study(given, tmp_path / "out")
    advice = made.run(progress=False)
    assert len(advice.cells) == 8
    assert advice.topics == 8  # the ninth has no judgments
    unpruned = advice.unpruned
    assert unpruned.setting.name == "f100-kall-qall"
    assert unpruned.found.overlap == {10: 1.0, 100: 1.0}
    for cell in advice.cells:
        index = tmp_path / "out" / "scratch" / cell.setting.index.name
        job = Job(str(index), given.topics, str(tmp_path / "r"), Depth(hits=20), tag="x")
        from hyper_ir.search.measuring import Pruning

        impact_run(job, engine="exact", pruning=Pruning(cell.setting.query_terms), progress=False)
        expected = {id: hits for id, hits in read_run(job.output).items() if id != "unjudged"}
        assert read_run(tmp_path / "out" / "runs" / f"{cell.setting.name}.trec.gz") == expected
        scores = score_files(
            task_files([given.qrels], [job.output]), parse_measures(given.measures)
        )
        task = scores.tasks[0]
        for measure in given.measures:
            assert cell.score(measure) == scores.overall(task, "x", measure)
        assert cell.size.documents == DOCUMENTS
        assert cell.size.bytes == (index / "embeddings.jsonl.gz").stat().st_size
        assert 0 < cell.latency.p50 <= cell.latency.p95
    small = advice.cells[-1]
    assert small.setting.name == "f10-k4-q2"
    assert small.size.postings <= 4 * DOCUMENTS < unpruned.size.postings
    assert small.found.overlap[10] < 1


def test_what_was_done_is_not_done_again(given: Inputs, tmp_path: Path, work: list[str]) -> None:
    first = study(given, tmp_path / "out").run(progress=False)
    assert work == ["topics", *["index"] * 4, *["search"] * 8, "speed"]
    work.clear()
    again = study(given, tmp_path / "out").run(progress=False)
    assert work == []
    assert again == first
    assert json.loads((tmp_path / "out" / "advice.json").read_text())["recommended"]


def test_more_of_the_grid_adds_what_is_missing(
    given: Inputs, tmp_path: Path, work: list[str]
) -> None:
    study(given, tmp_path / "out", terms=[0]).run(progress=False)
    work.clear()
    wider = study(given, tmp_path / "out", terms=[0, 2]).run(progress=False)
    assert work == [*["search"] * 4, "speed"]  # all are timed together
    fresh = study(given, tmp_path / "fresh", terms=[0, 2]).run(progress=False)
    assert figures(wider) == figures(fresh)


def test_an_interrupted_study_goes_on(
    given: Inputs, tmp_path: Path, work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cells, "interleaved", interrupt)
        with pytest.raises(KeyboardInterrupt):
            study(given, tmp_path / "out").run(progress=False)
    assert not (tmp_path / "out" / "advice.json").exists()
    work.clear()
    study(given, tmp_path / "out").run(progress=False)
    assert work == ["speed"]


def test_what_a_killed_process_left_is_removed(given: Inputs, tmp_path: Path) -> None:
    study(given, tmp_path / "out").run(progress=False)
    scratch = tmp_path / "out" / "scratch"
    whole = sorted(scratch.iterdir())
    for name in (".f25-kall.vectors.partial", ".f25-k9.vectors.p2kd.partial", "f25-kall.vectors"):
        (scratch / name).mkdir()
        (scratch / name / "embeddings.jsonl.gz").write_bytes(b"half")
    told = r"advice\.json: another process is writing it"
    with sole_writer(tmp_path / "out" / "advice.json"), pytest.raises(ValueError, match=told):
        study(given, tmp_path / "out").run(progress=False)
    assert len(list(scratch.iterdir())) == len(whole) + 3
    study(given, tmp_path / "out").run(progress=False)
    assert sorted(scratch.iterdir()) == whole
    assert not list((tmp_path / "out").glob("*.lock"))


def test_changed_inputs_are_worked_on_anew(given: Inputs, tmp_path: Path, work: list[str]) -> None:
    before = study(given, tmp_path / "out").run(progress=False)
    work.clear()
    with open(Path(given.vectors) / "v.jsonl", "a") as handle:
        handle.write('{"id": "new", "contents": "", "vector": {"t1": 900}}\n')
    manifest = read_manifest(given.vectors)
    assert manifest is not None
    write_manifest(given.vectors, replace(manifest, counts={"documents": DOCUMENTS + 1}))
    after = study(given, tmp_path / "out").run(progress=False)
    assert work == [*["index"] * 4, *["search"] * 8, "speed"]
    assert after.unpruned.size.documents == DOCUMENTS + 1 == before.unpruned.size.documents + 1
    work.clear()
    with open(given.topics, "a") as handle:
        handle.write("more\tt3\n")
    study(given, tmp_path / "out").run(progress=False)
    assert work == ["topics", *["search"] * 8, "speed"]
    work.clear()
    study(replace(given, measures=("RR",)), tmp_path / "out").run(progress=False)
    assert work == ["search"] * 8


def test_removed_indexes_are_built_again_only_where_needed(
    given: Inputs, tmp_path: Path, work: list[str]
) -> None:
    made = study(given, tmp_path / "out")
    made.run(progress=False)
    made.indexes.remove()
    assert not (tmp_path / "out" / "scratch").exists()
    work.clear()
    study(given, tmp_path / "out").run(progress=False)
    assert work == []
    study(replace(given, sample=3), tmp_path / "out").run(progress=False)
    assert work == [*["index"] * 4, "speed"]


def test_what_is_written(given: Inputs, tmp_path: Path) -> None:
    made = study(given, tmp_path / "out")
    advice = made.run(progress=False)
    value = json.loads((tmp_path / "out" / "advice.json").read_text())
    assert [cell["name"] for cell in value["cells"]] == [c.setting.name for c in advice.cells]
    assert value["commands"] == made.commands(advice)
    text = (tmp_path / "out" / "advice.md").read_text()
    assert "| factor | top-k |" in text
    assert "python -m hyper_ir.encode input --corpus 'my corpus'" in text
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert (manifest.kind, manifest.vocabulary) == ("advice", "v1")
    assert manifest.counts["settings"] == 8
    for ending in ("svg", "png"):
        assert (tmp_path / "out" / f"advice.{ending}").stat().st_size > 1000


def test_pages_of_kilt(given: Inputs, tmp_path: Path) -> None:
    gold = [
        {"id": str(n), "input": "x", "output": [{"provenance": [{"wikipedia_id": f"PAGE{n}"}]}]}
        for n in range(4)
    ]
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, gold)))
    kilt = replace(
        given,
        qrels=str(tmp_path / "gold.jsonl"),
        measures=("KILTRprec",),
        depth=Depth(hits=20, pages=20),
    )
    advice = study(kilt, tmp_path / "out").run(progress=False)
    assert advice.topics == 4
    run = read_run(tmp_path / "out" / "runs" / "f100-kall-qall.trec.gz")
    assert all("#" not in hit.doc_id for hits in run.values() for hit in hits)


def test_topics_that_do_not_fit(given: Inputs, tmp_path: Path) -> None:
    (tmp_path / "none.qrels").write_text("other 0 a 1\n")
    with pytest.raises(ValueError, match=r"none in .* \(9 topics\) is judged in .*none\.qrels"):
        study(replace(given, qrels=str(tmp_path / "none.qrels")), tmp_path / "o").run(False)
    write_manifest(given.topics, Manifest("topics", model={"name": "m2"}, vocabulary="v2"))
    with pytest.raises(ValueError, match="whose vocabulary is not that of"):
        study(given, tmp_path / "o").run(False)
    checked = check(given)
    grid = make_grid(100, [100], [0], [0])
    for tolerance in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="tolerance"):
            Study(checked, grid, tmp_path / "o", tolerance)


def test_plain_texts_are_not_taken_for_vectors(given: Inputs, tmp_path: Path) -> None:
    plain = tmp_path / "plain.tsv"
    plain.write_text("".join(f"{number}\tt1 t2 t3\n" for number in range(8)))
    with pytest.raises(ValueError, match=r"plain\.tsv look like plain texts"):
        study(replace(given, topics=str(plain)), tmp_path / "advice").run(False)


def test_a_live_encoder_is_timed_and_asked_once(
    given: Inputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cached = tmp_path / "cached.jsonl"
    texts = {"0": "first text", "1": "second text"}
    lines = [
        json.dumps({"contents": text, "vector": {"t1": 3, "t2": 1 + int(id)}})
        for id, text in texts.items()
    ]
    cached.write_text("\n".join(lines))
    (tmp_path / "texts.tsv").write_text("".join(f"{id}\t{text}\n" for id, text in texts.items()))
    live = replace(given, topics=str(tmp_path / "texts.tsv"), encoder=str(cached))
    first = study(live, tmp_path / "out").run(progress=False)
    assert first.encoding is not None
    assert first.encoding.p50 > 0
    assert "measure" not in capsys.readouterr().err
    study(live, tmp_path / "shown", factors=[100], top_ks=[0], terms=[0]).run()
    assert capsys.readouterr().err.count("2/2") >= 2  # of encoding and of searching
    monkeypatch.setattr(topics, "open_encoder", None)
    assert study(live, tmp_path / "out").run(progress=False) == first


@pytest.mark.jvm
def test_lucene_finds_what_the_exact_searcher_finds(
    given: Inputs, tmp_path: Path, work: list[str]
) -> None:
    java_or_skip()
    exact = study(given, tmp_path / "exact", top_ks=[0]).run(progress=False)
    lucene = study(replace(given, engine="lucene"), tmp_path / "lucene", top_ks=[0])
    advice = lucene.run(progress=False)
    for ours, theirs in zip(advice.cells, exact.cells, strict=True):
        assert ours.setting == theirs.setting
        assert ours.found == theirs.found
        assert ours.size.postings == theirs.size.postings
    scratch = tmp_path / "lucene" / "scratch"
    assert sorted(path.name for path in scratch.iterdir()) == ["f10-kall", "f100-kall"]
    assert advice.unpruned.size.bytes == bytes_of(scratch / "f100-kall") > 0
    work.clear()
    again = study(replace(given, engine="lucene"), tmp_path / "lucene", top_ks=[0])
    assert again.run(progress=False) == advice
    assert work == []


def test_vectors_of_one_file(given: Inputs, tmp_path: Path) -> None:
    alone = write_vectors(
        tmp_path / "alone.jsonl", {f"{number}#0": {f"t{number}": 900} for number in range(40)}
    )
    single = replace(given, vectors=str(alone), vectors_factor=100.0)
    advice = study(single, tmp_path / "out").run(progress=False)
    assert advice.unpruned.size.documents == 40
