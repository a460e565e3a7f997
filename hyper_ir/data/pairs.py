"""Queries made from a collection's own passages: pairs to train on where there are no labels.

A query is a piece of its passage (the inverse cloze task of Lee et al., ACL 2019, and the crops of
Contriever, Izacard et al., TMLR 2022), in two kinds: a *span* of neighbouring words some of which
are dropped, as sentences and questions hold words together, and *keywords* from all over the
passage, rare ones more often, as searchers type them.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from tqdm import tqdm

from hyper_ir.data.corpus import Corpus
from hyper_ir.data.records import Passage
from hyper_ir.files import atomic_directory, atomic_text
from hyper_ir.manifest import NAME as MANIFEST
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.outputs import require_output_folder

SPLIT = "train"
WORD = re.compile(r"\w+(?:['’.-]\w+)*")


@dataclass(frozen=True)
class PairSettings:
    """How passages become queries.

    Attributes
    ----------
    count: pairs, each of a passage of its own, drawn from all over the collection.
    spans: share of the queries that are spans; the others are keywords.
    span_words: fewest and most neighbouring words of a span, before words are dropped.
    drop: probability that a word of a span is dropped.
    keywords: fewest and most words of a query of keywords.
    least_words: passages of fewer words are passed over.
    seed: of all draws.
    """

    count: int = 10_000
    spans: float = 0.5
    span_words: tuple[int, int] = (4, 16)
    drop: float = 0.3
    keywords: tuple[int, int] = (2, 6)
    least_words: int = 16
    seed: int = 42

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count: {self.count} is not a positive number")
        for name in ("spans", "drop"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not a share from 0 to 1")
        for name in ("span_words", "keywords"):
            fewest, most = getattr(self, name)
            if not 1 <= fewest <= most <= self.least_words:
                raise ValueError(
                    f"{name}: {fewest} to {most}; 1 or more, ascending, and no more than the words "
                    f"of the shortest passage that is taken ({self.least_words}) are needed"
                )


@dataclass(frozen=True)
class Pair:
    """A made query and the passage that it was made from.

    Attributes
    ----------
    id: of the query; the passage's id behind the query's kind.
    """

    id: str
    query: str
    passage: str


def make_pairs(passages: Iterable[Passage], settings: PairSettings) -> Iterator[Pair]:
    """Yield a pair for each drawn passage, in an order of their own.

    The passages are read once, and ``count`` of them held (Vitter's algorithm R).

    Raises ValueError where no passage is long enough.
    """
    draw = random.Random(settings.seed)
    drawn = _drawn(passages, settings, draw)
    if not drawn:
        raise ValueError(f"pairs: no passage has {settings.least_words} words or more")
    frequency = Counter(word.lower() for _, words in drawn for word in set(words))
    draw.shuffle(drawn)
    for id, words in drawn:
        if draw.random() < settings.spans:
            yield Pair(f"span-{id}", _span(words, settings, draw), id)
        else:
            query = _keywords(words, frequency, len(drawn), settings, draw)
            yield Pair(f"keywords-{id}", query, id)


def write_pairs(
    corpus: Corpus,
    output: str | os.PathLike[str],
    settings: PairSettings,
    overwrite: bool = False,
    progress: bool = True,
) -> int:
    """Write pairs as a BEIR folder with ``queries.jsonl`` and ``qrels/train.tsv``; return how many.

    All of it or nothing; ``python -m hyper_ir.mine`` reads it. Raises ValueError where ``output``
    exists and ``overwrite`` is false, for bad records unless the corpus skips them, and where no
    passage is long enough.
    """
    require_output_folder(output, overwrite, [MANIFEST], "a folder of pairs")
    with atomic_directory(output, replace=overwrite) as folder:
        bar = tqdm(
            corpus, total=corpus.size_hint(), unit=" passages", desc="pairs", disable=not progress
        )
        pairs = list(make_pairs(bar, settings))
        with atomic_text(folder / "queries.jsonl") as handle:
            for pair in pairs:
                record = {"_id": pair.id, "text": pair.query}
                handle.write(json.dumps(record, ensure_ascii=False) + "\n")
        with atomic_text(folder / "qrels" / f"{SPLIT}.tsv") as handle:
            handle.write("query-id\tcorpus-id\tscore\n")
            handle.writelines(f"{pair.id}\t{pair.passage}\t1\n" for pair in pairs)
        counts = {"pairs": len(pairs), "bad records skipped": corpus.problems.count}
        config, inputs = asdict(settings), {"corpus": corpus.describe()}
        write_manifest(folder, Manifest("topics", config=config, inputs=inputs, counts=counts))
    return len(pairs)


def _drawn(
    passages: Iterable[Passage], settings: PairSettings, draw: random.Random
) -> list[tuple[str, list[str]]]:
    """A uniform sample of the passages that are long enough: ids and words."""
    sample: list[tuple[str, list[str]]] = []
    seen = 0
    for passage in passages:
        words = WORD.findall(passage.text)
        if len(words) < settings.least_words:
            continue
        seen += 1
        if len(sample) < settings.count:
            sample.append((passage.id, words))
        elif (place := draw.randrange(seen)) < settings.count:
            sample[place] = (passage.id, words)
    return sample


def _span(words: list[str], settings: PairSettings, draw: random.Random) -> str:
    length = draw.randint(*settings.span_words)
    start = draw.randint(0, len(words) - length)
    span = words[start : start + length]
    kept = [word for word in span if draw.random() >= settings.drop]
    return " ".join(kept or span)


def _keywords(
    words: list[str],
    frequency: Counter[str],
    passages: int,
    settings: PairSettings,
    draw: random.Random,
) -> str:
    """Different words in the passage's order, drawn without replacement, weighted by idf."""
    places = list({word.lower(): place for place, word in enumerate(words)}.values())
    count = min(draw.randint(*settings.keywords), len(places))
    # The largest of u^(1/weight) are a weighted draw without replacement (Efraimidis, Spirakis).
    keys = {
        place: draw.random() ** (1 / math.log(1 + passages / frequency[words[place].lower()]))
        for place in places
    }
    return " ".join(words[place] for place in sorted(sorted(places, key=keys.get)[-count:]))  # type: ignore[arg-type]
