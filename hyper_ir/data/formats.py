"""One reader for each file format of a corpus; each yields ``(record id, its passages)``.

Every reader streams: it holds one record at a time, however large the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from hyper_ir.data.checks import checked_id, checked_text, require_some_text, shortened
from hyper_ir.data.json_arrays import is_array, read_records
from hyper_ir.data.records import Passage
from hyper_ir.files import read_lines
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

Format = Literal["pyserini", "beir", "kilt", "tsv", "ir_datasets"]
Policy = Literal["stop", "skip"]

ID_KEYS = ("id", "_id", "docid")

MOST_COLUMNS = 1000
"""Of a TSV line that are told apart."""

Groups = Iterator[tuple[str, list[Passage]]]


def detect(files: Sequence[Path], policy: Policy = "stop") -> Format:
    """Tell the format by the first record (under ``"skip"``: the first that can be read).

    A JSON object, on a line or in an array, with ``wikipedia_title`` or ``wikipedia_id`` is KILT's,
    one with ``_id`` and ``text`` BEIR's, any other Pyserini's; a line with a tab is TSV. Files
    without a line are passed over. Raises ValueError where all are, or where the first line is
    nothing of these.
    """
    problems = Problems(policy, keep=0)
    for path in files:
        if is_array(path):
            return _detect_json(path, problems)
        for number, line in read_lines(path, problems):
            if line.strip():
                return _detect_line(path, number, line, problems)
    raise ValueError(f"{files[0]}: the file is empty")


def _detect_line(path: Path, number: int, line: str, problems: Problems) -> Format:
    if line.lstrip().startswith("{"):
        return _detect_json(path, problems)
    if "\t" in line:
        return "tsv"
    raise ValueError(
        f"{path}:{number}: neither a JSON object nor columns separated by tabs: {shortened(line)}"
    )


def _detect_json(path: Path, problems: Problems) -> Format:
    _, record = next(read_records(path, problems), ("", None))
    if record is None:
        raise ValueError(f"{path}: no line or element holds a JSON object")
    if "wikipedia_title" in record or "wikipedia_id" in record:
        return "kilt"
    if "_id" in record and "text" in record and "contents" not in record:
        return "beir"
    return "pyserini"


def read_json_passages(
    path: Path,
    problems: Problems,
    fields: Sequence[str] | None,
    docid_field: str | None,
    delimiter: str,
) -> Groups:
    """Read Pyserini's or BEIR's JSONL, or an array of such objects.

    The id stands under ``docid_field``, else ``id``, ``_id`` or ``docid``. With ``fields``,
    Pyserini's rule holds: all of them under their names, else ``contents`` split by the
    delimiter into as many parts. Without, ``contents`` is the one field, else title and text.
    """
    for where, record in read_records(path, problems):
        try:
            name = docid_field or next((key for key in ID_KEYS if key in record), "id")
            doc_id = checked_id(record.get(name), name)
            texts = _texts(record, fields, delimiter)
            require_some_text(doc_id, texts)
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield doc_id, [Passage(doc_id, texts, where)]


def _texts(record: dict[str, Any], fields: Sequence[str] | None, delimiter: str) -> dict[str, str]:
    if fields is not None:
        if all(name in record for name in fields):
            return {name: checked_text(record[name], name).strip() for name in fields}
        return _split_contents(record, fields, delimiter)
    if "contents" in record:
        return {"contents": checked_text(record["contents"], "contents")}
    if "text" not in record:
        raise ValueError(
            f"the record has neither contents nor text; it has {_keys(record)}: name its fields"
        )
    names = ("title", "text") if "title" in record else ("text",)
    return {name: checked_text(record[name], name) for name in names}


def _split_contents(
    record: dict[str, Any], fields: Sequence[str], delimiter: str
) -> dict[str, str]:
    """Pyserini's rule for ``contents``: one trailing delimiter too many is no field."""
    if "contents" not in record:
        lacking = [name for name in fields if name not in record]
        raise ValueError(
            f"field {', '.join(lacking)} missing, and no contents to split; "
            f"the record has {_keys(record)}"
        )
    contents = checked_text(record["contents"], "contents")
    if contents.count(delimiter) == len(fields):
        contents = contents.removesuffix(delimiter)
    parts = contents.split(delimiter)
    if len(parts) != len(fields):
        raise ValueError(
            f"contents has {counted(len(parts), 'part')} between delimiters {delimiter!r}; "
            f"{len(fields)} are needed for the fields {', '.join(fields)}"
        )
    return {name: part.strip(" ") for name, part in zip(fields, parts, strict=True)}


def _keys(record: dict[str, Any]) -> str:
    return shortened(", ".join(record) or "no keys", 120)


def read_tsv_passages(path: Path, problems: Problems, fields: Sequence[str] | None) -> Groups:
    """Read lines ``id TAB text``, ``id TAB title TAB text``, or ``id`` and the columns ``fields``.

    A first line whose first column is ``id`` names the columns, as in DPR's ``psgs_w100.tsv``.
    Every line must have as many columns as the first.
    """
    names = list(fields) if fields is not None else None
    for number, line in read_lines(path, problems):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        cells = line.split("\t", MOST_COLUMNS)
        if number == 1 and cells[0].lower() in ID_KEYS:
            names = names or cells[1:]
            continue
        try:
            names = names or _default_columns(len(cells))
            if len(cells) != len(names) + 1:
                raise ValueError(
                    f"{counted(len(cells), 'column')}; {len(names) + 1} are needed: id, "
                    f"{', '.join(names)}"
                )
            doc_id = checked_id(cells[0], "id")
            texts = {
                name: checked_text(cell, name) for name, cell in zip(names, cells[1:], strict=True)
            }
            require_some_text(doc_id, texts)
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield doc_id, [Passage(doc_id, texts, where)]


def _default_columns(count: int) -> list[str]:
    if count == 2:
        return ["text"]
    if count == 3:
        return ["title", "text"]
    raise ValueError(
        f"{counted(count, 'column')}; 2 (id, text) or 3 (id, title, text) are read without naming "
        "the fields"
    )
