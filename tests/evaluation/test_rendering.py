from __future__ import annotations

import io

import pytest

from hyper_ir.evaluation.comparison import compare
from hyper_ir.evaluation.rendering import latex, markdown, print_tables
from hyper_ir.evaluation.tables import Cell, Table, comparison_tables, score_tables
from tests.evaluation.results import made_up

TABLE = Table(
    "R@1_x",
    ["run", "nq"],
    [[Cell("a|b_c"), Cell("0.5", best=True, marked=True)], [Cell("d%"), Cell("0.25")]],
    "† differs (p < 0.05)",
)


def test_markdown() -> None:
    assert markdown([TABLE]).splitlines() == [
        r"**R@1\_x**",
        "",
        "| run | nq |",
        "| :--- | ---: |",
        r"| a\|b\_c | **0.5**† |",
        "| d% | 0.25 |",
        "",
        r"† differs (p \< 0.05)",
    ]


def test_latex() -> None:
    assert latex([TABLE]).splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{R@1\_x. $^{\dagger}$ differs (p $<$ 0.05)}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"run & nq \\",
        r"\midrule",
        r"a|b\_c & \textbf{0.5}$^{\dagger}$ \\",
        r"d\% & 0.25 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\\", r"\textbackslash{}"),
        ("{}", r"\{\}"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"),
        ("a & b # $1", r"a \& b \# \$1"),
        ("–", "--"),
    ],
)
def test_latex_escapes(text: str, escaped: str) -> None:
    assert f"\\caption{{{escaped}}}" in latex([Table(text, ["run"])])


def test_terminal_shows_all_columns_where_there_is_no_width() -> None:
    scores = made_up("nq", "fever")
    comparisons = compare(scores, "bm_25")
    out = io.StringIO()
    print_tables([*score_tables(scores, comparisons), *comparison_tables(comparisons)], out)
    text = out.getvalue()
    assert "…" not in text
    assert "\x1b" not in text
    rows = [line.split() for line in text.splitlines() if line.split()[:1] == ["good"]]
    assert rows == [["good", "0.8750†", "0.8750†", "0.8750"]] * 2
    assert "win/tie/loss" in text
    assert text.count("† differs from bm_25") == 4


def test_terminal_takes_brackets_and_colons_as_they_are() -> None:
    out = io.StringIO()
    print_tables([Table("[bold]", ["run"], [[Cell("[red]x :smile:")]])], out)
    assert "[bold]" in out.getvalue()
    assert "[red]x :smile:" in out.getvalue()


def test_figures_line_up_under_marks() -> None:
    out = io.StringIO()
    rows = [[Cell("a"), Cell("0.50", marked=True)], [Cell("b"), Cell("0.25")]]
    print_tables([Table("", ["run", "nq"], rows)], out)
    marked, plain = (line for line in out.getvalue().splitlines() if "0." in line)
    assert marked.index("0.50") == plain.index("0.25")


def test_best_is_bold_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    print_tables([TABLE], out)
    assert "\x1b[1m 0.5†\x1b[0m" in out.getvalue()
    assert " 0.25 " in out.getvalue()
