"""Which topics are asked: no boilerplate, no page emptied, kinds balanced, splits apart."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from hyper_ir.data.python_docs.kinds import (
    LEAST_LEFT,
    TAKING,
    TASKS,
    Candidate,
    Task,
    doctest,
    linking,
    relation,
    taken_from_parts,
)
from hyper_ir.data.python_docs.pages import SPLITS, Page, Split
from hyper_ir.data.python_docs.plain import key, sentences
from hyper_ir.data.python_docs.references import References

MOST_ALTERNATIVES = 4
"""A text that more pages share is boilerplate; that fewer share has them all as its answers."""

MOST_FROM_A_PAGE = {"parameter": 2, "linking": 2}
"""Topics of one kind that may find the same page; one where nothing is said."""

RARE_SHARE = 0.01
LEAST_RARE_WORDS = 2
"""A topic needs so many different words that at most this share of the pages has."""


@dataclass(frozen=True, slots=True)
class DocsTopic:
    """A topic and the pages any of which answers it."""

    task: Task
    split: Split
    text: str
    pages: tuple[Page, ...]
    takes: tuple[tuple[Page, tuple[int, ...]], ...]


def select_topics(
    pages: list[Page], max_topics: int, seed: int
) -> tuple[list[DocsTopic], Counter[str]]:
    """Choose the topics and take from the pages what they take; also counts what was dropped.

    At most ``max_topics`` train topics of each kind, and a quarter as many dev and test topics.
    The pages' ``removed`` and ``name_hidden`` are set for the chosen topics.
    """
    dropped: Counter[str] = Counter()
    texts = Texts(pages)
    candidates = _candidates(pages)
    topics = [topic for group in candidates for topic in _judged(group, texts, dropped)]
    by_split: dict[Split, dict[Task, list[DocsTopic]]] = defaultdict(lambda: defaultdict(list))
    for topic in topics:
        by_split[topic.split][topic.task].append(topic)
    chosen: list[DocsTopic] = []
    for split in SPLITS:
        cap = max_topics if split == "train" else max(1, max_topics // 4)
        chosen += _balanced(by_split[split], cap, random.Random(f"{seed} {split}"))
    return chosen, dropped


class Texts:
    """Which pages hold a text, a sentence or a word."""

    def __init__(self, pages: list[Page]) -> None:
        self.pages_of_text: dict[str, set[str]] = defaultdict(set)
        self.pages_of_word: Counter[str] = Counter()
        self.count = len(pages)
        for page in pages:
            words: set[str] = set()
            for part in page.parts:
                words.update(key(part.text).split())
                for text in {part.text, *sentences(part.text)}:
                    self.pages_of_text[key(text)].add(page.id)
            self.pages_of_word.update(words)

    def holders(self, text: str) -> set[str]:
        """Pages with the whole text, or with its longest sentence."""
        longest = max(sentences(text), key=len, default="")
        return self.pages_of_text[key(text)] | self.pages_of_text[key(longest)]

    def rare_words(self, text: str) -> int:
        """How many different words of the text stand in at most RARE_SHARE of the pages."""
        most = max(MOST_ALTERNATIVES, RARE_SHARE * self.count)
        return sum(self.pages_of_word[word] <= most for word in set(key(text).split()))


def _candidates(pages: list[Page]) -> Iterator[list[Candidate]]:
    """All candidates, those with the same kind and words together."""
    references = References(pages)
    groups: dict[tuple[Task, str], list[Candidate]] = defaultdict(list)
    for page in pages:
        found = (taken_from_parts(page), relation(page), linking(page, references), doctest(page))
        for candidates in found:
            for candidate in candidates:
                groups[candidate.task, key(candidate.text)].append(candidate)
    yield from groups.values()


def _judged(group: list[Candidate], texts: Texts, dropped: Counter[str]) -> Iterator[DocsTopic]:
    """The group's topic with all its answers, unless it is boilerplate or crosses splits."""
    first = group[0]
    pages = {candidate.page.id: candidate.page for candidate in group}
    if first.task in TAKING and first.task != "relation":
        others = texts.holders(first.text) - set(pages)
        if others or len(pages) > MOST_ALTERNATIVES:
            dropped[f"{first.task}: text shared by other pages"] += 1
            return
        if texts.rare_words(first.text) < LEAST_RARE_WORDS:
            dropped[f"{first.task}: common words alone"] += 1
            return
    elif len(pages) > 1:
        dropped[f"{first.task}: several pages fit"] += 1
        return
    if len({page.split for page in pages.values()}) > 1:
        dropped[f"{first.task}: crosses splits"] += 1
        return
    takes = tuple((candidate.page, candidate.takes) for candidate in group if candidate.takes)
    yield DocsTopic(first.task, first.page.split, first.text, tuple(pages.values()), takes)


def _balanced(
    by_task: dict[Task, list[DocsTopic]], cap: int, generator: random.Random
) -> Iterator[DocsTopic]:
    """Topics of the kinds in turn, each kind in shuffled order, as long as their pages allow."""
    queues = {task: list(by_task.get(task, ())) for task in TASKS}
    for queue in queues.values():
        generator.shuffle(queue)
    serves: dict[str, Task] = {}
    linked: set[str] = set()
    found: Counter[tuple[Task, str]] = Counter()
    taken: Counter[Task] = Counter()
    while any(queues.values()):
        for task, queue in queues.items():
            while queue:
                topic = queue.pop()
                if not _allowed(topic, serves, linked, found):
                    continue
                for page in topic.pages:
                    found[task, page.id] += 1
                    if task in TAKING:
                        serves[page.id] = task
                    if task == "linking":
                        linked.add(page.id)
                    page.name_hidden |= task == "relation"
                for page, parts in topic.takes:
                    page.removed.update(parts)
                taken[task] += 1
                yield topic
                break
            if taken[task] >= cap:
                queue.clear()


def _allowed(
    topic: DocsTopic,
    serves: dict[str, Task],
    linked: set[str],
    found: Counter[tuple[Task, str]],
) -> bool:
    """Whether the topic's pages are free for it and would keep enough text."""
    most = MOST_FROM_A_PAGE.get(topic.task, 1)
    for page in topic.pages:
        if found[topic.task, page.id] >= most:
            return False
        if topic.task in TAKING and serves.get(page.id, topic.task) != topic.task:
            return False
        if topic.task == "relation" and page.id in linked:
            return False
        if topic.task == "linking" and page.name_hidden:
            return False
    takes: dict[str, tuple[Page, set[int]]] = {}
    for page, parts in topic.takes:
        takes.setdefault(page.id, (page, set()))[1].update(parts)
    return all(page.words_without(parts) >= LEAST_LEFT for page, parts in takes.values())
