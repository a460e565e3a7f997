"""From any source to what Pyserini and ir-measures read: passages, topics, qrels, manifests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hyper_ir.data import beir
from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.data.passages import SHARD_SIZE, Layout, write_passages
from hyper_ir.data.qrels import is_kilt, read_qrels, write_qrels
from hyper_ir.data.records import Judgment, Passage, Topic
from hyper_ir.data.topics import read_topics, write_topics_jsonl, write_topics_tsv
from hyper_ir.files import atomic_directory, require_writable
from hyper_ir.manifest import NAME as MANIFEST
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.outputs import require_not_input, require_output_folder
from hyper_ir.problems import Problems

TOPIC_SUFFIXES = (".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")


@dataclass
class Counts:
    """What a conversion read and wrote, by name; ``problems`` holds the records left out."""

    problems: Problems
    of: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The counts in words, one a line, and below them the records left out."""
        width = max(map(len, self.of), default=0)
        lines = [f"{name:<{width}}  {count:>12,}" for name, count in self.of.items()]
        return lines + ([summary] if (summary := self.problems.summary()) else [])

    def for_manifest(self) -> dict[str, int]:
        """The counts and the number of records left out."""
        return {**self.of, "bad records skipped": self.problems.count}


def convert_corpus(
    corpus: Corpus,
    output: str | os.PathLike[str],
    *,
    layout: Layout = "contents",
    shard_size: int = SHARD_SIZE,
    compress: bool = False,
    overwrite: bool = False,
) -> Counts:
    """Write a corpus as a folder of Pyserini JSONL with a manifest; all of it or nothing.

    Raises ValueError where ``output`` exists and ``overwrite`` is false or it is something else,
    where it cannot be made, and for bad records unless the corpus skips them.
    """
    require_output_folder(output, overwrite, [MANIFEST], "a converted corpus")
    counts = Counts(corpus.problems)
    with atomic_directory(output, replace=overwrite) as folder:
        passages = _with_progress(corpus)
        counts.of["passages"] = write_passages(folder, passages, layout, shard_size, compress)
        counts.of["files"] = sum(1 for _ in folder.glob("passages-*"))
        settings = {"layout": layout, "shard_size": shard_size, "compress": compress}
        write_manifest(folder, _corpus_manifest(corpus, settings, counts))
    return counts


def _corpus_manifest(corpus: Corpus, settings: dict[str, Any], counts: Counts) -> Manifest:
    return Manifest(
        kind="corpus",
        config=settings,
        inputs={"corpus": corpus.describe()},
        counts=counts.for_manifest(),
    )


def _with_progress(corpus: Corpus) -> Iterator[Passage]:
    with tqdm(corpus, total=corpus.size_hint(), unit=" passages", desc="passages") as bar:
        yield from bar


def convert_topics(
    source: str,
    output: str | os.PathLike[str],
    qrels_output: str | os.PathLike[str] | None = None,
    *,
    format: str = "auto",
    split: str | None = None,
    problems: Problems | None = None,
) -> Counts:
    """Write topics as TSV or JSONL by the name of ``output``, and their qrels where asked for.

    ``split`` names a split of a BEIR folder: its judged queries alone are written. Both sources
    are read before anything is written. Raises ValueError for another ending than
    ``TOPIC_SUFFIXES``, for a source without judgments where qrels are asked for, for outputs that
    cannot be written, and for bad records unless ``problems`` skips them.
    """
    problems = problems if problems is not None else Problems()
    if not os.fspath(output).endswith(TOPIC_SUFFIXES):
        raise ValueError(f"{output}: topics are written as {', '.join(TOPIC_SUFFIXES)}")
    _check_output(source, output, "output")
    if qrels_output is not None:
        _check_output(source, qrels_output, "qrels")
    if split is not None and not beir.is_beir(source):
        raise ValueError(f"split: {source} is no BEIR folder; only those have splits")
    topics = read_topics(source, format, problems)
    judgments: list[Judgment] = []
    if qrels_output is not None or split is not None:
        judgments = read_qrels(source, _qrels_problems(source, problems), split or "test")
    if split is not None:
        topics = beir.judged_topics(topics, judgments)
    counts = Counts(problems)
    _write_topics(output, topics, counts)
    if qrels_output is not None:
        counts.of["judgments"] = write_qrels(qrels_output, judgments)
        counts.of["judged topics without text"] = _without_text(topics, judgments)
    config = {"format": format, "split": split, "qrels": _name(qrels_output)}
    _topics_manifest(output, source, config, counts)
    return counts


def _check_output(source: str, output: str | os.PathLike[str], what: str) -> None:
    require_writable(output, what)
    require_not_input(output, [source], what)


def _qrels_problems(source: str, problems: Problems) -> Problems:
    """A KILT file's bad records were reported with its topics: not once more."""
    if Path(source).is_file() and is_kilt(Path(source), problems):
        return Problems(problems.policy, keep=0)
    return problems


def _write_topics(output: str | os.PathLike[str], topics: list[Topic], counts: Counts) -> None:
    counts.of["topics"] = len(topics)
    if ".jsonl" in Path(output).suffixes:
        write_topics_jsonl(output, topics)
    else:
        name = "topics whose tabs or line feeds became spaces"
        counts.of[name] = write_topics_tsv(output, topics)


def _without_text(topics: Iterable[Topic], judgments: Iterable[Judgment]) -> int:
    return len({each.topic_id for each in judgments} - {topic.id for topic in topics})


def _topics_manifest(
    output: str | os.PathLike[str], source: str, config: dict[str, Any], counts: Counts
) -> None:
    manifest = Manifest(
        kind="topics", config=config, inputs={"topics": source}, counts=counts.for_manifest()
    )
    write_manifest(output, manifest)


def _name(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def convert_qrels(
    source: str,
    output: str | os.PathLike[str],
    *,
    split: str = "test",
    problems: Problems | None = None,
) -> Counts:
    """Write judgments of any source as TREC qrels with a manifest beside them."""
    problems = problems if problems is not None else Problems()
    _check_output(source, output, "output")
    judgments = read_qrels(source, problems, split)
    counts = Counts(problems)
    counts.of["judgments"] = write_qrels(output, judgments)
    counts.of["topics"] = len({each.topic_id for each in judgments})
    manifest = Manifest(
        kind="qrels",
        config={"split": split},
        inputs={"qrels": source},
        counts=counts.for_manifest(),
    )
    write_manifest(output, manifest)
    return counts


def convert_beir(
    folder: str,
    output: str | os.PathLike[str],
    *,
    layout: Layout = "contents",
    shard_size: int = SHARD_SIZE,
    compress: bool = False,
    overwrite: bool = False,
    problems: Problems | None = None,
) -> Counts:
    """Write a whole BEIR folder: ``corpus/``, ``topics.SPLIT.tsv`` and ``qrels.SPLIT.txt``.

    Judged documents that the corpus lacks are counted: ArguAna, for one, has five. Topics and
    qrels are read, and with them checked, before the corpus.
    """
    problems = problems if problems is not None else Problems()
    marks = [os.path.join("corpus", MANIFEST)]
    require_output_folder(output, overwrite, marks, "a converted collection")
    names = beir.splits(folder)
    if not names:
        raise ValueError(f"BEIR folder: {folder} has no qrels/SPLIT.tsv")
    topics = read_topics(beir.queries_file(folder), "beir", problems)
    qrels = {split: read_qrels(folder, problems, split) for split in names}
    corpus = open_corpus(folder, problems=problems)
    counts = Counts(problems)
    with atomic_directory(output, replace=overwrite) as partial:
        lacking = {each.doc_id for judgments in qrels.values() for each in judgments}
        stream = _striking_off(_with_progress(corpus), lacking)
        counts.of["passages"] = write_passages(
            partial / "corpus", stream, layout, shard_size, compress
        )
        counts.of["judged documents that the corpus lacks"] = len(lacking)
        settings = {"layout": layout, "shard_size": shard_size, "compress": compress}
        write_manifest(partial / "corpus", _corpus_manifest(corpus, settings, counts))
        for split, judgments in qrels.items():
            _write_split(partial, folder, split, topics, judgments, counts)
    return counts


def _striking_off(passages: Iterable[Passage], lacking: set[str]) -> Iterator[Passage]:
    """Pass the passages on and take the ids that come by out of ``lacking``."""
    for passage in passages:
        lacking.discard(passage.id)
        yield passage


def _write_split(
    output: Path,
    folder: str,
    split: str,
    topics: list[Topic],
    judgments: list[Judgment],
    counts: Counts,
) -> None:
    of_split = Counts(Problems("skip"))
    path = output / f"topics.{split}.tsv"
    _write_topics(path, beir.judged_topics(topics, judgments), of_split)
    of_split.of["judgments"] = write_qrels(output / f"qrels.{split}.txt", judgments)
    of_split.of["judged topics without text"] = _without_text(topics, judgments)
    _topics_manifest(path, folder, {"format": "beir", "split": split}, of_split)
    counts.of |= {f"{split}: {name}": count for name, count in of_split.of.items()}
