"""The verb: recipes from YAML and flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from hyper_ir.train import RECIPES, main, parse, recipe_names
from hyper_ir.training.recipe import PromptSettings
from tests.training.small_run import recipe, yaml_of


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_parse_and_say_only_what_there_is(name: str) -> None:
    made, _ = parse(["--config", name])
    assert made.data.examples
    written = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    for part, value in written.items():
        assert hasattr(made, part)
        if isinstance(value, dict) and part != "prompts":
            for setting, wanted in value.items():
                assert getattr(getattr(made, part), setting) == wanted


def test_flags_win_over_the_file_and_none_takes_prompts_away(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("model: a\noutput: b\ndata: {examples: [x], corpus: y}\nseed: 7\n")
    made, options = parse([f"--config={path}", "--batch.size", "8", "--prompts.length", "5"])
    assert (made.seed, made.batch.size, made.data.corpus) == (7, 8, "y")
    assert made.prompts == PromptSettings(length=5)
    assert not options.resume
    assert parse([f"--config={path}", "--prompts", "null"])[0].prompts is None


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("modle: a\n", [], "modle"),
        ("data: {exampels: [x]}\n", [], "exampels"),
        ("batch: {size: big}\n", [], "batch.size"),
        ("freeze: everything\n", [], "freeze"),
        ("", ["--batch.sizes", "8"], "batch.sizes"),
        ("prompts: {preset: papre}\n", [], "papre"),
        ("model: !!python/object/apply:os.system [false]\n", [], "python/object"),
        ("model: [unclosed\n", [], "config"),
        ("batch: {size: 0}\n", [], "positive"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: list[str], message: str) -> None:
    path = tmp_path / "bad.yaml"
    base = "model: a\noutput: b\ndata: {examples: [x], corpus: y}\n"
    kept = [line for line in base.splitlines() if not text.startswith(line.split(":")[0])]
    path.write_text("\n".join(kept) + "\n" + text)
    with pytest.raises(ValueError, match=message):
        parse(["--config", str(path), *words])


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no shipped recipe .*mini-kilt"):
        parse(["--config", "maxi-kilt"])


def test_a_dry_run_prints_the_resolved_recipe_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recipe(tmp_path)
    main(["--config", str(yaml_of(made, tmp_path / "r.yaml")), "--dry-run"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["batch"]["size"] == 4
    assert not Path(made.output).exists()


def test_the_verb_trains_and_names_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recipe(tmp_path)
    main(["--config", str(yaml_of(made, tmp_path / "r.yaml")), "--optimiser.max_steps", "2"])
    printed = capsys.readouterr().out
    assert "validation/mean" in printed
    assert "2 steps" in printed
    assert f"--encoder {made.output}/model" in printed
