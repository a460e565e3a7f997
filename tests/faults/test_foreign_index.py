"""What another model made is refused by its manifest, not searched or trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Harnesses
from tests.faults.jobs import jobs
from tests.faults.processes import start
from tests.tiny_models import save_checkpoint


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another vocabulary."""
    return save_checkpoint(tmp_path_factory.mktemp("models") / "stranger", "roberta")


def with_model(words: list[str], model: Path) -> list[str]:
    place = words.index("--encoder") + 1
    return [*words[:place], str(model), *words[place + 1 :]]


def test_vectors_of_another_vocabulary(given: Path, stranger: Path, tmp_path: Path) -> None:
    words = with_model(jobs(given)["search"].words(tmp_path), stranger)
    told = start(words, tmp_path / "log").ended().complaint()
    assert "whose vocabulary is not that of the query encoder" in told
    assert str(given / "v") in told
    assert not (tmp_path / "run.trec").exists()


@pytest.mark.jvm
def test_an_index_of_another_vocabulary(harness: Harnesses, stranger: Path, tmp_path: Path) -> None:
    words = with_model(harness("search lucene").job.words(tmp_path), stranger)
    told = start(words, tmp_path / "log").ended().complaint()
    assert "whose vocabulary is not that of the query encoder" in told
    assert not (tmp_path / "run.trec").exists()


def test_an_encoding_of_another_model_is_not_gone_on_with(
    harness: Harnesses, tmp_path: Path
) -> None:
    made = harness("encode")
    out = made.new_folder()
    words, log = made.job.words(out), out.with_suffix(".log")
    start(words, log, out, made.reference[2].changes // 2).ended()
    other = save_checkpoint(tmp_path / "other", seed=1)
    told = start(with_model([*words, "--resume"], other), log).ended().complaint()
    assert "the interrupted run had other settings (model)" in told
    assert not made.gone_on_with(out)


def test_documents_of_another_model_are_not_trained_on(
    given: Path, stranger: Path, tmp_path: Path
) -> None:
    words = jobs(given)["train frozen"].words(tmp_path / "frozen")
    ended = start(
        [*words, "--model", str(stranger), "--data.vectors", f"{given}/v"], tmp_path / "log"
    )
    told = ended.ended().complaint()
    assert "whose document encoder is not the recipe's" in told
    assert not (tmp_path / "frozen" / "out" / "model").exists()
