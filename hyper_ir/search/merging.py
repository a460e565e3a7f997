"""Runs of parts of a collection into the run that one index of the whole would have given.

A document's score is a sum of impacts, whatever else is in its index. What a run shows is that
score lowered by Anserini where documents tie; this is undone, the lists are merged by score and
id, and ties are lowered again as in one list.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from hyper_ir.data.checks import checked_id
from hyper_ir.data.records import Hit
from hyper_ir.data.runs import order_hits, remove_query, run_lines
from hyper_ir.files import atomic_text, require_writable
from hyper_ir.manifest import Manifest, write_manifest_first
from hyper_ir.problems import Problems
from hyper_ir.search.merge_checks import check_counts, merged_manifest
from hyper_ir.search.pipeline import Depth, collapse
from hyper_ir.search.ranking import adjust_whole, undo_ties
from hyper_ir.search.run_blocks import Block, Key, Survey, common_order, read_blocks, survey
from hyper_ir.wording import counted

EXAMPLES = 3


@dataclass
class Merged:
    """What a merge did.

    Attributes
    ----------
    topics, hits: of the merged run.
    missing: by run, how many of these topics it does not have, and the first of them.
    notes: what a user should know besides.
    """

    topics: int = 0
    hits: int = 0
    missing: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What a user should know, a sentence each."""
        said = list(self.notes)
        for run, (count, first) in self.missing.items():
            more = ", …" if count > len(first) else ""
            topics = counted(count, "topic is", "topics are")
            said.append(f"{topics} not in {run} ({', '.join(first)}{more}): it found nothing there")
        return said

    def lacks(self, run: Path, topic: str) -> None:
        """Note that a run has no list for a topic of another."""
        count, first = self.missing.get(str(run), (0, []))
        self.missing[str(run)] = (count + 1, [*first, topic][:EXAMPLES])


def merge_runs(
    runs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    depth: Depth | None = None,
    tag: str | None = None,
    any_scores: bool = False,
    partial: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Merged:
    """Merge runs and write the result, with a manifest; it is whole or not there.

    The runs are read twice. Memory: one topic's lists.

    Parameters
    ----------
    runs: of parts of one collection, for the same topics, topics in one order.
    output: the run to write.
    depth: hits of a topic in the merged run, and what is done to its list; the runs' own lists must
        be as deep, and nothing may have been done to them. ``fill_pages`` cannot be.
    tag: the merged run's name; by default the runs' where they have one, else the output's stem.
    any_scores: take scores that are no sums of impacts, and merge them as they are: right where
        a document's score does not depend on the others (dense vectors).
    partial: shards may be missing.
    problems: told of bad lines.

    Raises ValueError for what ``merged_manifest`` refuses, runs whose topics stand in different
    orders, lists out of order, a document in two runs, and scores that are no sums of impacts.
    """
    depth = depth or Depth()
    paths = _checked_paths(runs, output)
    problems = problems if problems is not None else Problems()
    manifest, notes = merged_manifest(paths, depth, partial)
    surveys = [survey(path, problems, progress) for path in paths]
    if not problems.count:
        for each in surveys:
            check_counts(each)
    name = _tag(surveys, tag, output, bool(manifest.config))
    result = Merged(notes=notes + _shallow(surveys, depth, manifest))
    groups = _side_by_side(surveys, common_order(surveys), depth, progress)

    def describe() -> None:
        manifest.config.update(depth=asdict(depth), tag=name, merged=True)
        manifest.inputs.update(runs=[str(path.resolve()) for path in paths])
        topics = manifest.counts.get("topics", result.topics)
        manifest.counts.update(topics=topics, hits=result.hits, empty=topics - result.topics)
        write_manifest_first(output, manifest)

    with atomic_text(output, describe, wait=False) as handle:
        for topic, blocks in groups:
            hits = _merge(topic, blocks, depth, any_scores)
            handle.writelines(run_lines(topic, hits, name))
            result.topics += bool(hits)
            result.hits += len(hits)
            for run in paths:
                if run not in blocks:
                    result.lacks(run, topic)
    return result


def _checked_paths(
    runs: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]
) -> list[Path]:
    target = require_writable(output, "output")
    paths = [Path(run) for run in runs]
    for place, path in enumerate(paths):
        if path.resolve() == target.resolve():
            raise ValueError(f"output: {path} is one of the runs")
        if path.resolve() in [other.resolve() for other in paths[:place]]:
            raise ValueError(f"runs: {path} is given twice")
    if not paths:
        raise ValueError("runs: none is given")
    return paths


def _tag(
    surveys: Sequence[Survey], tag: str | None, output: str | os.PathLike[str], known: bool
) -> str:
    if tag is not None:
        return checked_id(tag, "tag")
    tags = list(dict.fromkeys(each.tag for each in surveys))
    if len(tags) == 1:
        return tags[0]
    if not known:
        raise ValueError(
            f"runs: their tags differ ({', '.join(tags[:4])}), and no manifest says that they are "
            "of one search; --tag NAME merges them under that name"
        )
    stem = Path(Path(output).name.removesuffix(".gz")).stem
    return "-".join(stem.split()) or "hyper_ir"


def _shallow(surveys: Sequence[Survey], depth: Depth, manifest: Manifest) -> list[str]:
    """What cannot be known of the depth of runs without manifests."""
    if manifest.config:
        return []
    return [
        f"{each.path}: no list has over {each.longest:,} hits; if it was searched for fewer than "
        f"{depth.hits:,}, hits are missing"
        for each in surveys
        if each.longest < depth.hits
    ]


def _side_by_side(
    surveys: Sequence[Survey], key: Key, depth: Depth, progress: bool
) -> Iterator[tuple[str, dict[Path, Block]]]:
    """Yield each topic with its block of every run that has one, topics in ascending order."""
    limit = depth.hits + depth.without_query
    streams = {each.path: read_blocks(each, limit) for each in surveys}
    heads = {path: block for path, stream in streams.items() if (block := next(stream, None))}
    total = sum(each.lines for each in surveys)
    with tqdm(total=total, desc="merge", unit=" lines", disable=not progress) as bar:
        while heads:
            topic = min((block.topic for block in heads.values()), key=key)
            found = {path: block for path, block in heads.items() if block.topic == topic}
            yield topic, found
            for path, block in found.items():
                bar.update(block.lines)
                following = next(streams[path], None)
                if following is None:
                    del heads[path]
                else:
                    heads[path] = following


def _merge(topic: str, blocks: dict[Path, Block], depth: Depth, any_scores: bool) -> list[Hit]:
    """The finished list of a topic."""
    hits = [hit for path, block in blocks.items() for hit in _scores(path, block, any_scores)]
    names = Counter(hit.doc_id for hit in hits)
    if len(names) < len(hits):
        twice = names.most_common(1)[0][0]
        runs = [str(path) for path, each in blocks.items() if _holds(each, twice)]
        raise ValueError(
            f"document {twice!r} is in {' and '.join(runs)} for topic {topic!r}; each document "
            "belongs into one part"
        )
    best = order_hits(hits)[: depth.hits + depth.without_query]
    if not any_scores:
        adjusted = adjust_whole(np.array([hit.score for hit in best], dtype=np.float32))
        best = [Hit(hit.doc_id, score) for hit, score in zip(best, adjusted.tolist(), strict=True)]
    kept = remove_query(best, topic) if depth.without_query else best
    kept = kept[: depth.hits]
    return kept if depth.pages is None else collapse(kept, depth.delimiter, depth.pages)


def _scores(path: Path, block: Block, any_scores: bool) -> list[Hit]:
    """A run's hits, with the sums of impacts in the place of what Anserini made of them."""
    if any_scores:
        return block.hits
    whole = undo_ties(np.array([hit.score for hit in block.hits]))
    if whole is None:
        raise ValueError(
            f"{path}: the scores of topic {block.topic!r} are not those of a whole list of impact "
            "search (sums of quantised impacts, with ties as Lucene lowers them); --any-scores "
            "merges them as they are, which is right for dense vectors and wrong for BM25"
        )
    return [Hit(hit.doc_id, score) for hit, score in zip(block.hits, whole.tolist(), strict=True)]


def _holds(block: Block, document: str) -> bool:
    return any(hit.doc_id == document for hit in block.hits)
