"""The report: one page that needs no other file, Markdown for a README, JSON of all numbers."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, StrictUndefined

from hyper_ir.analysis.plan import SECTIONS
from hyper_ir.analysis.section import Section
from hyper_ir.evaluation.rendering import markdown
from hyper_ir.evaluation.tables import Cell, Table
from hyper_ir.figures.picture import Picture
from hyper_ir.files import atomic_text, write_json
from hyper_ir.models.checkpoint import read_object
from hyper_ir.version import __version__

FORMAT = 1

HTML, MARKDOWN, JSON = "report.html", "report.md", "report.json"

KINDS = ("svg", "png")

TITLE = "What the retriever's prompts, speed and settings do"


def write_report(folder: Path, sections: Sequence[Section]) -> None:
    """Write the report's three files and each picture as SVG and PNG into a folder that is there.

    Equal sections give equal bytes.
    """
    for section in sections:
        for picture in section.pictures:
            with atomic_text(folder / f"{picture.name}.svg") as handle:
                handle.write(picture.svg)
            (folder / f"{picture.name}.png").write_bytes(picture.png)
    with atomic_text(folder / HTML) as handle:
        handle.write(as_html(sections))
    with atomic_text(folder / MARKDOWN) as handle:
        handle.write(as_markdown(sections))
    write_json(folder / JSON, as_json(sections))


def as_html(sections: Sequence[Section]) -> str:
    """A page with pictures inside; every text is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["inline"] = _inline
    template = files("hyper_ir.analysis").joinpath("report.html").read_text(encoding="utf-8")
    about = (
        f"Made by hyper_ir {__version__}. Each section says what was measured, and the command "
        f"that made it; all numbers are in {JSON}."
    )
    page = environment.from_string(template).render(title=TITLE, about=about, sections=sections)
    return page.rstrip() + "\n"


def _inline(picture: Picture) -> str:
    """The picture's own SVG, with what it shows for those who do not see it."""
    label = html.escape(picture.alt, quote=True)
    return picture.svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def as_markdown(sections: Sequence[Section]) -> str:
    """Sections with links to the pictures beside it."""
    parts = []
    for section in sections:
        parts += [f"## {_plain(section.title)}", _plain(section.caption)]
        parts += [f"![{_plain(picture.alt)}]({picture.name}.svg)" for picture in section.pictures]
        if section.tables:
            parts.append(markdown(section.tables).strip())
        if section.model:
            parts.append(f"Model: {_plain(section.model)}")
        if section.command:
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", section.command)), default=0))
            parts.append(f"{fence}\n{section.command}\n{fence}")
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """A text that Markdown takes for nothing but words."""
    for sign in "\\*_<`[]|":
        text = text.replace(sign, "\\" + sign)
    return text


def as_json(sections: Sequence[Section]) -> dict[str, Any]:
    """All numbers, and what a later report needs to keep these sections."""
    return {
        "format": FORMAT,
        "hyper_ir": __version__,
        "sections": {section.name: _as_json(section) for section in sections},
    }


def _as_json(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "caption": section.caption,
        "command": section.command,
        "model": section.model,
        "pictures": [{"name": each.name, "alt": each.alt} for each in section.pictures],
        "tables": [asdict(table) for table in section.tables],
        "numbers": section.numbers,
    }


def files_of(sections: Sequence[Section]) -> set[str]:
    """The names of the files that :func:`write_report` writes of these sections."""
    pictures = [picture.name for section in sections for picture in section.pictures]
    return {HTML, MARKDOWN, JSON, *(f"{name}.{kind}" for name in pictures for kind in KINDS)}


def read_report(folder: Path) -> list[Section]:
    """The sections of a report that :func:`write_report` wrote; none where none is there.

    Raises ValueError where a file of it is missing or damaged, or of another format.
    """
    path = folder / JSON
    if not path.exists():
        return []
    value = read_object(path)
    if value.get("format") != FORMAT:
        raise ValueError(f"{path}: format {value.get('format')!r}; {FORMAT} is known")
    try:
        return [_section(folder, name, each) for name, each in value["sections"].items()]
    except (KeyError, TypeError, AttributeError, OSError, ElementTree.ParseError) as error:
        raise ValueError(
            f"{path}: not a whole report: {error}; make it anew with --overwrite"
        ) from error


def _section(folder: Path, name: str, value: dict[str, Any]) -> Section:
    if name not in SECTIONS:
        raise KeyError(f"{name} is no section")
    pictures = [
        Picture(
            each["name"],
            each["alt"],
            _whole_svg(folder / f"{each['name']}.svg"),
            (folder / f"{each['name']}.png").read_bytes(),
        )
        for each in value["pictures"]
    ]
    tables = [
        Table(**{**each, "rows": [[Cell(**cell) for cell in row] for row in each["rows"]]})
        for each in value["tables"]
    ]
    return Section(
        name,
        value["title"],
        value["caption"],
        pictures,
        tables,
        value["numbers"],
        value["command"],
        value.get("model", ""),
    )


def _whole_svg(path: Path) -> str:
    """A picture's text; a cut one would break the page that it goes into."""
    text = path.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    return text
