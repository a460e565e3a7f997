from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.data.runs import read_run
from hyper_ir.search.__main__ import main
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
    (tmp_path / "t.tsv").write_text("7\tx\n")
    main(
        [
            *("--impact", "--index", str(vectors), "--topics", str(tmp_path / "t.tsv")),
            *("--output", str(tmp_path / "r.trec"), "--hits", "2", "--tag", "T"),
            *("--remove-query", "--max-passage", "--max-passage-hits", "2", "--fill-pages"),
            *("--batch-size", "1", "--threads", "1", "--quiet"),
        ]
    )
    text = (tmp_path / "r.trec").read_text()
    assert text == "7 Q0 p 1 3.000000 T\n7 Q0 q 2 1.000000 T\n"
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == f"1 topic, 2 hits: {tmp_path / 'r.trec'}"
    assert "next: python -m hyper_ir.evaluate" in printed.out
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
        ["--engine", "exact"],
        ["--min-idf", "0"],  # as the default is, but given
        ["--device", "auto"],
        ["--max-length", "9"],
        ["--top-k", "9"],
        ["--quantization-factor", "100"],
        ["--fp16"],
    ):
        with pytest.raises(ValueError, match=f"^{flags[0]} is for --impact; BM25"):
            main([*common, *flags])
    for flags in (["--k1", "0.9"], ["--b", "1"], ["--language", "de"], ["--pretokenized"]):
        with pytest.raises(ValueError, match=f"^{flags[0]} is for --bm25"):
            main([*common, "--impact", *flags])
    with pytest.raises(ValueError, match="--fp16 and --top-k are for --encoder MODEL"):
        main([*common, "--impact", "--top-k", "9", "--fp16"])
    with pytest.raises(ValueError, match=r"--top-k is for a model; the vectors of .*v\.jsonl are"):
        main([*common, "--impact", "--encoder", str(vectors), "--top-k", "9"])
    with pytest.raises(ValueError, match="topics: t does not exist"):
        main([*common, "--impact"])
    with pytest.raises(ValueError, match="at least 1"):
        main([*common, "--impact", "--hits", "0"])
    with pytest.raises(SystemExit):
        main([*common, "--bm25", "--impact"])


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
        ]
    )
    assert [hit.doc_id for hit in read_run(tmp_path / "r.trec")["1"]] == ["2"]
    assert "1 topic found nothing" in capsys.readouterr().err
