"""The verb: recipes from YAML and flags."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hyper_ir.train import EXAMPLE, RECIPES, main, parse, recipe_names
from hyper_ir.training.command_line import settings
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


BASE = ["--model", "a", "--output", "b", "--data.examples", "x", "--data.corpus", "y"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--optimiser.max_step", "3"],
            "--optimiser.max_step: there is no such setting; did you mean --optimiser.max_steps?",
        ),
        (
            ["--max_steps=3"],
            "--max_steps: there is no such setting; did you mean --optimiser.max_steps?",
        ),
        (["--recipe", "a"], "--recipe: there is no such setting; did you mean --config?"),
        (["--encoder", "a"], "--encoder: there is no such setting; did you mean --model?"),
        (["--resum"], "--resum: there is no such setting; did you mean --resume?"),
        (
            ["--foo", "3"],
            "--foo: there is no such setting; python -m hyper_ir.train --help lists them",
        ),
        (
            ["--prompts.preset", "nope"],
            "prompts.preset: nope is not one of paper, released, prefix-tuning",
        ),
        (["--prompts.mix", "nope"], "prompts.mix: nope is not one of prompt, prefix or null"),
        (["--prompts.length", "0"], "prompts.length: 0 is not a whole number of 1 or more"),
        (["--prompts.length", "x"], "prompts.length: x is not a whole number or null"),
        (["--objective.temperature=0"], "objective.temperature: 0.0 is not a number above 0"),
        (["--data.tasks", "[nq"], "data.tasks: [nq is not a list as '[a, b]' or null"),
        (["--data.tasks", ""], "data.tasks: '' is not a list as '[a, b]' or null"),
        (["--freeze", "null"], "freeze: null is not one of none, document, backbone"),
        (["--batch.size"], "batch.size: a value is needed: a whole number"),
        (
            ["--data.leave_out", "a", "b"],
            "unrecognized arguments: b; several values are one list, as '[a, b]'",
        ),
        (
            ["--data.leave_out", "a", "--data.leave_out", "b"],
            "--data.leave_out is given twice; several are one list: --data.leave_out '[a, b]'",
        ),
        (
            ["--prompts", "null", "--prompts.length", "5"],
            "--prompts null takes the prompts away that --prompts.length sets",
        ),
        (
            ["--prompts.length=5", "--prompts=null"],
            "--prompts null takes the prompts away that --prompts.length sets",
        ),
    ],
)
def test_a_wrong_flag_is_named_in_one_line_with_what_would_be_right(
    words: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        parse([*BASE, *words])
    assert str(raised.value) == message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "seed: 1\nmodel: [x\n", "a.yaml:3: not a YAML file of settings"),
        ("a.yaml", "just words\n", "holds no settings"),
        ("a.yaml", "", "holds no settings"),
        ("a.yaml", "batch: {sise: 2}\n", "batch.sise: there is no such setting; did you mean "),
        ("a.yaml", "data: 7\n", "data: 7 is not settings"),
        ("a.yaml", "prompts: {length: x}\n", "prompts.length: x is not a whole number or null"),
        ("a.yaml", "freeze: null\n", "freeze: null is not one of"),
        ("a.jsonl", '{"query": "q"}\n{"query": "r"}\n', "is data, not a recipe"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        parse(["--config", str(path), *BASE])
    assert "\n" not in str(raised.value)


def test_a_folder_and_bytes_are_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is a folder and no shipped recipe .*mini-kilt"):
        parse(["--config", str(tmp_path), *BASE])
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        parse(["--config", str(tmp_path / "bytes.yaml"), *BASE])


def test_no_words_at_all_say_what_is_needed() -> None:
    with pytest.raises(ValueError, match="required: model, output"):
        parse([])


def test_a_plain_word_is_a_list_of_one() -> None:
    data = parse([*BASE, "--data.tasks", "nq", '--data.leave_out=a "b": c'])[0].data
    assert (data.examples, data.tasks, data.leave_out) == (["x"], ["nq"], ['a "b": c'])
    assert parse([*BASE, "--data.tasks", "[nq, fever]"])[0].data.tasks == ["nq", "fever"]
    assert parse([*BASE, "--data.tasks", "null"])[0].data.tasks is None
    assert parse([*BASE, "--data.examples+", "z"])[0].data.examples == ["x", "z"]


def test_tasks_caps_have_flags_of_their_own() -> None:
    assert parse([*BASE, "--batch.caps.nq", "5"])[0].batch.caps == {"nq": 5}


def test_help_describes_every_setting_and_keeps_the_lines_of_the_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    assert EXAMPLE.strip() in printed
    words = " ".join(printed.split())
    assert "--teacher.help" in printed  # its settings are shown where one is given
    for key, setting in settings().items():
        if key.startswith("teacher."):
            continue
        assert f"  --{key} " in printed or f"  --{key}, " in printed, key
        assert " ".join(setting.help.split()) in words, key
    for part in ("data", "batch", "objective"):
        assert f"--{part} " not in printed


def test_help_is_what_the_docstrings_say() -> None:
    known = settings()
    assert known["data.vectors"].text.startswith("folder of the collection's vectors, made by")
    assert known["data.vectors"].text.endswith("null encodes the examples' documents into OUTPUT")
    assert known["objective.alignment"].text == known["objective.uniformity"].text
    assert known["prompts.bias"].help.endswith("(true or false or null; default: the preset's)")
    assert known["model"].help.endswith("(text; required)")
    for setting in known.values():
        assert len(setting.text.split()) > 3 or setting.key in (
            "objective.temperature",
            "compile",
            "prompts.activation",
        )
        assert "`" not in setting.text


@pytest.mark.parametrize("prompts", [PromptSettings("released", length=7), None])
def test_a_dry_run_prints_yaml_with_resolved_prompts_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prompts: PromptSettings | None
) -> None:
    made = recipe(tmp_path, prompts=prompts)
    main(["--config", str(yaml_of(made, tmp_path / "r.yaml")), "--dry-run"])
    printed = capsys.readouterr().out
    written = yaml.safe_load(printed)
    assert list(written)[:3] == ["model", "output", "data"]
    assert written["batch"]["size"] == 4
    assert not Path(made.output).exists()
    (tmp_path / "again.yaml").write_text(printed, encoding="utf-8")
    again = parse(["--config", str(tmp_path / "again.yaml")])[0]
    assert replace(again, prompts=None) == replace(made, prompts=None)
    if prompts is None:
        assert written["prompts"] is None
    else:
        assert written["prompts"]["mix"] == "prefix"
        assert written["prompts"]["length"] == 7
        assert again.prompts is not None
        assert again.prompts.resolved() == prompts.resolved()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--model", "TMP/none"], "model: there is no folder TMP/none"),
        (["--data.examples", "TMP/none.jsonl"], "data.examples: there is no file TMP/none.jsonl"),
        (["--validation.examples", "TMP"], "validation.examples: there is no file TMP"),
        (["--data.corpus", "TMP/none"], "data.corpus: there is no TMP/none"),
        (["--data.vectors", "TMP/none"], "data.vectors: there is no TMP/none"),
    ],
)
def test_a_dry_run_names_what_is_missing(tmp_path: Path, change: list[str], message: str) -> None:
    path = yaml_of(recipe(tmp_path), tmp_path / "r.yaml")
    words = [word.replace("TMP", str(tmp_path)) for word in change]
    with pytest.raises(ValueError, match=re.escape(message.replace("TMP", str(tmp_path)))):
        main(["--config", str(path), *words, "--dry-run"])


def test_a_dry_run_takes_a_hub_name_for_what_it_is(tmp_path: Path) -> None:
    path = yaml_of(recipe(tmp_path), tmp_path / "r.yaml")
    main(["--config", str(path), "--model", "owner/name", "--dry-run"])


def test_the_verb_trains_and_names_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recipe(tmp_path)
    main(["--config", str(yaml_of(made, tmp_path / "r.yaml")), "--optimiser.max_steps", "2"])
    printed = capsys.readouterr().out
    assert "validation/mean" in printed
    assert "2 steps" in printed
    assert (
        f"hyper_ir.search --impact --index INDEX --topics TOPICS --encoder {made.output}/model"
        in (printed)
    )
    main(["--config", str(tmp_path / "r.yaml"), "--head", "dense", "--output", str(tmp_path / "d")])
    printed = capsys.readouterr().out
    assert "next: python -m hyper_ir.encode.query" in printed
    assert "active_terms" not in printed
