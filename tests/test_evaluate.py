"""The verb as users call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hyper_ir.command import run
from hyper_ir.evaluate import main

QRELS = "".join(f"q{n} 0 a 1\n" for n in range(8))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for task in ("nq", "fever"):
        Path(f"{task}.qrels").write_text(QRELS)
        for name, found in (("bm25", "xxxxxxxx"), ("ours", "aaaaaaax")):
            lines = [f"q{n} Q0 {doc} 1 1.0 {name}\n" for n, doc in enumerate(found)]
            Path(f"{name}.{task}.trec").write_text("".join(lines))
    return tmp_path


ONE = ["--qrels", "nq.qrels", "--runs", "bm25.nq.trec", "ours.nq.trec"]
BOTH = ["--qrels", "nq.qrels", "fever.qrels", "--runs", "bm25.{task}.trec", "ours.{task}.trec"]


def test_simple_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(ONE)
    captured = capsys.readouterr()
    rows = [line.split() for line in captured.out.splitlines()]
    assert ["run", "nDCG@10", "R@100"] in rows
    assert ["ours", "0.8750", "0.8750"] in rows
    assert "next: add --baseline bm25" in captured.err


def test_every_output_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = ["--json", "o/j.json", "--markdown", "o/m.md", "--latex", "o/t.tex"]
    outputs += ["--per-query", "o/q.tsv"]
    main([*BOTH, "--measures", "KILTRprec P@1", "--baseline", "bm25", *outputs])
    assert "differences from bm25" in capsys.readouterr().out
    value = json.loads(Path("o/j.json").read_text())
    assert value["average"]["ours"] == {"KILTRprec": 0.875, "P@1": 0.875}
    assert value["settings"]["baseline"] == "bm25"
    assert len(value["comparisons"]) == 4
    assert "| ours | **0.8750**† | **0.8750**† | **0.8750** |" in Path("o/m.md").read_text()
    assert r"\textbf{0.8750}$^{\dagger}$" in Path("o/t.tex").read_text()
    assert len(Path("o/q.tsv").read_text().splitlines()) == 1 + 2 * 2 * 2 * 8
    assert sorted(path.name for path in Path("o").iterdir()) == [
        "j.json",
        "m.md",
        "q.tsv",
        "t.tex",
    ]


@pytest.mark.parametrize("value", [[], ["-"]])
def test_json_alone_on_stdout(
    folder: Path, capsys: pytest.CaptureFixture[str], value: list[str]
) -> None:
    main([*ONE, "--json", *value])
    assert json.loads(capsys.readouterr().out)["average"]["ours"]["nDCG@10"] == 0.875


@pytest.mark.parametrize("flag", ["--json", "--markdown", "--latex", "--per-query"])
@pytest.mark.parametrize("name", ["ours.nq.trec", "nq.qrels", "./o/../nq.qrels"])
def test_no_output_is_an_input(folder: Path, flag: str, name: str) -> None:
    Path("o").mkdir()
    if flag == "--per-query":  # which wants an ending of its own
        Path("link.tsv").symlink_to(name)
        name = "link.tsv"
    before = Path(name).read_bytes()
    with pytest.raises(ValueError, match=rf"{flag}: .* is an input; give another name"):
        main([*BOTH, flag, name])
    assert Path(name).read_bytes() == before


def test_same_command_gives_the_same_bytes(folder: Path) -> None:
    for name in ("one.json", "two.json"):
        main([*BOTH, "--baseline", "bm25", "--resamples", "50", "--json", name])
    one, two = (Path(name).read_text() for name in ("one.json", "two.json"))
    assert one.replace("one.json", "two.json") == two


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([*ONE, "--measures", "ndgc"], "measure 'ndgc'"),
        ([*ONE, "--baseline", "none"], "'none' is not among the runs: bm25, ours"),
        ([*ONE[:4], "--baseline", "bm25"], "the only run"),
        ([*ONE, "--baseline", "bm25", "--resamples", "0"], "resamples: 0"),
        ([*ONE, "--digits", "99"], "digits: 99"),
        ([*ONE, "--per-query", "q.csv"], "must end in one of"),
        ([*ONE, "--json", "--latex"], "stdout is given for two outputs"),
        ([*ONE, "--json", "x", "--latex", "x"], "x is given for two outputs"),
        ([*ONE, "--json", "."], r"--json: \. is a folder"),
        (
            [*ONE, "--json", "nq.qrels/scores.json"],
            "--json: .* cannot be written: .* takes no file",
        ),
        ([*ONE, "--per-query", "nq.qrels/q.tsv"], "--per-query: .* cannot be written"),
    ],
)
def test_bad_arguments_are_refused_before_a_run_is_read(
    folder: Path, arguments: list[str], complaint: str
) -> None:
    Path("ours.nq.trec").write_text("q1 Q0 a 1 1.0 ours\nbroken after the first line\n")
    with pytest.raises(ValueError, match=complaint):
        main(arguments)


def test_bad_lines_are_counted_and_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Path("ours.nq.trec").open("a") as handle:
        handle.write("q1 Q0 b 2 nan ours\n")
    with pytest.raises(SystemExit) as ended:
        run(main, ONE)
    assert ended.value.code == 2
    assert "error: ours.nq.trec:9: score 'nan' is not a finite number" in capsys.readouterr().err
    Path("bm25.nq.trec").write_text("broken\n" + Path("bm25.nq.trec").read_text())
    main([*ONE, "--on-bad-input", "skip"])
    captured = capsys.readouterr()
    assert "skipped 2 bad records" in captured.err
    assert "0.8750" in captured.out


def test_topics_left_out_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("ours.nq.trec").write_text("q1 Q0 a 1 1.0 ours\nz Q0 a 1 1.0 ours\n")
    main(ONE)
    told = "nq, ours: judged topics without results, counted 0: 7 of 8; topics without judgments"
    assert told in capsys.readouterr().err


@pytest.mark.shared
def test_kilt_task_file_as_qrels(shared_data: Path, tmp_path: Path) -> None:
    """From KILT's own file to the value of KILT's own code, by the command line."""
    folder = shared_data / "oracles" / "kilt-eval"
    lines = []
    for line in (folder / "mini-guess.jsonl").read_text().splitlines():
        record = json.loads(line)
        pages = [entry["wikipedia_id"] for entry in record["output"][0]["provenance"]]
        for place, page in enumerate(dict.fromkeys(pages)):
            lines.append(f"{record['id']} Q0 {page} {place + 1} {-place} guess\n")
    (tmp_path / "guess.trec").write_text("".join(lines))
    command = [sys.executable, "-m", "hyper_ir.evaluate", "--json"]
    command += ["--qrels", str(folder / "mini-gold.jsonl"), "--runs", "guess.trec"]
    command += ["--measures", "KILTRprec", "KILTR@5"]
    environment = {**os.environ, "PYTHONWARNINGS": "error::UserWarning"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    expected = json.loads((folder / "expected.json").read_text())["pairs"]["mini-gold mini-guess"]
    assert json.loads(done.stdout)["average"]["guess"] == {
        "KILTRprec": expected[0]["Rprec"],
        "KILTR@5": expected[0]["recall@5"],
    }
