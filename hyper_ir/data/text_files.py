"""``python -m hyper_ir.data.text_files``: a folder of text and Markdown files as pages."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from hyper_ir.command import Parser, run
from hyper_ir.data.checks import checked_text
from hyper_ir.files import atomic_text, require_directory, require_writable
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

SUFFIXES = (".md", ".markdown", ".rst", ".txt")

MOST_BYTES = 16_000_000
"""Larger files are no prose that somebody wrote; they are reported and left out."""

EXAMPLE = """
python -m hyper_ir.data.text_files --input ~/notes --output notes.jsonl
python -m hyper_ir.index --input notes.jsonl --index indexes/notes
"""

NOT_IN_ID = re.compile(r"[%\s\x00-\x1f\x7f-\x9f]")
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*")
MARKUP = re.compile(r"^\s*(?:[-*+>]\s+|`{3,}.*$|~{3,}.*$|[=\-~^*_]{3,}\s*$)")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
EMPHASIS = re.compile(r"\*\*|__|`")


def find_text_files(folder: str | os.PathLike[str]) -> list[Path]:
    """All files below a folder whose names end as text does, in the order of their paths.

    Hidden files and folders are left out, and links to folders are not followed.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place) / name
            for name in files
            if not name.startswith(".") and name.lower().endswith(SUFFIXES)
        ]
    return sorted(path for path in found if path.is_file())


def read_text_pages(
    folder: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a page in the form of KILT's knowledge source for each text file that has words.

    Its id is the file's path inside the folder, with white space written as in a URL; its title
    the first Markdown heading, else the file's name; its paragraphs are parted by blank lines,
    without Markdown's marks. A file that is not UTF-8 text, or too large, goes to ``problems`` (by
    default: ValueError at the first).
    """
    problems = problems if problems is not None else Problems()
    yield from _pages(Path(folder), find_text_files(folder), problems)


def _pages(folder: Path, files: Sequence[Path], problems: Problems) -> Iterator[dict[str, Any]]:
    for path in files:
        try:
            page = _page(path, path.relative_to(folder).as_posix())
        except (ValueError, OSError) as error:
            problems.found(str(path), str(error))
            continue
        if len(page["text"]) > 1:
            yield page


def page_id(path: str) -> str:
    """A file's path as an id: run files cannot hold white space."""
    return NOT_IN_ID.sub(lambda found: quote(found[0]), path)


def path_of(page: str) -> str:
    """The path that :func:`page_id` was given."""
    return unquote(page)


def _page(path: Path, name: str) -> dict[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    try:
        text = checked_text(path.read_bytes().decode("utf-8-sig"), "the file")
        name.encode()
    except UnicodeError as error:
        raise ValueError(f"not UTF-8 text ({getattr(error, 'reason', error)})") from error
    lines = text.splitlines()
    heading = next((found[1] for line in lines if (found := HEADING.fullmatch(line))), "")
    title = _plain(heading) or path.stem
    page = page_id(name)
    return {
        "_id": page,
        "wikipedia_id": page,
        "wikipedia_title": title,
        "text": [f"{title}\n", *_paragraphs(lines)],
    }


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Runs of lines with words, each as one paragraph with its line end."""
    words: list[str] = []
    for line in [*lines, ""]:
        plain = _plain(line)
        if plain:
            words.append(plain)
        elif words and not line.strip():
            yield " ".join(words) + "\n"
            words.clear()


def _plain(line: str) -> str:
    """A line without Markdown's marks; of a link, its words."""
    heading = HEADING.fullmatch(line)
    words = heading[1] if heading else MARKUP.sub("", line)
    return EMPHASIS.sub("", LINK.sub(r"\1", words)).strip()


def write_text_pages(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    problems: Problems | None = None,
) -> dict[str, int]:
    """Write the pages of a folder as a knowledge source with a manifest; return its counts.

    They are of ``pages``, ``files without words`` and ``bad records skipped``.

    Raises ValueError where there is no text file.
    """
    problems = problems if problems is not None else Problems()
    folder = require_directory(folder, "input")
    files, count = find_text_files(folder), 0
    with atomic_text(output) as handle:
        for page in _pages(folder, files, problems):
            handle.write(json.dumps(page, ensure_ascii=False) + "\n")
            count += 1
        if not count:
            raise ValueError(
                f"input: {folder} holds no text in files named *{', *'.join(SUFFIXES)}"
            )
    blank = len(files) - count - problems.count
    counts = {"pages": count, "files without words": blank, "bad records skipped": problems.count}
    write_manifest(output, Manifest("corpus", inputs={"folder": str(folder)}, counts=counts))
    return counts


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, read, write, and name the next command."""
    parser = Parser(
        "python -m hyper_ir.data.text_files",
        f"Text and Markdown files (*{', *'.join(SUFFIXES)}) of a folder and those below it, as a\n"
        "collection in KILT's format: a page a file, cut into passages by what reads it.",
        EXAMPLE,
    )
    parser.add_argument("--input", required=True, metavar="FOLDER", help="where the files are")
    parser.add_argument("--output", required=True, metavar="FILE.jsonl", help="pages to write")
    parser.add_argument("--overwrite", action="store_true", help="replace the output")
    parser.add_argument(
        "--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists"
    )
    arguments = parser.parse_args(argv)
    output = require_writable(arguments.output, "output")
    if output.exists() and not arguments.overwrite:
        raise ValueError(f"{output} exists already; --overwrite replaces it")
    problems = Problems(arguments.on_bad_input)
    counts = write_text_pages(arguments.input, output, problems)
    if problems.count:
        print(problems.summary())
    if blank := counts["files without words"]:
        print(f"left out, without words: {counted(blank, 'file')}")
    print(f"{counted(counts['pages'], 'page')}: {output}")
    print(f"next: python -m hyper_ir.index --input {output} --index indexes/NAME")


if __name__ == "__main__":
    run(main, on_bad_input=True)
