"""Tables drawn: for a terminal, in Markdown, in LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from hyper_ir.evaluation.tables import MARK, Cell, Table

# Where the output is no terminal there is no width to keep to: nothing may be cut off.
_UNBOUNDED = 1000

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "<": r"$<$",
    ">": r"$>$",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}


def print_tables(tables: Iterable[Table], file: TextIO | None = None) -> None:
    """Print tables on ``file`` (by default stdout), in bold what is best."""
    console = Console(file=file, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    for table in tables:
        console.print(_terminal_table(table))
        if table.note:
            console.print(Text(f"  {table.note}\n"))


def _terminal_table(table: Table) -> RichTable:
    drawn = RichTable(
        title=Text(table.title, style="bold"), box=box.SIMPLE_HEAD, title_justify="left"
    )
    columns = []
    for place, name in enumerate(table.header):
        cells = [row[place] for row in table.rows]
        texts = [_marked_text(cell, cells) for cell in cells]
        # rich's own right justification drops the blank that stands for a mark.
        width = 0 if place < table.words else max(map(len, (name, *texts)))
        drawn.add_column(Text(name.rjust(width)), overflow="fold")
        columns.append(
            [
                Text(text.rjust(width), style="bold" if cell.best else "")
                for text, cell in zip(texts, cells, strict=True)
            ]
        )
    for row in zip(*columns, strict=True):
        drawn.add_row(*row)
    return drawn


def _marked_text(cell: Cell, column: Sequence[Cell]) -> str:
    """The text with its mark, or a blank for it where others of the column have one."""
    if cell.marked:
        return f"{cell.text}{MARK}"
    return f"{cell.text} " if any(each.marked for each in column) else cell.text


def markdown(tables: Iterable[Table]) -> str:
    """The tables as pipe tables with their titles and notes."""
    return "\n".join(_markdown_table(table) for table in tables)


def _markdown_table(table: Table) -> str:
    rule = [":---" if place < table.words else "---:" for place in range(len(table.header))]
    rows = [
        [_markdown_word(name) for name in table.header],
        rule,
        *([_markdown_cell(cell) for cell in row] for row in table.rows),
    ]
    lines = [f"**{_markdown_word(table.title)}**", ""]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    if table.note:
        lines += ["", _markdown_word(table.note)]
    return "\n".join(lines) + "\n"


def _markdown_word(text: str) -> str:
    for sign in "\\|*_<`[":
        text = text.replace(sign, "\\" + sign)
    return text


def _markdown_cell(cell: Cell) -> str:
    text = _markdown_word(cell.text)
    text = f"**{text}**" if cell.best else text
    return f"{text}{MARK}" if cell.marked else text


def latex(tables: Iterable[Table]) -> str:
    """The tables as ``table`` environments; they need ``\\usepackage{booktabs}``."""
    return "\n".join(_latex_table(table) for table in tables)


def _latex_table(table: Table) -> str:
    columns = "".join("l" if place < table.words else "r" for place in range(len(table.header)))
    caption = _latex_word(table.title)
    if table.note:
        caption += ". " + _latex_word(table.note)
    body = [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in table.rows]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(_latex_word(name) for name in table.header) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_word(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text).replace(MARK, r"$^{\dagger}$")


def _latex_cell(cell: Cell) -> str:
    text = _latex_word(cell.text)
    text = rf"\textbf{{{text}}}" if cell.best else text
    return rf"{text}$^{{\dagger}}$" if cell.marked else text
