from __future__ import annotations

from pathlib import Path

import pytest

from tests.encode.random_corpus import write_random_corpus
from tests.encode.small_encoding import PASSAGES
from tests.tiny_models import save_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    return write_random_corpus(path, PASSAGES)
