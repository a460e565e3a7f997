"""A collection to encode or index, whatever its format: a stream of passages.

``open_corpus`` takes a file, a folder of files, a BEIR folder, or ``ir_datasets:NAME``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from hyper_ir.data import formats, irds, kilt
from hyper_ir.data.formats import Groups
from hyper_ir.data.records import Passage
from hyper_ir.data.seen_ids import Duplicates
from hyper_ir.manifest import NAME as MANIFEST_NAME
from hyper_ir.problems import Problems

FORMATS = ("auto", "pyserini", "beir", "kilt", "tsv", "ir_datasets")
BEIR_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")


@dataclass
class Corpus:
    """A stream of passages that can be iterated again and again, in the same order.

    Memory does not grow with the collection but for 11 to 21 bytes a record, by which duplicate
    ids are found (see ``Duplicates``; of KILT, a record is a page).

    A record is reported to ``problems`` once, however often the corpus is iterated. Iterating
    raises ValueError where there is no passage at all.
    """

    source: str
    format: str
    settings: dict[str, Any]
    files: list[Path]
    problems: Problems
    read: Callable[[Problems], Groups]
    _reported: int = 0

    def __iter__(self) -> Iterator[Passage]:
        problems = _OncePerRecord(self)
        duplicates = Duplicates(self._places)
        for record_id, passages in self.read(problems):
            where = passages[0].where
            before = duplicates.place_before(record_id, where)
            if before is not None:
                problems.found(where, f"id {record_id:.100} stands at {before} already")
                continue
            yield from passages
        if not len(duplicates):
            raise ValueError(
                f"{self.source}: no passage could be read\n{self.problems.summary()}".rstrip()
            )

    def _places(self) -> Iterator[tuple[str, str]]:
        for record_id, passages in self.read(Problems("skip", keep=0)):
            yield record_id, passages[0].where

    def describe(self) -> dict[str, Any]:
        """The source with its format, settings, file names and sizes in bytes, for manifests."""
        files = [{"name": path.name, "bytes": path.stat().st_size} for path in self.files]
        return {"source": self.source, "format": self.format, **self.settings, "files": files}

    def size_hint(self) -> int | None:
        """The number of passages where it is known without reading, else None."""
        return irds.docs_count(self.source) if self.format == "ir_datasets" else None


class _OncePerRecord(Problems):
    """Passes to the corpus's problems what no earlier iteration has reported."""

    def __init__(self, corpus: Corpus) -> None:
        super().__init__(corpus.problems.policy, keep=0)
        self.corpus = corpus

    def found(self, where: str, what: str) -> None:
        self.count += 1
        if self.policy == "stop" or self.count > self.corpus._reported:
            self.corpus._reported = self.count
            self.corpus.problems.found(where, what)


def open_corpus(
    source: str,
    *,
    format: str = "auto",
    fields: Sequence[str] | None = None,
    docid_field: str | None = None,
    delimiter: str = "\n",
    words: int = 100,
    by: Literal["words", "paragraph"] = "words",
    problems: Problems | None = None,
) -> Corpus:
    """Open a collection; nothing but its first record is read yet.

    Parameters
    ----------
    source: a file, plain or gzip; a folder, whose files are read in the order of their names; a
        BEIR folder, of which ``corpus.jsonl`` is read; or ``ir_datasets:NAME``.
    format: ``pyserini`` ({"id", "contents"} or named fields), ``beir`` ({"_id", "title",
        "text"}), ``kilt`` (knowledge source), ``tsv`` (id TAB text), ``ir_datasets``, or ``auto``.
    fields: the texts to read, in this order; by default what the format has.
    docid_field: the key of the id; by default ``id``, ``_id`` or ``docid``.
    delimiter: what separates the fields inside Pyserini's ``contents``.
    words, by: how KILT's pages are cut into passages; see ``kilt.passages_of_page``.
    problems: what to do with bad records: no id, white space in it, an id that was there before,
        no text, a field missing, NUL characters, broken JSON. By default the first is an error.

    Raises ValueError where the source does not exist, is empty, or is of no known format.
    """
    problems = problems if problems is not None else Problems()
    _check_settings(format, fields, words, by)
    if irds.is_irds(source) or format == "ir_datasets":
        return _open_irds(source, format, fields, problems)
    files = corpus_files(source)
    found = formats.detect(files, problems.policy) if format == "auto" else format
    settings: dict[str, Any] = {"fields": list(fields) if fields is not None else None}
    reader: Callable[[Path, Problems], Groups]
    if found == "kilt":
        names = tuple(fields) if fields is not None else kilt.FIELDS
        if unknown := set(names) - set(kilt.FIELDS):
            raise ValueError(f"fields: a KILT passage has title and text, no {min(unknown)}")
        settings = {"fields": list(names), "words": words, "by": by}
        reader = partial(kilt.read_pages, words=words, by=by, fields=names, docid_field=docid_field)
    elif found == "tsv":
        reader = partial(formats.read_tsv_passages, fields=fields)
    else:
        settings["delimiter"] = delimiter
        reader = partial(
            formats.read_json_passages,
            fields=fields,
            docid_field=docid_field,
            delimiter=delimiter,
        )
    if docid_field is not None:
        settings["docid_field"] = docid_field

    def read(to: Problems) -> Groups:
        for path in files:
            yield from reader(path, to)

    return Corpus(source, found, settings, files, problems, read)


def _open_irds(
    source: str, format: str, fields: Sequence[str] | None, problems: Problems
) -> Corpus:
    if format not in ("auto", "ir_datasets"):
        raise ValueError(f"{source}: of format ir_datasets, not {format}")
    if not irds.is_irds(source):
        source = irds.PREFIX + source
    irds.text_fields(irds.load(source, "docs").docs_cls(), fields, source)
    settings = {"fields": list(fields) if fields is not None else None}
    read = partial(irds.read_docs, source, fields)
    return Corpus(source, "ir_datasets", settings, [], problems, read)


def _check_settings(format: str, fields: Sequence[str] | None, words: int, by: str) -> None:
    if format not in FORMATS:
        raise ValueError(f"format: {format!r} is none of {', '.join(FORMATS)}")
    if isinstance(fields, str) or (fields is not None and not fields):
        raise ValueError(f"fields: a list of names is needed, not {fields!r}")
    if fields is not None and len(set(fields)) != len(fields):
        raise ValueError(f"fields: a name occurs twice in {', '.join(fields)}")
    if words < 1:
        raise ValueError(f"words: a passage needs at least 1 word, not {words}")
    if by not in ("words", "paragraph"):
        raise ValueError(f"by: {by!r} is neither 'words' nor 'paragraph'")


def corpus_files(source: str) -> list[Path]:
    """The files of a corpus: the file itself, a BEIR folder's corpus, or a folder's files by name.

    Hidden files and manifests are no part of a corpus. Raises ValueError where there is none,
    and where a folder holds folders.
    """
    path = Path(source)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(f"corpus: {source} does not exist (or is no file and no folder)")
    for name in BEIR_CORPUS:
        if (path / name).is_file():
            return [path / name]
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    files = [each for each in inside if each.is_file() and not _is_manifest(each)]
    folders = [each.name for each in inside if each.is_dir()]
    if not files:
        raise ValueError(f"corpus: {source} holds no file")
    if folders:
        raise ValueError(
            f"corpus: {source} holds the folder {folders[0]}; a folder of files is needed"
        )
    return files


def _is_manifest(path: Path) -> bool:
    return path.name == MANIFEST_NAME or path.name.endswith(".manifest")
