"""ir_measures' own command line with KILT's measures: ``python -m hyper_ir.evaluation``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QRELS = "q 0 a 1\nq 0 b 1\nq 1 c 1\nr 0 a 1\n"
RUN = "q Q0 a 1 3 t\nq Q0 c 2 2 t\nr Q0 x 1 1 t\n"


def ir_measures_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test.qrels").write_text(QRELS)
    (folder / "test.trec").write_text(RUN)
    return subprocess.run(
        [sys.executable, "-m", "hyper_ir.evaluation", "test.qrels", "test.trec", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_kilt_measures_beside_those_of_ir_measures(tmp_path: Path) -> None:
    done = ir_measures_command(tmp_path, "KILTRprec KILTR@5", "P@1", "-p", "2")
    assert (done.returncode, done.stdout) == (0, "KILTRprec\t0.25\nKILTR@5\t0.25\nP@1\t0.50\n")


def test_by_query(tmp_path: Path) -> None:
    done = ir_measures_command(tmp_path, "KILTRprec", "-q")
    lines = ["q\tKILTRprec\t0.5000", "r\tKILTRprec\t0.0000", "all\tKILTRprec\t0.2500"]
    assert done.stdout.splitlines() == lines


def test_the_usage_names_this_command(tmp_path: Path) -> None:
    done = ir_measures_command(tmp_path, "--help")
    assert done.stdout.startswith("usage: python -m hyper_ir.evaluation [-h]")


def test_unknown_measures_are_refused_by_ir_measures(tmp_path: Path) -> None:
    done = ir_measures_command(tmp_path, "KILTwrong")
    assert done.returncode != 0
    assert "unknown measure: KILTwrong" in done.stderr
