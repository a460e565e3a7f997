from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.ray_engine import main, rates, table, write_corpus
from hyper_ir.data.corpus import open_corpus
from tests.tiny_models import save_checkpoint

FOUND = {
    "local": [{"seconds": 12.0}, {"seconds": 22.0}],
    "local, start": [{"seconds": 2.0}, {"seconds": 2.0}],
    "ray": [{"seconds": 20.0}, {"seconds": 20.0}],
    "ray, start": [{"seconds": 10.0}, {"seconds": 10.0}],
}


def test_starting_is_taken_off() -> None:
    assert rates(FOUND, 101) == {"local": [10, 5], "ray": [10, 10]}
    local, ray = table(FOUND, 101).splitlines()[-2:]
    assert local == "| local | 7.5 (5.0–10.0) | 1 | 2.0 (2.0–2.0) |"
    assert ray == "| ray | 10.0 (10.0–10.0) | 1.50 (1.00–2.00) | 10.0 (10.0–10.0) |"


def test_documents_have_ids_of_their_own(tmp_path: Path) -> None:
    passages = list(open_corpus(str(write_corpus(tmp_path / "c.jsonl", 5))))
    assert [passage.id for passage in passages] == ["d0", "d1", "d2", "d3", "d4"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = save_checkpoint(tmp_path / "bert")
    sizes = ["--documents", "300", "--rounds", "1", "--output", str(tmp_path)]
    main(["--model", str(model), *sizes])
    assert "byte for byte" in capsys.readouterr().out
