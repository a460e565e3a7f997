from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.data.runs import read_run
from hyper_ir.manifest import read_manifest
from hyper_ir.search.__main__ import latency_threads, main
from tests.java_here import java_or_skip
from tests.lucene.conftest import write_vectors
from tests.tiny_models import TEXTS, save_checkpoint


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    documents = {"p#1": {"x": 2}, "p#2": {"x": 3}, "q#1": {"x": 1}, "7": {"x": 9}, "z#1": {"y": 1}}
    return write_vectors(tmp_path / "v.jsonl", documents)


def test_flags_reach_the_search(
    tmp_path: Path, vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.tsv").write_text("7\tx x\n")
    main(
        [
            *("--impact", "--index", str(vectors), "--topics", str(tmp_path / "t.tsv")),
            *("--output", str(tmp_path / "r.trec"), "--hits", "2", "--tag", "T"),
            *("--remove-query", "--max-passage", "--max-passage-hits", "2", "--fill-pages"),
            *("--batch-size", "1", "--threads", "1", "--quiet"),
        ]
    )
    text = (tmp_path / "r.trec").read_text()
    assert text == "7 Q0 p 1 6.000000 T\n7 Q0 q 2 2.000000 T\n"
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == f"1 topic, 2 hits: {tmp_path / 'r.trec'}"
    assert "next: python -m hyper_ir.evaluate --qrels QRELS --runs" in printed.out
    assert "queries/s, p50" in printed.err


def test_a_model_as_live_encoder(tmp_path: Path) -> None:
    from hyper_ir.search.query_encoders import ModelSettings, open_encoder

    model = save_checkpoint(tmp_path / "model")
    vectors = open_encoder(str(model), ModelSettings("cpu")).encode(TEXTS)
    write_vectors(tmp_path / "v.jsonl", {str(i): vector for i, vector in enumerate(vectors)})
    topics = [{"_id": str(i), "text": text} for i, text in enumerate(TEXTS) if text]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, topics)))
    main(
        [
            *("--impact", "--index", str(tmp_path / "v.jsonl"), "--encoder", str(model)),
            *("--topics", str(tmp_path / "queries.jsonl"), "--output", str(tmp_path / "r.trec")),
            *("--device", "cpu", "--min-idf", "-1", "--quiet"),
        ]
    )
    run = read_run(tmp_path / "r.trec")
    assert set(run) == {topic["_id"] for topic in topics}
    for id, hits in run.items():
        own = sum(weight * weight for weight in vectors[int(id)].values())
        assert own in {round(hit.score) for hit in hits}


def test_flags_that_do_not_fit_are_refused(tmp_path: Path, vectors: Path) -> None:
    common = ["--index", str(vectors), "--topics", "t", "--output", str(tmp_path / "r")]
    with pytest.raises(ValueError, match="--encoder is for --impact"):
        main([*common, "--bm25", "--encoder", "m"])
    for flags in (
        ["--query-terms", "9"],
        ["--latency-budget", "9"],
        ["--qrels", "q"],
        ["--engine", "exact"],
        ["--uri", "m.db"],
        ["--min-idf", "0"],  # as the default is, but given
        ["--device", "auto"],
        ["--max-length", "9"],
        ["--top-k", "9"],
        ["--quantization-factor", "100"],
        ["--fp16"],
        ["--mode", "fast"],
    ):
        with pytest.raises(ValueError, match=f"^{flags[0]} is for --impact; BM25"):
            main([*common, *flags])
    for flags in (["--k1", "0.9"], ["--b", "1"], ["--language", "de"], ["--pretokenized"]):
        with pytest.raises(ValueError, match=f"^{flags[0]} is for --bm25"):
            main([*common, "--impact", *flags])
    with pytest.raises(ValueError, match="--device and --fp16 are for --encoder MODEL"):
        main([*common, "--impact", "--device", "cpu", "--fp16"])
    with pytest.raises(ValueError, match=r"--fp16 is for a model; the vectors of .*v\.jsonl are"):
        main([*common, "--impact", "--encoder", str(vectors), "--fp16"])
    with pytest.raises(ValueError, match="--uri is for --engine milvus"):
        main([*common, "--impact", "--uri", "m.db"])
    with pytest.raises(ValueError, match=r"--engine milvus needs --uri: milvus\.db, or http"):
        main([*common, "--impact", "--engine", "milvus"])
    with pytest.raises(ValueError, match="topics: t does not exist"):
        main([*common, "--impact"])
    with pytest.raises(ValueError, match="at least 1"):
        main([*common, "--impact", "--hits", "0"])
    with pytest.raises(SystemExit):
        main([*common, "--bm25", "--impact"])


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--query-terms", "9", "--top-k", "9"], "--query-terms and --top-k each say how many"),
        (["--top-k", "9", "--latency-budget", "9"], "--latency-budget and --top-k each say how"),
        (["--query-terms", "0"], "query terms: at least 1 is needed, not 0"),
        (["--latency-budget", "-3"], "latency budget: -3 ms is not a positive number"),
        (["--latency-budget", "nan"], "latency budget: nan ms"),
        (["--qrels", "q"], "--qrels is for what is pruned, by --query-terms or --latency-budget"),
        (["--query-terms", "9", "--measure", "AP"], "--measure is for --qrels"),
        (["--query-terms", "9", "--qrels", "none"], "qrels: none does not exist"),
        (
            ["--query-terms", "9", "--qrels", "q", "--measure", "nDGC@10"],
            "not known to ir_measures; is",
        ),
        (["--sample", "9"], "--sample is for --latency, --latency-budget or --qrels"),
        (["--sample", "0", "--latency"], "sample: at least 1 topic"),
        (["--latency", "2", "0"], "latency: at least 1 thread is needed, not 0"),
        (["--report", "{folder}"], "report: .* is a folder"),
        (["--report", "{folder}/r"], "report: .* is the --output"),
        (["--report", "{folder}/v.jsonl"], "report: .* is the --index"),
    ],
)
def test_flags_of_pruning_and_timing_that_make_no_sense(
    tmp_path: Path, vectors: Path, flags: list[str], complaint: str
) -> None:
    (tmp_path / "t.tsv").write_text("7\tx\n")
    topics, output = str(tmp_path / "t.tsv"), str(tmp_path / "r")
    common = ["--impact", "--index", str(vectors), "--topics", topics, "--output", output]
    with pytest.raises(ValueError, match=complaint):
        main([*common, "--quiet", *(flag.replace("{folder}", str(tmp_path)) for flag in flags)])
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("flag", ["--query-terms", "--top-k"])
def test_queries_are_cut_whatever_they_come_from(
    tmp_path: Path, vectors: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.tsv").write_text("q\tx x y y y\n")
    (tmp_path / "texts.tsv").write_text("q\twhat is y\n")
    cached = tmp_path / "cached.jsonl"
    cached.write_text('{"contents": "what is y", "vector": {"x": 2, "y": 3}}\n')
    common = ["--impact", "--index", str(vectors), "--quiet", flag, "1"]
    for topics, more in (("t.tsv", []), ("texts.tsv", ["--encoder", str(cached)])):
        output = tmp_path / f"{topics}.trec"
        main([*common, "--topics", str(tmp_path / topics), "--output", str(output), *more])
        assert [(hit.doc_id, hit.score) for hit in read_run(output)["q"]] == [("z#1", 3.0)]
        assert "queries cut to their 1 heaviest term, 1.0 on average" in capsys.readouterr().err
        manifest = read_manifest(output)
        assert manifest is not None
        assert manifest.config["query_terms"] == 1


def test_latency_and_report(
    tmp_path: Path, vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.tsv").write_text("q\tx x y\np\ty\n")
    (tmp_path / "q.qrels").write_text("q 0 7 1\nother 0 7 1\n")
    main(
        [
            *("--impact", "--index", str(vectors), "--topics", str(tmp_path / "t.tsv")),
            *("--output", str(tmp_path / "r.trec"), "--report", str(tmp_path / "r.json")),
            *("--query-terms", "1", "--qrels", str(tmp_path / "q.qrels"), "--measure", "RR"),
            *("--threads", "3", "--latency", "--quiet"),
        ]
    )
    report = json.loads((tmp_path / "r.json").read_text())
    assert [row["threads"] for row in report["latency"]] == [1, 2, 3]
    for row in report["latency"]:
        assert row["queries"] == 100
        assert 0 < row["p50"] <= row["p95"]
        assert row["slowest"] <= row["queries_per_second"] <= row["fastest"]
    assert report["pruning_cost"]["overlap@10"] == pytest.approx((4 / 5 + 1) / 2)
    assert report["pruning_cost"]["score"]["topics"] == 1
    assert report["pruning_cost"]["score"]["difference"] == 0
    assert (report["topics"], report["hits"]) == (2, 5)
    printed = capsys.readouterr()
    assert "latency, one query at a time" in printed.out
    assert "RR 1.0000, unpruned 1.0000 (+0.0000" in printed.err
    assert f"next: python -m hyper_ir.evaluate --qrels {tmp_path / 'q.qrels'} --runs" in printed.out
    assert len(read_run(tmp_path / "r.trec")) == 2


def test_numbers_of_threads() -> None:
    assert latency_threads(None, 4) == []
    assert latency_threads([], 1) == [1]
    assert latency_threads([], 4) == [1, 2, 4]
    assert latency_threads([], 6) == [1, 2, 4, 6]
    assert latency_threads([8, 1, 8], 2) == [8, 1]


@pytest.mark.jvm
def test_bm25_from_texts_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    java_or_skip()
    from hyper_ir.index import main as index

    records = [
        {"id": "1", "contents": "Cats and dogs"},
        {"id": "2", "contents": "A cat"},
        {"id": "3", "contents": "Nothing here"},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, records)))
    index(
        [
            *("--input", str(tmp_path / "corpus.jsonl"), "--index", str(tmp_path / "index")),
            *("--collection", "JsonCollection", "--storeContents", "--threads", "1", "--quiet"),
        ]
    )
    assert "next: python -m hyper_ir.search --bm25" in capsys.readouterr().out
    (tmp_path / "t.tsv").write_text("1\tcat\n2\tthe\n")
    main(
        [
            *("--index", str(tmp_path / "index"), "--topics", str(tmp_path / "t.tsv")),
            *("--output", str(tmp_path / "r.trec"), "--remove-query", "--quiet"),
            *("--latency", "1", "2", "--report", str(tmp_path / "r.json")),
        ]
    )
    assert [hit.doc_id for hit in read_run(tmp_path / "r.trec")["1"]] == ["2"]
    assert "1 topic found nothing" in capsys.readouterr().err
    rows = json.loads((tmp_path / "r.json").read_text())["latency"]
    assert [row["threads"] for row in rows] == [1, 2]
    assert all(row["encode_share"] < 0.5 for row in rows)
