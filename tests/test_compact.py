from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.compact import main
from hyper_ir.models.card import card_of
from hyper_ir.models.retriever import Retriever
from tests.compaction.models import hyper
from tests.tiny_models import TEXTS

CARD = {
    "name": "tiny",
    "summary": "A retriever of no use.",
    "licence": "Apache-2.0",
    "training": "Not at all.",
    "sources": [{"name": "MiniLM", "use": "backbone", "licence": "Apache-2.0"}],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    hyper(folder).save_pretrained(folder / "hyper")
    return folder / "hyper"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(CARD))
    return path


def test_a_model_is_written_measured_and_described(
    model: Path, card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics, corpus = tmp_path / "topics.tsv", tmp_path / "corpus.jsonl"
    topics.write_text("1\thow does influenza spread\n2\tzebras\n3\tsparse vectors\n")
    lines = (json.dumps({"id": str(n), "contents": text}) for n, text in enumerate(TEXTS) if text)
    corpus.write_text("\n".join(lines) + "\n")
    words = ["--model", str(model), "--output", str(tmp_path / "small"), "--name", "tiny"]
    words += ["--bits", "6", "prompts=16", "--card", str(card), "--max-megabytes", "1"]
    main([*words, "--topics", str(topics), "--corpus", str(corpus), "--sample", "2"])
    printed = capsys.readouterr().out
    assert "16 (not quantised)" in printed
    assert "beside the model that was compacted" in printed
    assert "notice" not in printed
    assert f"--encoder {tmp_path / 'small'}" in printed
    assert Retriever.from_pretrained(tmp_path / "small").config.name == "tiny"
    written = card_of(tmp_path / "small")
    assert written is not None
    assert written.compaction is not None
    assert [each.texts for each in written.compaction.impacts] == [2, 2]
    assert "## Size" in (tmp_path / "small" / "README.md").read_text()

    card.write_text(json.dumps({**CARD, "limits": "Everything."}))
    main(["--output", str(tmp_path / "small"), "--card", str(card), "--card-only"])
    again = card_of(tmp_path / "small")
    assert again is not None
    assert (again.limits, again.compaction) == ("Everything.", written.compaction)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "o"], "--model: the retriever"),
        (["--model", "no-such/model/folder", "--output", "o"], "there is no folder"),
        (["--model", "m", "--output", "."], "exists already"),
        (["--model", "m", "--output", "o", "--max-megabytes", "0"], "not above 0"),
        (["--model", "m", "--output", "o", "--bits", "x=4"], "neither a number nor"),
        (["--model", "m", "--output", "o", "--topics", "none.tsv"], r"none\.tsv"),
        (["--model", "m", "--output", "o", "--card", "none.json"], "card: none.json does not"),
        (["--output", "o", "--card-only"], "--card FILE.json is needed"),
    ],
)
def test_what_is_wrong_is_told_first(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        main(words)
    assert not (tmp_path / "o").exists()


def test_what_becomes_no_smaller_is_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--model", str(model), "--output", str(tmp_path / "small"), "--bits", "4"])
    capsys.readouterr()
    main(["--model", str(tmp_path / "small"), "--output", str(tmp_path / "large"), "--bits", "8"])
    assert f"no less than {tmp_path / 'small'} has" in capsys.readouterr().out


def test_a_card_alone_is_for_a_compact_model(model: Path, card: Path) -> None:
    with pytest.raises(ValueError, match="is no compact model's folder"):
        main(["--output", str(model), "--card", str(card), "--card-only"])


def test_a_model_above_the_limit_is_not_written(model: Path, tmp_path: Path) -> None:
    words = ["--model", str(model), "--output", str(tmp_path / "small")]
    with pytest.raises(ValueError, match="give it fewer"):
        main([*words, "--max-megabytes", "0.01"])
    assert not (tmp_path / "small").exists()
