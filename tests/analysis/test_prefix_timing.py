from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import torch

from hyper_ir.analysis import prefix_timing as module
from hyper_ir.analysis.prefix_section import prefix_figure, prefix_section, tick_labels
from hyper_ir.analysis.prefix_timing import Cell, PrefixSettings, measure_prefixes
from hyper_ir.models.towers import Tower
from hyper_ir.search.latency import Pass, Timing
from tests.analysis.small import CONFIG, retriever

SMALL = PrefixSettings((2, 5), (4, 8), (1, 3), rounds=3, seed=1)


def test_every_cell_is_measured(tmp_path: Path) -> None:
    costs = measure_prefixes(retriever(tmp_path), SMALL)
    cells = [(each.kind, each.length, each.tokens, each.batch) for each in costs]
    kinds = [("none", 0)]
    kinds += [(kind, length) for length in (2, 5) for kind in ("static", "conditional")]
    wanted = {(*kind, tokens, batch) for kind in kinds for tokens in (4, 8) for batch in (1, 3)}
    assert len(cells) == len(wanted)
    assert set(cells) == wanted
    for each in costs:
        assert 0 < each.low <= each.milliseconds <= each.high
        assert 0 < each.to_none_low <= each.to_none <= each.to_none_high
        assert (each.to_static is None) == (each.kind == "none")
        if each.kind == "none":
            assert each.to_none == 1
        if each.kind == "static":
            assert each.to_static == 1


def test_the_towers_differ_in_their_prompts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[tuple[int, ...], set[tuple[int, int, bool] | None]] = {}

    def noted(tower: Tower, ids: torch.Tensor) -> Pass:
        kind = None
        if tower.prompts is not None:
            config = tower.prompts.config
            kind = (config.length, config.prompts, config.query_conditional)
        seen.setdefault(tuple(ids.shape), set()).add(kind)
        assert tower.backbone is model.query.backbone
        assert not tower.training
        return Pass([Timing(1.0, 0.0)], 1.0)

    monkeypatch.setattr(module, "_timed", noted)
    model = retriever(tmp_path, replace(CONFIG, mix="prefix"))
    assert model.query.prompts is not None
    # As a trained model says that it began: there are no queries to begin with here.
    own = replace(model.query.prompts.config, prefix_initialisation="activations")
    model.query.prompts.config = own
    measure_prefixes(model, SMALL)
    assert set(seen) == {(1, 4), (1, 8), (3, 4), (3, 8)}
    kinds = {None, (2, 1, False), (5, 1, False), (2, 5, True), (5, 5, True)}
    assert all(each == kinds for each in seen.values())
    assert model.query.prompts is not None
    assert model.query.prompts.config.length == 4


def test_models_without_prompts_take_the_papers_sizes(tmp_path: Path) -> None:
    settings = replace(SMALL, tokens=(4,), batches=(1,), prefixes=(2,))
    towers = module._towers(retriever(tmp_path, None), settings, torch.device("cpu"))
    made = towers["conditional", 2].prompts
    assert made is not None
    assert (made.config.prompts, made.config.query_hidden, made.config.length) == (20, 400, 2)
    static = replace(CONFIG, query_conditional=False, prompts=1)
    towers = module._towers(retriever(tmp_path / "s", static), settings, torch.device("cpu"))
    made = towers["conditional", 2].prompts
    assert made is not None
    assert (made.config.prompts, made.config.query_conditional) == (20, True)


def test_ratios_are_medians_within_rounds() -> None:
    """A round that is slow for all must not show."""
    none, static, made = [1.0, 10, 1, 1], [2.0, 20, 2, 3], [3.0, 30, 3, 3]
    seconds = {
        Cell("none", 0, 4, 1): none,
        Cell("static", 2, 4, 1): static,
        Cell("conditional", 2, 4, 1): made,
    }
    cost = module._cost(Cell("conditional", 2, 4, 1), seconds)
    assert (cost.to_none_low, cost.to_none, cost.to_none_high) == (3, 3, 3)
    assert cost.to_static == 1.5
    assert cost.milliseconds == 1000 * median(made)
    assert module._cost(Cell("none", 0, 4, 1), seconds).to_static is None


@pytest.mark.parametrize(
    "changes", [{"prefixes": ()}, {"tokens": (0,)}, {"batches": (1, -1)}, {"rounds": 1}]
)
def test_settings_are_checked(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(SMALL, **changes)  # type: ignore[arg-type]


def test_queries_must_fit_the_backbone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="65 tokens are more than the 64 positions"):
        measure_prefixes(retriever(tmp_path), replace(SMALL, tokens=(8, 65)))


def test_every_panel_has_a_tick_at_each_measured_length(tmp_path: Path) -> None:
    costs = measure_prefixes(retriever(tmp_path), SMALL)
    figure = prefix_figure(costs, SMALL, lambda cost: (cost.to_none, 0, 9), "ratio")
    assert len(figure.axes) == len(SMALL.tokens) * len(SMALL.batches)
    for axes in figure.axes:
        assert axes.get_xticks().tolist() == list(SMALL.prefixes)
    assert tick_labels([10, 20, 50, 100, 200]) == ["", "20", "50", "100", "200"]
    assert tick_labels([2000]) == ["2,000"]


def test_the_section_shows_every_time(tmp_path: Path) -> None:
    costs = measure_prefixes(retriever(tmp_path), SMALL)
    section = prefix_section(costs, SMALL, "a model")
    assert [len(table.rows) for table in section.tables] == [4, 4]
    shown = {cell.text for table in section.tables for row in table.rows for cell in row}
    assert {f"{each.milliseconds:.2f}" for each in costs} <= shown
    assert section == prefix_section(costs, SMALL, "a model")
    json.dumps(section.numbers, allow_nan=False)
    assert "3 rounds" in section.caption
