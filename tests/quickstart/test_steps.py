from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyper_ir.quickstart.steps import AGAIN, EACH, Runner, Step, in_words

VERB = """
import pathlib, sys
calls = []
def main(argv):
    calls.append(list(argv))
    print("a remark", file=sys.stderr)
    if "fail" in argv:
        raise ValueError("it failed")
    pathlib.Path(argv[-1]).write_text("made")
    print("made", argv[-1])
    print("next: something else")
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The calls of a verb ``steps_verb.one`` that writes the file its last argument names."""
    package = tmp_path / "code" / "steps_verb"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(VERB)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    import steps_verb.one as verb  # type: ignore[import-not-found]

    yield verb.calls
    for name in ("steps_verb.one", "steps_verb"):
        del sys.modules[name]


def step(tmp_path: Path, name: str = "a", **more: object) -> Step:
    output = tmp_path / f"{name}.out"
    arguments = more.pop("arguments", ("--to", AGAIN, str(output)))
    return Step(name, f"make {name}", "steps_verb.one", arguments, (output,), **more)  # type: ignore[arg-type]


def run(tmp_path: Path, *steps: Step) -> list[bool]:
    """Which of the steps were skipped."""
    runner = Runner(tmp_path / "records", len(steps))
    return [runner.run(each).skipped for each in steps]


def test_what_was_done_is_not_done_again(tmp_path: Path, calls: list[list[str]]) -> None:
    steps = step(tmp_path, "a"), step(tmp_path, "b")
    assert run(tmp_path, *steps) == [False, False]
    assert run(tmp_path, *steps) == [True, True]
    assert calls == [["--to", str(tmp_path / f"{name}.out")] for name in "ab"]


def test_a_lost_output_is_made_again_alone(tmp_path: Path, calls: list[list[str]]) -> None:
    steps = step(tmp_path, "a"), step(tmp_path, "b")
    run(tmp_path, *steps)
    (tmp_path / "b.out").unlink()
    assert run(tmp_path, *steps) == [True, False]
    assert len(calls) == 3


def test_a_change_brings_all_later_steps_again(tmp_path: Path, calls: list[list[str]]) -> None:
    steps = [step(tmp_path, name) for name in "abc"]
    run(tmp_path, *steps)
    steps[1] = step(tmp_path, "b", uses={"numpy": "2.4"})
    assert run(tmp_path, *steps) == [True, False, False]
    assert calls[-1] == ["--to", "--overwrite", str(tmp_path / "c.out")]


def test_a_step_that_failed_is_not_done(tmp_path: Path, calls: list[list[str]]) -> None:
    bad = step(tmp_path, "a", arguments=("fail", AGAIN, "x"), resume="--resume")
    for _ in range(2):
        with pytest.raises(ValueError, match="it failed"):
            run(tmp_path, bad)
    # The verb may have left a part of its work: it is taken up.
    assert calls == [["fail", "x"], ["fail", "--resume", "x"]]


def test_other_settings_replace_a_part_of_the_work(tmp_path: Path, calls: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="it failed"):
        run(tmp_path, step(tmp_path, "a", arguments=("fail", AGAIN, "x"), resume="--resume"))
    run(tmp_path, step(tmp_path, "a", resume="--resume"))
    assert calls[-1] == ["--to", "--overwrite", str(tmp_path / "a.out")]


def test_a_damaged_record_is_no_record(tmp_path: Path, calls: list[list[str]]) -> None:
    run(tmp_path, step(tmp_path))
    (tmp_path / "records" / "a.json").write_text('{"fingerprint":')
    assert run(tmp_path, step(tmp_path)) == [False]
    assert len(calls) == 2


def test_some_steps_are_always_done(tmp_path: Path, calls: list[list[str]]) -> None:
    for _ in range(2):
        assert run(tmp_path, step(tmp_path, always=True)) == [False]
    assert len(calls) == 2


def test_one_command_for_each_task(tmp_path: Path, calls: list[list[str]]) -> None:
    outputs = tuple(tmp_path / f"{task}.out" for task in ("x", "y"))
    arguments = ("--to", str(tmp_path / f"{EACH}.out"))
    looped = Step("s", "search", "steps_verb.one", arguments, outputs, each=("x", "y"))
    assert run(tmp_path, looped) == [False]
    assert calls == [["--to", str(output)] for output in outputs]
    assert looped.command_line() == (
        f"for task in x y; do python -m steps_verb.one --to {tmp_path}/$task.out; done"
    )


@pytest.mark.usefixtures("calls")
def test_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, step(tmp_path, "a"), step(tmp_path, "b c", quiet=True))
    output = capsys.readouterr().out
    assert output.splitlines()[1:4] == [
        "[1/2] make a",
        f"  python -m steps_verb.one --to {tmp_path}/a.out",
        f"  made {tmp_path}/a.out",
    ]
    assert f"  python -m steps_verb.one --to '{tmp_path}/b c.out'\n  done in" in output
    assert "next:" not in output


@pytest.mark.usefixtures("calls")
def test_remarks_of_quiet_steps_are_shown_when_they_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, step(tmp_path, "a", quiet=True))
    assert capsys.readouterr().err == ""
    run(tmp_path, step(tmp_path, "b"))
    assert capsys.readouterr().err == "a remark\n"
    with pytest.raises(ValueError, match="it failed"):
        run(tmp_path, step(tmp_path, "c", arguments=("fail", "x"), quiet=True))
    assert capsys.readouterr().err == "a remark\n"


@pytest.mark.usefixtures("calls")
def test_times_of_skipped_steps_are_remembered(tmp_path: Path) -> None:
    run(tmp_path, step(tmp_path))
    record = tmp_path / "records" / "a.json"
    value = json.loads(record.read_text())
    record.write_text(json.dumps({**value, "seconds": 61.5}))
    runner = Runner(tmp_path / "records", 1)
    assert runner.run(step(tmp_path)).skipped
    assert runner.seconds == 61.5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (31.2, "31 s"), (60, "1 min 00 s"), (245.3, "4 min 05 s")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
