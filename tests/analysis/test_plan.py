from __future__ import annotations

import pytest

from hyper_ir.analysis.plan import SECTIONS, Given, plan, require_attention, require_tasks

ALL = Given(model=True, topics=True, advice=True, sweeps=True)
NONE = Given(model=False, topics=False, advice=False, sweeps=False)


def test_all_that_can_be_made_is_made_and_the_rest_is_told() -> None:
    assert plan(ALL, None).sections == list(SECTIONS)
    assert plan(ALL, None).left_out == {}
    model = plan(Given(model=True, topics=False, advice=False, sweeps=True), None)
    assert model.sections == ["sweeps", "prefix-length"]
    assert model.left_out["map"] == "map (figure 3) is left out: it needs --topics"
    assert set(model.left_out) == {"attention", "map", "similar", "speed"}


def test_sections_asked_for_come_in_the_reports_order() -> None:
    assert plan(ALL, ["sweeps", "map"]).sections == ["map", "sweeps"]
    assert plan(ALL, ["map", "map"]).sections == ["map"]


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(ValueError, match="--only: 'maps' is no section; known are attention"):
        plan(ALL, ["map", "maps"])
    with pytest.raises(ValueError, match=r"--only map \(figure 3\) needs --model and --topics"):
        plan(NONE, ["map"])
    with pytest.raises(ValueError, match=r"--only sweeps \(figure 5\) needs --grid or --sweeps"):
        plan(NONE, ["sweeps"])
    with pytest.raises(ValueError, match="nothing to make a report of"):
        plan(NONE, None)
    with pytest.raises(ValueError, match="nothing to make a report of"):
        plan(ALL, [])


def test_errors_say_what_can_be_made() -> None:
    error = require_attention(ValueError("m: it has no prompts"), ["map", "similar", "speed"])
    assert str(error) == (
        "m: it has no prompts; map (figure 3), similar (table 6) cannot be made of it; --only "
        "speed,sweeps,prefix-length can, of what each needs"
    )
    require_tasks(["a", "b"], SECTIONS)
    require_tasks([], ["speed"])
    with pytest.raises(ValueError, match=r"map compare tasks: .* not 1 \(a\)"):
        require_tasks(["a"], ["map", "speed"])
