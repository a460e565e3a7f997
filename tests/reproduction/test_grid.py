from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.reproduction.cost_config import CostConfig
from hyper_ir.reproduction.grid import FewShotConfig, SweepConfig
from tests.reproduction.small_grid import write_grid


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parts": []}, r"parts: \[\]: different names"),
        ({"parts": ["main", "main"]}, "parts: .* different names"),
        ({"measures": ["P@1", "P@1"]}, "measures: .* different names"),
        ({"seeds": [1, 1]}, "seeds: .* different numbers"),
        ({"seeds": [2**32]}, "seeds: 4294967296 is not from 0 to below"),
        ({"seeds": [-1]}, "seeds: -1 is not from 0"),
        ({"output": ""}, "output: the name of a folder is needed"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    grid = write_grid(tmp_path)
    with pytest.raises(ValueError, match=said):
        replace(grid, **changes)


def test_nothing_is_varied_over_one_value_twice() -> None:
    with pytest.raises(ValueError, match=r"sweep\.cpr: .* different values"):
        SweepConfig(cpr=[0.1, 1e-1])
    with pytest.raises(ValueError, match=r"few_shot\.examples: .* different numbers"):
        FewShotConfig([2, 2])
    with pytest.raises(ValueError, match=r"few_shot\.tasks: \[\]"):
        FewShotConfig(tasks=[])
    SweepConfig(prompts=[])


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_costs_are_numbers_from_0_on(value: float) -> None:
    with pytest.raises(ValueError, match=r"cost\.seconds_per_step: .* is not a number from 0 on"):
        CostConfig(seconds_per_step=value)
