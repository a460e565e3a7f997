from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.analyse import main
from hyper_ir.locking import sole_writer
from tests.analysis.small import CONFIG, saved, topics

FAST = ["--prefix-lengths", "2", "--query-lengths", "4", "--batch-sizes", "1", "--rounds", "2"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return saved(tmp_path_factory.mktemp("model"))


def numbers(folder: Path, section: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = value["sections"][section]["numbers"]
    return found


def attention_arguments(model: str, folder: Path, output: Path) -> list[str]:
    paths = topics(folder)
    return ["--model", model, "--topics", *paths, "--output", str(output), "--max-length", "32"]


def test_all_sections_go_into_one_report(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    advice, sweeps = tmp_path / "bm25.jsonl", tmp_path / "sweeps.jsonl"
    advice.write_text('{"system": "BM25", "queries_per_second": 9, "score": 0.1}\n', "utf-8")
    point = {"system": "HypeR", "setting": "N", "value": 2, "seed": 1, "score": 0.3}
    sweeps.write_text(json.dumps(point) + "\n", encoding="utf-8")
    output = tmp_path / "out"
    main(
        [
            *attention_arguments(model, tmp_path / "t", output),
            *("--advice", str(advice), "--sweeps", str(sweeps), "--quiet", *FAST),
        ]
    )
    shown = capsys.readouterr()
    assert "prompt attention by task" in shown.out
    assert f"7 figures and 8 tables: open {output / 'report.html'}" in shown.err
    pictures = {path.stem for path in output.glob("*.svg")}
    assert pictures == {path.stem for path in output.glob("*.png")}
    assert pictures == {
        "task-similarity",
        "task-prompts",
        "attention-map",
        "speed",
        "sweeps",
        "prefix-length",
        "prefix-ratio",
    }
    page = (output / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg role=") == 7
    assert "36 queries of 3 tasks" in page
    lines = gzip.decompress((output / "attention.tsv.gz").read_bytes()).decode().splitlines()
    assert len(lines) == 37
    purity = numbers(output, "map")["purity"]
    assert purity["chance"] == pytest.approx(11 / 35)
    assert 0 <= purity["overall"] <= 1
    assert numbers(output, "attention")["prompts"] == 5


def test_the_same_command_gives_the_same_bytes(model: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    argv = attention_arguments(model, tmp_path / "t", output)
    argv += ["--only", "attention,map", "similar", "--max-queries", "6", "--overwrite"]
    found = []
    for _ in range(2):
        main(argv)
        found.append({path.name: path.read_bytes() for path in output.iterdir()})
    assert found[0] == found[1]
    main([*argv, "--seed", "7"])
    assert (output / "report.json").read_bytes() != found[0]["report.json"]


def test_update_keeps_what_is_not_made_now(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    argv = attention_arguments(model, tmp_path / "t", output)
    main([*argv, "--only", "map"])
    attention = (output / "attention.tsv.gz").read_bytes()
    before = numbers(output, "map")
    timing = ["--model", model, "--output", str(output), "--quiet", *FAST]
    with pytest.raises(ValueError, match=r"out exists already; --update keeps"):
        main(timing)
    main([*timing, "--update"])
    assert "map (figure 3) is left out" not in capsys.readouterr().err
    assert numbers(output, "map") == before
    assert numbers(output, "prefix-length")["rounds"] == 2
    assert (output / "attention.tsv.gz").read_bytes() == attention
    assert (output / "attention-map.png").exists()
    main([*timing, "--overwrite"])
    assert not (output / "attention-map.png").exists()
    with pytest.raises(ValueError, match="either updated or overwritten"):
        main([*timing, "--overwrite", "--update"])


def test_what_is_no_report_is_left_alone(model: str, tmp_path: Path) -> None:
    output = tmp_path / "mine"
    output.mkdir()
    (output / "thesis.txt").write_text("precious")
    argv = [*attention_arguments(model, tmp_path / "t", output), "--only", "map"]
    for flag in ("--update", "--overwrite"):
        with pytest.raises(ValueError, match=r"mine is not a report \(it has no report\.json\)"):
            main([*argv, flag])
    assert (output / "thesis.txt").read_text() == "precious"


def test_update_keeps_what_a_user_put_beside_a_report(model: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    argv = attention_arguments(model, tmp_path / "t", output)
    main([*argv, "--only", "map"])
    (output / "notes").mkdir()
    (output / "notes" / "a.md").write_text("mine")
    (tmp_path / "link").symlink_to("out")
    linked = [str(tmp_path / "link") if word == str(output) else word for word in argv]
    main([*linked, "--only", "similar", "--update"])
    assert (output / "notes" / "a.md").read_text() == "mine"
    assert (tmp_path / "link").is_symlink()
    assert numbers(output, "map")
    assert numbers(output, "similar")


def test_a_report_is_of_one_models_attention(model: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    main([*attention_arguments(model, tmp_path / "t", output), "--only", "map"])
    other = saved(tmp_path / "other", replace(CONFIG, prompts=6))
    argv = attention_arguments(other, tmp_path / "t", output)
    before = (output / "report.json").read_bytes()
    with pytest.raises(ValueError, match=r"its sections map are of \w+ \(\w{12}\), not of \w+ \("):
        main([*argv, "--only", "similar", "--update"])
    assert (output / "report.json").read_bytes() == before
    main([*argv, "--only", "map", "similar", "--update"])
    assert "Model: " in (output / "report.html").read_text()


def test_one_process_at_a_time_updates_a_report(model: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    argv = attention_arguments(model, tmp_path / "t", output)
    main([*argv, "--only", "map"])
    with sole_writer(output), pytest.raises(ValueError, match="another process is writing it"):
        main([*argv, "--only", "similar", "--update"])


def test_queries_can_be_chosen(model: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    argv = attention_arguments(model, tmp_path / "t", output)
    with pytest.raises(ValueError, match="query 'nq:x': no such query"):
        main([*argv, "--only", "similar", "--query", "nq:x"])
    main([*argv, "--only", "similar", "--query", "wow:wow3", "--share", "0"])
    cases = numbers(output, "similar")["cases"]
    assert {case["base"] for case in cases} == {"wow3"}
    assert [case["kind"] for case in cases[1:]] == [
        *("similar 1", "similar 2", "dissimilar 1", "dissimilar 2")
    ]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--only", "maps"], "'maps' is no section"),
        (["--only", "speed"], "needs --advice"),
        (["--only", "sweeps"], "needs --grid or --sweeps"),
        (["--share", "2"], "share: 2.0 is not from 0 to 1"),
        (["--rounds", "1"], "rounds: 1"),
        (["--query-lengths", "100"], "100 tokens are more than the 64 positions"),
        (["--max-queries", "1"], "max queries: 1"),
        (["--prefix-lengths", "2", "2"], "different numbers are needed"),
    ],
)
def test_errors_come_before_work_and_leave_nothing(
    model: str, tmp_path: Path, argv: list[str], said: str
) -> None:
    output = tmp_path / "out"
    with pytest.raises(ValueError, match=said):
        main([*attention_arguments(model, tmp_path / "t", output), *argv])
    assert not output.exists()
    assert not list(tmp_path.glob(".out*"))


def test_one_task_cannot_be_compared(model: str, tmp_path: Path) -> None:
    argv = ["--model", model, "--output", str(tmp_path / "out"), "--topics", topics(tmp_path)[0]]
    with pytest.raises(ValueError, match=r"two at least are needed, not 1 \(nq\)"):
        main(argv)
    one = tmp_path / "one.tsv"
    one.write_text("1\ta query\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"task one: .* has one query"):
        main([*argv, str(one)])


@pytest.mark.parametrize(
    ("config", "said"),
    [(None, "it has no prompts"), (replace(CONFIG, query_conditional=False), "are static")],
)
def test_models_without_attention_say_what_can_be_made(
    tmp_path: Path, config: Any, said: str
) -> None:
    folder = saved(tmp_path / "m", config)
    argv = attention_arguments(folder, tmp_path / "t", tmp_path / "out")
    with pytest.raises(ValueError, match=said) as caught:
        main(argv)
    assert "attention (figure 2), map (figure 3), similar (table 6) cannot" in str(caught.value)
    assert "--only speed,sweeps,prefix-length can" in str(caught.value)
    main([*argv, "--only", "prefix-length", "--quiet", *FAST])


def test_hostile_queries_and_tasks_stay_words(model: str, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.jsonl"
    texts = ["<script>alert(1)</script>", "a\x1b[31m\u202eb", "zebras " * 50_000, "{{ 7*7 }}"]
    records = [{"_id": f"<i>{n}", "text": text} for n, text in enumerate(texts)]
    hostile.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    output = tmp_path / "out"
    names = ["<b>$x_1$", "x--!><svg/onload>"]
    sources = [f"{name.replace('/', '')}={hostile}" for name in names]
    argv = ["--model", model, "--output", str(output), "--topics", *sources]
    main([*argv, "--max-length", "32", "--only", "attention,map,similar"])
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    for tag in ("<script", "<b>$", "<i>0", "<svgonload"):
        assert tag not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert len(page) < 1_000_000


def test_the_verb_has_help_with_an_example() -> None:
    command = [sys.executable, "-m", "hyper_ir.analyse", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "example" in shown
    assert "python -m hyper_ir.analyse --model" in shown
