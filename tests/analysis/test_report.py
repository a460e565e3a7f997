from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from hyper_ir.analysis.report import as_html, as_markdown, read_report, write_report
from hyper_ir.analysis.section import Section, one_line, row
from hyper_ir.evaluation.tables import Table
from hyper_ir.figures.picture import drawn

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "</td></table><h1>x",
    "a | b ` c * d _ e [f](javascript:alert(1))",
    "\x1b[31mred\x00\x07\u202eevil\u2066",
    "שלום עולם، مرحبا",
    "--> <!-- ]]> &lt;",
    "\ud800 lone",
    "x" * 1_000_000,
    "many\n\n\tlines " * 1000,
]


class Page(HTMLParser):
    """What a browser makes of a page: its tags, its attributes, its words."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def picture_figure() -> Figure:
    figure = Figure((2, 2))
    figure.subplots().plot([1, 2])
    return figure


def sections(texts: list[str]) -> list[Section]:
    rows = [row(str(number), one_line(text)) for number, text in enumerate(texts)]
    hostile = one_line(texts[0])
    table = Table(hostile, ["", hostile], rows, hostile, words=2)
    picture = drawn("one", hostile, picture_figure)
    other = drawn("two", "another", picture_figure)
    numbers = {"a": 1.5, "b": [None, "x"]}
    return [
        Section("attention", hostile, hostile, [picture], [table], numbers, hostile),
        Section("map", "Map", "caption", [other], [], {}, "python -m x"),
    ]


def parsed(page: str) -> Page:
    reader = Page()
    reader.feed(page)
    reader.close()
    return reader


@pytest.mark.parametrize("first", HOSTILE)
def test_no_text_becomes_a_tag(first: str) -> None:
    plain = parsed(as_html(sections(["plain"] * (1 + len(HOSTILE)))))
    page = parsed(as_html(sections([first, *HOSTILE])))
    assert page.tags == plain.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in plain.attributes]
    assert one_line(first) in page.words
    assert "script" not in page.tags


def test_markdown_takes_texts_for_words_and_ends_no_code_early() -> None:
    text = as_markdown(sections([*HOSTILE]))
    before, _, after = text.partition(f"```\n{HOSTILE[0]}\n```")
    assert "<script" not in (before + after).replace("\\<script", "")
    ticks = Section("map", "t", "c", command="a\n```\nb")
    assert as_markdown([ticks]).endswith("\n\n````\na\n```\nb\n````\n")


def test_a_page_needs_no_other_file() -> None:
    page = parsed(as_html(sections(HOSTILE)))
    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not {"link", "img", "iframe", "object"} & set(page.tags)
    text = as_html(sections(["a"]))
    assert "@import" not in text
    assert "url(http" not in text


def test_every_name_in_a_page_is_one_things_and_links_lead_somewhere() -> None:
    page = parsed(as_html(sections(["a"])))
    names = [value for name, value in page.attributes if name == "id"]
    assert len(names) == len(set(names))
    links = {value[1:] for name, value in page.attributes if name in ("href", "xlink:href")}
    assert links <= set(names)


def test_pictures_are_described_for_those_who_do_not_see_them() -> None:
    page = parsed(as_html(sections(['a "quoted" <text>'])))
    assert ("aria-label", 'a "quoted" <text>') in page.attributes
    assert ("role", "img") in page.attributes


@pytest.mark.parametrize("text", HOSTILE)
def test_lines_are_short_printable_and_of_one_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 160
    if len(text) > 160:
        assert line.endswith("…")


def test_short_lines_stay_as_they_are() -> None:
    assert one_line("who wrote Dracula") == "who wrote Dracula"
    assert one_line("שלום") == "שלום"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line(" " * 5000 + "late") == "…"


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = sections(HOSTILE)
    write_report(tmp_path, made)
    assert read_report(tmp_path) == made
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {
        *(f"{name}.{kind}" for name in ("one", "two") for kind in ("svg", "png")),
        *(f"report.{kind}" for kind in ("html", "md", "json")),
    }
    write_report(tmp_path, read_report(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_markdown_links_the_pictures_and_names_the_command() -> None:
    text = as_markdown(sections(["a"]))
    assert "![another](two.svg)" in text
    assert re.search(r"^## Map$", text, re.MULTILINE)
    assert "```\npython -m x\n```" in text


def test_damaged_reports_are_refused(tmp_path: Path) -> None:
    assert read_report(tmp_path) == []
    write_report(tmp_path, sections(["a"]))
    path = tmp_path / "report.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    (tmp_path / "one.png").unlink()
    with pytest.raises(ValueError, match="not a whole report"):
        read_report(tmp_path)
    write_report(tmp_path, sections(["a"]))
    picture = tmp_path / "one.svg"
    drawn = picture.read_text(encoding="utf-8")
    picture.write_text(drawn[: len(drawn) // 2], encoding="utf-8")
    with pytest.raises(ValueError, match=r"not a whole report: .*; make it anew with --overwrite"):
        read_report(tmp_path)
    picture.write_text(drawn, encoding="utf-8")
    renamed = {**whole, "sections": {"maps": whole["sections"]["map"]}}
    path.write_text(json.dumps(renamed), encoding="utf-8")
    with pytest.raises(ValueError, match="maps is no section"):
        read_report(tmp_path)
    path.write_text(json.dumps({**whole, "format": 9}), encoding="utf-8")
    with pytest.raises(ValueError, match="format 9; 1 is known"):
        read_report(tmp_path)
    path.write_text(json.dumps({"format": 1, "sections": {"map": {}}}), encoding="utf-8")
    with pytest.raises(ValueError, match="not a whole report"):
        read_report(tmp_path)
