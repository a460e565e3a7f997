"""Run files of any size read a topic at a time, and the order that their topics stand in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from shlex import quote
from typing import Any

from tqdm import tqdm

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import parse_line
from hyper_ir.files import read_lines, require_file
from hyper_ir.problems import Problems

Key = Callable[[str], Any]

# Python refuses to read a number of more digits.
_LONGEST_NUMBER = 4_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What a pass over a run found.

    Attributes
    ----------
    path: of the run.
    tag: its name.
    topics, lines: how many.
    longest: the most lines of a topic.
    not_by_number, not_by_text: the first place where topics do not ascend so; empty for none.
    """

    path: Path
    tag: str
    topics: int
    lines: int
    longest: int
    not_by_number: str
    not_by_text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A topic's list.

    Attributes
    ----------
    topic: its id.
    hits: the first ones, in the file's order.
    lines: how many there are in all.
    """

    topic: str
    hits: list[Hit]
    lines: int


def survey(path: str | os.PathLike[str], problems: Problems, progress: bool = True) -> Survey:
    """Read a run through; ``problems`` is told of bad lines, as by ``read_run_file``.

    Raises ValueError where a run holds nothing.
    """
    path = require_file(path, "run")
    tag, last = "", ""
    topics = lines = longest = length = 0
    unordered = {"number": "", "text": ""}
    for number, topic, _, found in _lines(path, problems, progress):
        if tag and found != tag:
            problems.found(f"{path}:{number}", f"tag {found!r} after tag {tag!r}: two runs?")
            continue
        tag = found
        if topic != last or not topics:
            for name, key in (("number", by_number), ("text", by_text)):
                if not unordered[name] and not _ascends(key, last, topic, topics):
                    unordered[name] = f"{path}:{number}: topic {topic!r} after {last!r}"
            topics, last, length = topics + 1, topic, 0
        lines, length = lines + 1, length + 1
        longest = max(longest, length)
    if not topics:
        raise ValueError(f"{path}: the run holds no result\n{problems.summary()}".rstrip())
    return Survey(path, tag, topics, lines, longest, unordered["number"], unordered["text"])


def common_order(surveys: Sequence[Survey]) -> Key:
    """By what topics ascend in all of the runs: their numbers, or their texts.

    So ``hyper_ir.search`` and Pyserini write them. Raises ValueError, with a command that puts
    them in order, where they do not.
    """
    if not any(each.not_by_number for each in surveys):
        return by_number
    if not any(each.not_by_text for each in surveys):
        return by_text
    wrong = next(each for each in surveys if each.not_by_text)
    sorted_run = f"LC_ALL=C sort -s -k1,1 {quote(str(wrong.path))} > SORTED"
    raise ValueError(
        f"{wrong.not_by_text}: the topics of all runs must stand in one order, to be merged one at "
        f"a time; {sorted_run} (each run) puts them in order and leaves each list as it is"
    )


def read_blocks(survey: Survey, limit: int) -> Iterator[Block]:
    """Yield the topics of a surveyed run with their first ``limit`` hits; bad lines are skipped.

    Memory: one such list. Raises ValueError where a list is not ordered from best to worst, or has
    a document twice.
    """
    topic, hits, lines, place = "", list[Hit](), 0, 0
    for number, found, hit, tag in _lines(survey.path, Problems("skip", keep=0), False):
        if tag != survey.tag:
            continue
        if found != topic and lines:
            yield _checked(survey.path, place, Block(topic, hits, lines))
            hits, lines = [], 0
        if not lines:
            place = number
        topic, lines = found, lines + 1
        if lines <= limit:
            hits.append(hit)
    if lines:
        yield _checked(survey.path, place, Block(topic, hits, lines))


def by_number(topic: str) -> int | None:
    """The number that a topic's id is; None where it is none."""
    digits = topic.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_NUMBER:
        return None
    return int(topic)


def by_text(topic: str) -> str:
    """The id itself."""
    return topic


def _ascends(key: Key, last: str, topic: str, before: int) -> bool:
    mine = key(topic)
    if mine is None:
        return False
    return not before or bool(key(last) < mine)


def _lines(path: Path, problems: Problems, progress: bool) -> Iterator[tuple[int, str, Hit, str]]:
    """The number, topic, hit and tag of every good line."""
    lines = tqdm(
        read_lines(path, problems), desc=f"check {path.name}", unit=" lines", disable=not progress
    )
    for number, line in lines:
        if not line.strip():
            continue
        try:
            topic, hit, tag = parse_line(line)
        except ValueError as error:
            problems.found(f"{path}:{number}", str(error))
            continue
        yield number, topic, hit, tag


def _checked(path: Path, place: int, block: Block) -> Block:
    if any(second.score > first.score for first, second in pairwise(block.hits)):
        raise ValueError(
            f"{path}:{place}: the hits of topic {block.topic!r} do not stand from best to worst"
        )
    if len({hit.doc_id for hit in block.hits}) < len(block.hits):
        raise ValueError(f"{path}:{place}: topic {block.topic!r} has a document twice")
    return block
