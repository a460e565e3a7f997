from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.advise import main
from hyper_ir.encode.__main__ import main as encode
from tests.advising.collection import write_collection
from tests.java_here import java_or_skip
from tests.tiny_models import TEXTS, save_checkpoint

QUICK = ["--passes", "1", "--sample", "3", "--quiet", "--threads", "1"]


def test_from_vectors_to_a_recommendation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_collection(tmp_path)
    flags = [
        *("--vectors", str(folder / "vectors"), "--topics", str(folder / "topics.tsv")),
        *("--qrels", str(folder / "dev.qrels"), "--output", str(tmp_path / "out")),
        *("--factors", "100", "25", "--top-k", "0", "4", "--query-terms", "0", "2"),
        *("--engine", "exact", "--hits", "20", *QUICK),
    ]
    main([*flags, "--tolerance", "1"])
    printed = capsys.readouterr()
    assert "the Pareto front of 8 settings (8 topics)" in printed.out
    assert "**8 settings (8 topics)**" in (tmp_path / "out" / "advice.md").read_text()
    assert "acceptable: nDCG@10 at most 1 lower than unpruned" in printed.out
    assert "python -m hyper_ir.index --impact --input vectors/f" in printed.out
    assert "1 topic of 9 topics without judgments left out" in printed.err
    assert printed.err.count("building the index") == 4
    assert "--clean removes them" in printed.out
    main([*flags, "--clean"])
    again = capsys.readouterr()
    assert "building" not in again.err
    assert "not significantly lower" in again.out
    assert not (tmp_path / "out" / "scratch").exists()


@pytest.mark.jvm
def test_a_model_and_lucene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    java_or_skip()
    model = save_checkpoint(tmp_path / "model")
    texts = [text for text in TEXTS if text]
    corpus = [{"id": str(number), "contents": text} for number, text in enumerate(texts)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    encode(
        [
            *("input", "--corpus", str(tmp_path / "corpus.jsonl")),
            *("output", "--embeddings", str(tmp_path / "vectors")),
            *("encoder", "--encoder", str(model), "--device", "cpu"),
        ]
    )
    (tmp_path / "t.tsv").write_text("".join(f"q{n}\t{text}\n" for n, text in enumerate(texts)))
    (tmp_path / "q").write_text("".join(f"q{n} 0 {n} 1\n" for n in range(len(texts))))
    main(
        [
            *("--vectors", str(tmp_path / "vectors"), "--topics", str(tmp_path / "t.tsv")),
            *("--qrels", str(tmp_path / "q"), "--output", str(tmp_path / "out")),
            *("--encoder", str(model), "--device", "cpu", "--measures", "RR", "R@5"),
            *("--factors", "50", "--top-k", "0", "5", "--query-terms", "0", "4", *QUICK),
            *("--engine", "lucene", "--min-idf", "-1"),
        ]
    )
    printed = capsys.readouterr().out
    assert "encoding a query, the same at all settings, takes p50" in printed
    value = json.loads((tmp_path / "out" / "advice.json").read_text())
    assert value["engine"] == "lucene"
    assert [cell["name"] for cell in value["cells"]] == [
        *("f100-kall-qall", "f50-kall-qall", "f50-kall-q4", "f50-k5-qall", "f50-k5-q4"),
    ]
    sizes = {cell["name"]: cell["size"]["postings"] for cell in value["cells"]}
    assert sizes["f50-k5-q4"] <= 5 * len(texts) < sizes["f100-kall-qall"]


def test_flags_that_do_not_fit(tmp_path: Path) -> None:
    folder = write_collection(tmp_path)
    common = ["--vectors", str(folder / "vectors"), "--topics", str(folder / "topics.tsv")]
    common += ["--qrels", str(folder / "dev.qrels"), "--output", str(tmp_path / "out"), *QUICK]
    with pytest.raises(ValueError, match="--device, --fp16: for --encoder MODEL"):
        main([*common, "--device", "cpu", "--fp16"])
    with pytest.raises(ValueError, match="factors: 200 is not above 0 and at most 100"):
        main([*common, "--factors", "200", "--engine", "exact"])
    with pytest.raises(ValueError, match=r"output: .* is a file"):
        main([*common, "--output", str(folder / "dev.qrels")])
    assert not (tmp_path / "out").exists()
