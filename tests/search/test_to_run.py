from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.data.runs import read_run
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import BadRecordError, Problems
from hyper_ir.search.measuring import Pruning
from hyper_ir.search.to_run import Job, impact_run
from tests.lucene.conftest import write_vectors
from tests.tiny_models import save_checkpoint

VECTORS = {"a": {"x": 2, "y": 1}, "b": {"x": 5}, "c": {"z": 1}}


class Letters:
    """Every word a token of weight 1."""

    manifest: Manifest | None = None

    def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
        return [dict.fromkeys(text.split(), 1) for text in texts]


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    write_vectors(tmp_path / "vectors" / "v.jsonl", VECTORS)
    manifest = Manifest("vectors", model={"name": "m1"}, vocabulary="v1")
    write_manifest(tmp_path / "vectors", manifest)
    return tmp_path / "vectors"


def job(vectors: Path, topics: str, name: str = "t.tsv", output: str = "out/r.trec") -> Job:
    path = vectors.parent / name
    path.write_text(topics)
    return Job(str(vectors), str(path), str(vectors.parent / output))


def test_encoded_topics(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = job(vectors, "10\tx x\n9\ty\n11\tunknown\n12\t[empty-query]\n")
    report = impact_run(work, progress=False)
    assert (report.topics, report.hits, report.empty) == (4, 3, 2)
    text = Path(work.output).read_text()
    assert text.splitlines() == [
        "9 Q0 a 1 1.000000 r",
        "10 Q0 b 1 10.000000 r",
        "10 Q0 a 2 4.000000 r",
    ]
    said = capsys.readouterr().err
    assert "searching the vectors of" in said
    assert "1 of 4 topics have no token that occurs in the index (11); they find nothing" in said
    manifest = read_manifest(work.output)
    assert manifest is not None
    assert (manifest.kind, manifest.config["engine"]) == ("run", "exact")
    assert manifest.counts == {"topics": 4, "hits": 3, "empty": 2}
    assert manifest.config["tag"] == "r"


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("runs/nfcorpus.bm25.trec", "nfcorpus.bm25"),
        ("x.trec.gz", "x"),
        ("run", "run"),
        ("my first run.txt", "my-first-run"),
    ],
)
def test_a_run_is_called_by_its_file(output: str, name: str) -> None:
    assert Job("index", "topics", output).run_name() == name
    assert Job("index", "topics", output, tag="given").run_name() == "given"


def test_a_live_encoder(vectors: Path) -> None:
    work = job(vectors, "q\tx y\n")
    impact_run(work, encoder=Letters(), progress=False)
    assert [hit.doc_id for hit in read_run(work.output)["q"]] == ["b", "a"]


def test_cached_vectors_by_file(vectors: Path) -> None:
    cached = vectors.parent / "queries.jsonl"
    cached.write_text('{"contents": "what is z", "vector": {"z": 7}}\n')
    work = job(vectors, "q\twhat is z\n")
    impact_run(work, encoder=str(cached), progress=False)
    assert [(hit.doc_id, hit.score) for hit in read_run(work.output)["q"]] == [("c", 7.0)]


def test_another_vocabulary_is_refused_before_the_search(vectors: Path) -> None:
    work = job(vectors, "q\tx\n")
    write_manifest(work.topics, Manifest("topics", model={"name": "m2"}, vocabulary="v2"))
    with pytest.raises(ValueError, match=r"made by m1, whose vocabulary is not that of .* m2"):
        impact_run(work, progress=False)
    encoder = Letters()
    encoder.manifest = Manifest("topics", vocabulary="v3")
    with pytest.raises(ValueError, match="vocabulary"):
        impact_run(work, encoder=encoder, progress=False)
    assert not Path(work.output).exists()


def test_texts_taken_for_encoded_topics_are_refused(vectors: Path) -> None:
    work = job(vectors, "q\tWhat is this?\np\tAnd that?\n")
    with pytest.raises(ValueError, match=r"\(2 topics\) has a token.*plain texts need --encoder"):
        impact_run(work, progress=False)
    assert not Path(work.output).exists()
    work = job(vectors, "q\tx\n")
    write_manifest(work.topics, Manifest("topics"))  # as python -m hyper_ir.data topics does
    with pytest.raises(ValueError, match=r"t\.tsv holds texts, says its manifest; --encoder MODEL"):
        impact_run(work, progress=False)


@pytest.mark.parametrize("topics", ["q\tx is quite unknown\np\ty\n", "q\tx y\np\tz\n"])
def test_what_looks_like_texts_is_refused_unless_it_is_json(vectors: Path, topics: str) -> None:
    work = job(vectors, topics)
    with pytest.raises(ValueError, match=r"plain texts: hardly a token is repeated.* as JSONL \{"):
        impact_run(work, progress=False)
    assert not Path(work.output).exists()
    rows = (line.split("\t") for line in topics.splitlines())
    encoded = [{"id": id, "vector": dict.fromkeys(text.split(), 1)} for id, text in rows]
    again = job(vectors, "\n".join(map(json.dumps, encoded)), "t.jsonl")
    assert impact_run(again, progress=False).topics == 2


def test_topics_of_which_the_index_knows_little_are_searched_and_told(
    vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = job(vectors, '{"id": "q", "vector": {"x": 9, "is": 8, "this": 7}}\n')
    impact_run(work, progress=False)
    said = capsys.readouterr().err
    assert "warning: are the topics of" in said
    assert "only 1 of their 3 tokens occur in the index; texts need --encoder MODEL" in said


@pytest.mark.parametrize(
    "topics",
    ["q\tx x x x y\n", '{"id": "q", "vector": {"x": 1, "y": 1}}\n', "q\t[empty-query]\np\tx x\n"],
)
def test_what_looks_like_vectors_is_not_doubted(
    vectors: Path, topics: str, capsys: pytest.CaptureFixture[str]
) -> None:
    impact_run(job(vectors, topics), progress=False)
    assert "plain texts" not in capsys.readouterr().err


def test_topics_of_a_model_are_not_doubted(
    vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = job(vectors, "q\tx a b c\n")
    write_manifest(work.topics, Manifest("topics", model={"name": "m1"}, vocabulary="v1"))
    impact_run(work, progress=False)
    impact_run(job(vectors, "q\tx a b c\n"), encoder=Letters(), progress=False)
    assert "plain texts" not in capsys.readouterr().err


def test_bad_topics_stop_or_are_left_out(vectors: Path) -> None:
    work = job(
        vectors, '{"id": "q", "vector": {"x": NaN}}\n{"id": "p", "vector": {"x": 1}}', "t.jsonl"
    )
    with pytest.raises(ValueError, match=r"t\.jsonl:1: "):
        impact_run(work, progress=False)
    problems = Problems("skip")
    assert impact_run(work, problems=problems, progress=False).topics == 1
    assert problems.count == 1


def test_bad_vectors_stop_or_are_left_out(vectors: Path) -> None:
    with open(vectors / "v.jsonl", "a") as handle:
        handle.write('{"id": "d", "vector": {"x": 0.5}}\n')
    work = job(vectors, "q\tx x\n")
    with pytest.raises(BadRecordError, match=r"v\.jsonl:4: weight 0\.5"):
        impact_run(work, progress=False)
    problems = Problems("skip")
    assert impact_run(work, problems=problems, progress=False).hits == 2
    assert problems.count == 1


def test_topics_of_too_many_terms_are_cut_by_weight_and_it_is_said(
    vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Everything(Letters):
        def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
            return [{f"t{number}": 1 for number in range(70_000)} | {"x": 2} for _ in texts]

    work = job(vectors, "q\tanything\n")
    impact_run(work, encoder=Everything(), progress=False)
    assert [hit.doc_id for hit in read_run(work.output)["q"]] == ["b", "a"]
    said = capsys.readouterr().err
    assert "1 topic has over 1,024 tokens, where Lucene by itself stops" in said
    assert "1 topic has over 65,536 tokens (q): searched" in said


def test_what_is_wrong_is_found_before_models_and_indexes_are_opened(
    vectors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyper_ir.search.engines.Plan.open", None)
    monkeypatch.setattr("hyper_ir.models.retriever.Retriever.from_pretrained", None)
    work = job(vectors, "q\tx\n")
    with pytest.raises(ValueError, match=r"^model: there is no folder /no/such/model$"):
        impact_run(work, encoder="/no/such/model", progress=False)
    dense = save_checkpoint(vectors.parent / "dense", masked_lm=False)
    with pytest.raises(ValueError, match=r"^encoder: .*dense makes dense vectors; an impact index"):
        impact_run(work, encoder=str(dense), progress=False)
    Path(vectors.parent / "saved").mkdir()
    (vectors.parent / "saved" / "retriever.json").write_text('{"head": "dense"}')
    with pytest.raises(ValueError, match="makes dense vectors"):
        impact_run(work, encoder=str(vectors.parent / "saved"), progress=False)
    (vectors.parent / "qrels").write_text("other 0 a 1\n")
    pruning = Pruning(terms=1, qrels=str(vectors.parent / "qrels"))
    for encoder in (None, str(dense)):
        with pytest.raises(ValueError, match=r"none of the topics \(1 topic\) is judged there"):
            impact_run(work, encoder=encoder, pruning=pruning, progress=False)
    with pytest.raises(ValueError, match=r"^threads: at least 1 is needed, not 0"):
        replace(work, threads=0)


def test_outputs_that_cannot_be(vectors: Path) -> None:
    with pytest.raises(ValueError, match=r"output: .* is a folder"):
        impact_run(job(vectors, "q\tx\n", output="."))
    with pytest.raises(ValueError, match="cannot be written"):
        impact_run(job(vectors, "q\tx\n", output="t.tsv/run"))
    with pytest.raises(ValueError, match="is the topics file"):
        impact_run(job(vectors, "q\tx\n", output="t.tsv"))
    work = job(vectors, "q\tx\n")
    with pytest.raises(ValueError, match="tag: 'two words'"):
        impact_run(Job(work.index, work.topics, work.output, tag="two words"))
