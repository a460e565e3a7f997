from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import write_run
from hyper_ir.merge import main


def test_flags_reach_the_merge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", [("7", [Hit("7", 9.0), Hit("p#1", 3.0)])], "t")
    write_run(tmp_path / "b", [("7", [Hit("p#2", 4.0), Hit("q#1", 2.0)]), ("8", [])], "t")
    with open(tmp_path / "b", "a") as handle:
        handle.write("8 Q0 p#3 1 high t\n")
    flags = [str(tmp_path / "a"), str(tmp_path / "b"), "--output", str(tmp_path / "m"), "--k", "3"]
    with pytest.raises(ValueError, match=r"b:3: score 'high' is not a finite number"):
        main([*flags, "--quiet"])
    more = ["--remove-query", "--max-passage", "--max-passage-hits", "2", "--tag", "T"]
    main([*flags, *more, "--on-bad-input", "skip"])
    assert (tmp_path / "m").read_text() == "7 Q0 p 1 4.000000 T\n7 Q0 q 2 2.000000 T\n"
    printed = capsys.readouterr()
    assert printed.out.startswith(f"1 topic, 2 hits: {tmp_path / 'm'}\nnext: python -m hyper_ir.ev")
    assert "skipped 1 bad record" in printed.err
    assert "notice: " in printed.err
    with pytest.raises(SystemExit):
        main([*flags, "--k", "0"])
