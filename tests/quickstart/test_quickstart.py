from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel

from hyper_ir.data.python_docs.kinds import TASKS
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.quickstart.__main__ import main
from hyper_ir.quickstart.plan import add_encoded, evaluate_step, make_plan
from hyper_ir.quickstart.quickstart import quickstart
from hyper_ir.quickstart.settings import Settings
from tests.data.python_docs.tree import write_tree
from tests.java_here import java_or_skip
from tests.tiny_models import save_checkpoint, tokenizer


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder without a masked-LM head."""
    folder = tmp_path_factory.mktemp("models") / "encoder"
    words = tokenizer("bert")
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=48,
    )
    BertModel(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The documentation of a small package that is on the path."""
    (tmp_path / "code").mkdir()
    write_tree(tmp_path / "code", "quickdocs")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    return Settings(
        tmp_path / "out", ("quickdocs",), words=200, max_topics=20, hits=20, steps=2, threads=2
    )


@pytest.mark.jvm
def test_from_docstrings_to_a_table(
    settings: Settings, encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    java_or_skip()
    scores = quickstart(settings, str(encoder))
    first = capsys.readouterr().out
    assert set(scores["tasks"]) == set(TASKS)
    assert scores["tasks"]["summary"]["BM25"]["topics"] == 5
    assert [f"[{n}/14]" in first for n in range(1, 15)] == [True] * 14
    assert re.search(r"kind of topic +topics +BM25 +lexical +multitask +HypeR\b", first)
    assert first.count("expansion:") == 3
    assert "next: ask something of your own" in first

    results = json.loads((settings.output / "results.json").read_text())
    assert [step["name"] for step in results["steps"]] == [
        "collect",
        "index-bm25",
        "search-BM25",
        "graft",
        "encode-lexical",
        "index-lexical",
        "search-lexical",
        "mine-train",
        "mine-dev",
        "train-multitask",
        "search-multitask",
        "train-HypeR",
        "search-HypeR",
        "evaluate",
    ]
    assert results["scores"]["tasks"] == scores["tasks"]
    assert len(results["examples"]) == 3

    assert quickstart(settings, str(encoder))["tasks"] == scores["tasks"]
    second = capsys.readouterr().out
    assert second.count("done before") == 13  # the scores alone are computed again


def test_a_masked_lm_needs_no_graft(settings: Settings, encoder: Path, tmp_path: Path) -> None:
    model = save_checkpoint(tmp_path / "masked")
    steps = make_plan(settings, find_checkpoint(model)).steps
    assert "graft" not in {step.name for step in steps}
    assert f"encoder --encoder {model}" in steps[2].command_line()
    grafted = make_plan(settings, find_checkpoint(encoder)).steps
    assert f"--encoder {encoder} " in grafted[2].command_line()
    assert f"encoder --encoder {settings.output}/models/lexical" in grafted[3].command_line()


def test_what_is_missing_is_told_before_the_first_step(
    settings: Settings, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        quickstart(settings, str(tmp_path / "no-model"))
    with pytest.raises(ValueError, match="none of no_such_package"):
        quickstart(Settings(settings.output, ("no_such_package",)), str(encoder))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        main(["--output", str(tmp_path / "file")])
    assert "[1/" not in capsys.readouterr().out
    assert not settings.output.exists()


def test_a_further_system_has_room_in_front_of_the_table(settings: Settings, encoder: Path) -> None:
    plan = make_plan(replace(settings, steps=0), find_checkpoint(encoder))
    plan.steps.pop()
    add_encoded(plan, settings, "trained", "models/trained", {})
    plan.steps.append(evaluate_step(plan, settings))
    assert plan.systems == ["BM25", "lexical", "trained"]
    assert "trained=" in plan.steps[-1].command_line()
    assert [step.name for step in plan.steps[-4:]] == [
        "encode-trained",
        "index-trained",
        "search-trained",
        "evaluate",
    ]
    assert len({step.name for step in plan.steps}) == len(plan.steps)


@pytest.mark.parametrize("setting", ["words", "max_topics", "hits", "threads"])
def test_settings_that_make_no_sense(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        Settings(**{setting: 0})  # type: ignore[arg-type]
