"""What is said about encoded topics before they are searched, and when they are refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hyper_ir.data.vectors import EMPTY_QUERY
from hyper_ir.lucene.jvm import CLAUSE_LIMIT, STOCK_CLAUSE_LIMIT
from hyper_ir.lucene.queries import heaviest
from hyper_ir.search.encoded_topics import EncodedTopic
from hyper_ir.search.engines import ImpactEngine
from hyper_ir.wording import counted

TEXT_REPEATS = 1.1
"""In a text, a token stands about once; in a vector written out, as often as it weighs."""


def within_limit(queries: Sequence[EncodedTopic]) -> list[EncodedTopic]:
    """Cut queries to Lucene's lifted limit by weight (also for the exact engine), and say it."""
    long = sum(len(vector) > STOCK_CLAUSE_LIMIT for _, vector in queries)
    if long:
        say(
            f"{counted(long, 'topic has', 'topics have')} over {STOCK_CLAUSE_LIMIT:,} tokens, "
            f"where Lucene by itself stops; its limit is lifted to {CLAUSE_LIMIT:,} here"
        )
    cut = [id for id, vector in queries if len(vector) > CLAUSE_LIMIT]
    if cut:
        say(
            f"{counted(len(cut), 'topic has', 'topics have')} over {CLAUSE_LIMIT:,} tokens "
            f"({_first(cut)}): searched with their heaviest"
        )
    return [(id, heaviest(vector, CLAUSE_LIMIT)) for id, vector in queries]


def check_known(
    searcher: ImpactEngine, queries: Sequence[EncodedTopic], topics: str, index: str
) -> None:
    """Tell topics that cannot find anything; raise ValueError when none can.

    ``topics`` and ``index`` name both in the message.
    """
    unknown = [id for id, vector in _with_tokens(queries) if not any(map(searcher.knows, vector))]
    if len(unknown) == len(queries):
        raise ValueError(
            f"topics: none in {topics} ({counted(len(queries), 'topic')}) has a token that occurs "
            f"in {index}; plain texts need --encoder MODEL, and encoded topics the model of the "
            "index"
        )
    if unknown:
        say(
            f"{len(unknown):,} of {counted(len(queries), 'topic')} have no token that occurs in "
            f"the index ({_first(unknown)}); they find nothing"
        )


def check_plain_texts(
    searcher: ImpactEngine, queries: Sequence[EncodedTopic], topics: str, by_repetition: bool
) -> None:
    """Refuse, or warn of, topics that came without an encoder and may be plain texts.

    ``by_repetition``: their weights were told so, and texts can be mistaken for them.
    """
    if by_repetition:
        refuse_plain_texts(queries, topics)
    warn_of_plain_texts(searcher, queries, topics)


def refuse_plain_texts(queries: Sequence[EncodedTopic], topics: str) -> None:
    """Refuse topics whose weights were told by repetition and that look like plain texts.

    A text's words are searched as tokens otherwise, and only bad figures would tell. Raises
    ValueError where hardly a token is repeated.
    """
    vectors = [vector for _, vector in _with_tokens(queries)]
    tokens = sum(map(len, vectors))
    if sum(sum(vector.values()) for vector in vectors) < TEXT_REPEATS * tokens:
        raise ValueError(
            f"topics: those of {topics} look like plain texts: hardly a token is repeated, by "
            "which its weight would be told; texts need --encoder MODEL, and encoded topics of "
            'such weights are given as JSONL {"id": "1", "vector": {"token": 1}}'
        )


def warn_of_plain_texts(
    searcher: ImpactEngine, queries: Sequence[EncodedTopic], topics: str
) -> None:
    """Warn where most tokens of topics that came without an encoder are none of the index.

    A small or a pruned index lacks many tokens of its own model, so that this is no error.
    """
    vectors = [vector for _, vector in _with_tokens(queries)]
    tokens = sum(map(len, vectors))
    known = sum(searcher.knows(token) for vector in vectors for token in vector)
    if 2 * known < tokens:
        warn(
            f"are the topics of {topics} plain texts, or of another model? only {known:,} of their "
            f"{counted(tokens, 'token')} occur in the index; texts need --encoder MODEL"
        )


def _with_tokens(queries: Sequence[EncodedTopic]) -> list[EncodedTopic]:
    """The topics but for those that stand for an empty vector."""
    return [(id, vector) for id, vector in queries if set(vector) != {EMPTY_QUERY}]


def _first(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")


def say(text: str) -> None:
    """A line on stderr that is no error."""
    print(f"notice: {text}", file=sys.stderr)


def warn(text: str) -> None:
    """A line on stderr about what may be a mistake."""
    print(f"warning: {text}", file=sys.stderr)
