from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import prefix_starts
from tests import tiny_models


def test_the_distance_is_a_share_of_the_length_without_prompts() -> None:
    plain, prompted = torch.tensor([[3.0, 4.0], [0.0, 2.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    torch.testing.assert_close(prefix_starts.moved(plain, prompted), torch.tensor([0.0, 0.5]))


def test_the_command_measures_each_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = tmp_path / "topics.tsv"
    topics.write_text("".join(f"{n}\tword{n} is here and w{n % 3}\n" for n in range(12)))
    model = tiny_models.save_checkpoint(tmp_path / "model")
    words = ["--model", str(model), "--fit", str(topics), "--topics", str(topics), "--count", "9"]
    sizes = ["--prompts", "3", "--lengths", "2", "4"]
    prefix_starts.main([*words, *sizes, "--output", str(tmp_path)])
    assert "| quiet, 4 | " in capsys.readouterr().out
    found = json.loads((tmp_path / "prefix_starts.json").read_text())["moved"]
    starts = ("random", "activations", "quiet")
    assert set(found) == {f"{start}, {length}" for start in starts for length in (2, 4)}
    for means in found.values():
        assert 0 < means["average"] == means[str(topics)]
    with pytest.raises(ValueError, match="count: 0 is not a positive number"):
        prefix_starts.main([*words[:-1], "0"])
    with pytest.raises(ValueError, match="lengths: 0 is not a positive number"):
        prefix_starts.main([*words, "--lengths", "5", "0"])
