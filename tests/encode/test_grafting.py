from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.encode import grafting
from hyper_ir.encode.graft import main
from hyper_ir.encode.grafting import SampleConfig, graft
from tests.tiny_models import TEXTS, save_checkpoint

POSITIONS = 64


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "encoder", masked_lm=False)


def lengths_seen(monkeypatch: pytest.MonkeyPatch, encoder: Path, asked: int | None) -> set[int]:
    """How many tokens the longest texts have when they are counted."""
    seen: set[int] = set()
    counted = grafting._token_ids

    def noting(*arguments: object) -> list[list[int]]:
        rows = counted(*arguments)  # type: ignore[arg-type]
        seen.update(map(len, rows))
        return rows

    monkeypatch.setattr(grafting, "_token_ids", noting)
    texts = ["zebras graze " * 200, *TEXTS * 20]
    graft(str(encoder), texts, sample=SampleConfig(tokens=2000, max_length=asked), progress=False)
    return {max(seen)}


def test_texts_are_cut_to_what_a_short_model_takes(
    monkeypatch: pytest.MonkeyPatch, encoder: Path
) -> None:
    assert lengths_seen(monkeypatch, encoder, None) == {POSITIONS}
    assert lengths_seen(monkeypatch, encoder, 20) == {20}


def test_a_longer_length_is_refused_where_it_was_asked_for(encoder: Path) -> None:
    with pytest.raises(ValueError, match=r"max length: 65 is more than the 64 positions of /"):
        graft(str(encoder), TEXTS, sample=SampleConfig(max_length=POSITIONS + 1), progress=False)


def test_a_grafted_model_is_named_without_its_place(encoder: Path) -> None:
    sample = SampleConfig(tokens=2000)
    retriever, _ = graft(str(encoder), TEXTS * 20, sample=sample, progress=False)
    assert retriever.manifest().model["name"] == f"{encoder.name}+graft"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"tokens": 0}, "tokens: at least 1 is needed, not 0"),
        ({"max_documents": 0}, "max_documents: at least 1"),
        ({"max_length": 2}, "max length: 2 leaves no room for a word"),
    ],
)
def test_samples_that_make_no_sense(settings: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SampleConfig(**settings)


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    common = ["--encoder", "no-such-model", "--corpus", "no-such-corpus", "--output"]
    with pytest.raises(ValueError, match=r"output: .* cannot be written: .*file takes no file"):
        main([*common, str(tmp_path / "file" / "model")])
    with pytest.raises(ValueError, match=r"output: .* is a file; a folder is needed"):
        main([*common, str(tmp_path / "file"), "--overwrite"])
