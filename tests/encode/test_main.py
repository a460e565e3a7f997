"""``python -m hyper_ir.encode`` as users call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.encode.__main__ import main
from tests.tiny_models import save_checkpoint


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "c.jsonl").write_text('{"id": "a", "contents": "zebras graze"}\n')
    return tmp_path / "c.jsonl"


def flags(corpus: Path, output: Path, model: Path, *more: str) -> list[str]:
    return [
        *("input", "--corpus", str(corpus), "output", "--embeddings", str(output)),
        *("encoder", "--encoder", str(model), "--max-length", "32", "--device", "cpu", *more),
    ]


def test_one_document_is_one(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(flags(corpus, tmp_path / "v", save_checkpoint(tmp_path / "model")))
    printed = capsys.readouterr()
    assert printed.out.startswith("1 document, ")
    assert "next: python -m hyper_ir.index --impact" in printed.out
    assert "notice" not in printed.err


def test_dense_vectors_are_told_unless_they_are_asked_for(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save_checkpoint(tmp_path / "encoder", masked_lm=False)
    (tmp_path / "bad.jsonl").write_text("{broken\n")
    with pytest.raises(ValueError, match=r"bad\.jsonl:1"):
        main(flags(tmp_path / "bad.jsonl", tmp_path / "v", model))
    capsys.readouterr()
    main(flags(corpus, tmp_path / "v", model, "--pooling", "mean"))
    said = capsys.readouterr().err
    told = (
        f"notice: {model} has no lexical (masked-LM) head: it makes dense vectors (mean pooling, "
    )
    assert told + "width 32), which index --impact does not take" in said
    assert said.index("notice") < said.index("checking")  # the bar of the first pass
    main(flags(corpus, tmp_path / "w", model, "--encoder-class", "dense"))
    assert "notice" not in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_before_the_model_is_loaded(corpus: Path) -> None:
    with pytest.raises(ValueError, match=r"embeddings: .* cannot be written: .*takes no file"):
        main(flags(corpus, corpus / "vectors", Path("no-such-model")))
    with pytest.raises(ValueError, match=r"embeddings: .* is a file; a folder is needed"):
        main(flags(corpus, corpus, Path("no-such-model")))
