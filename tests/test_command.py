from __future__ import annotations

import argparse
import errno
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import pytest

from hyper_ir.command import VERBS, Parser, given, positive, run
from hyper_ir.problems import BadRecordError, Problems


def status_of(
    error: BaseException | None, capsys: pytest.CaptureFixture[str], notes: bool = True
) -> tuple[int, str]:
    def main(_: Sequence[str] | None) -> None:
        if error is not None:
            raise error

    with pytest.raises(SystemExit) as stopped:
        run(main, [], hint="run it again", notes=notes)
    return int(stopped.value.code or 0), capsys.readouterr().err


def test_errors_become_one_line_and_a_status(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status_of(None, capsys) == (0, "")
    assert status_of(ValueError("a.tsv:3: no tab"), capsys) == (2, "error: a.tsv:3: no tab\n")
    assert status_of(KeyboardInterrupt(), capsys) == (130, "\ninterrupted; run it again\n")
    knowing = KeyboardInterrupt()
    knowing.add_note("go on from the last window")
    assert status_of(knowing, capsys) == (130, "\ninterrupted; go on from the last window\n")
    assert status_of(knowing, capsys, notes=False) == (130, "\ninterrupted; run it again\n")
    full = OSError(errno.ENOSPC, "No space left", "runs/a.trec")
    assert "the disk is full (runs/a.trec)" in status_of(full, capsys)[1]
    monkeypatch.setenv("HYPER_IR_TRACEBACK", "1")
    with pytest.raises(ValueError, match="no tab"):
        status_of(ValueError("no tab"), capsys)


@pytest.mark.parametrize("flag", [True, False])
def test_the_error_of_a_bad_record_names_the_flag_that_skips_it(
    flag: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(error: Exception) -> str:
        def main(_: Sequence[str] | None) -> None:
            raise error

        with pytest.raises(SystemExit):
            run(main, [], on_bad_input=flag)
        return capsys.readouterr().err

    with pytest.raises(ValueError, match=r"^a\.tsv:3: no tab$") as caught:
        Problems().found("a.tsv:3", "no tab")
    assert isinstance(caught.value, BadRecordError)
    hint = "; --on-bad-input skip counts and lists such records" if flag else ""
    assert told(caught.value) == f"error: a.tsv:3: no tab{hint}\n"
    assert told(ValueError("a.tsv: the file is empty")) == "error: a.tsv: the file is empty\n"


def test_arguments_that_were_given_are_told_from_defaults() -> None:
    parser = Parser("verb", "", "")
    parser.add_argument("--hits", type=int, default=10)
    parser.add_argument("--top-k", type=int)
    parser.add_argument("--impact", action="store_true")
    assert given(parser, []) == set()
    assert given(parser, ["--hits", "10"]) == {"hits"}
    assert given(parser, ["--top-k=3", "--impact"]) == {"top_k", "impact"}


def test_help_shows_defaults_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("verb", "What it does.", "python -m verb --hits 10")
    parser.add_argument("--hits", type=int, default=1000, help="documents a topic")
    parser.add_argument("--impact", action="store_true", help="impact scores")
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    shown = capsys.readouterr().out
    assert "documents a topic (default: 1000)" in shown
    assert "impact scores\n" in shown
    assert "example:\n  python -m verb --hits 10" in shown


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_listed_can_be_run_and_has_an_example(verb: str) -> None:
    name = f"hyper_ir.{verb}"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    command = [sys.executable, "-m", name, "--help"]
    environment = {**os.environ, "COLUMNS": "100"}
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "example" in shown.stdout
    assert f"python -m {name}" in shown.stdout


def test_the_package_lists_its_verbs_and_refuses_others() -> None:
    command = [sys.executable, "-m", "hyper_ir"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    wrong = subprocess.run([*command, "serach"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "no verb 'serach'" in wrong.stderr


def test_the_console_command_is_the_same_as_the_module() -> None:
    command = [sys.executable, "-m", "hyper_ir", "encode.query", "--topics", "no-such-file"]
    wrong = subprocess.run(
        [*command, "--encoder", "m", "--output", "o.tsv"], capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: ")
    assert "no-such-file" in wrong.stderr


def test_termination_is_told_and_leaves_as_ctrl_c_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def main(_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as end:
        run(main, hint="go on with --resume")
    assert end.value.code == 143
    assert capsys.readouterr().err == "\nterminated; go on with --resume\n"
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before


def test_where_no_signal_can_be_caught_verbs_run_all_the_same() -> None:
    ends = []

    def inside() -> None:
        with pytest.raises(SystemExit) as end:
            run(lambda _: 0)
        ends.append(end.value.code)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert ends == [0]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_positive_numbers(text: str) -> None:
    assert positive("12") == 12
    with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number from 1 on"):
        positive(text)
