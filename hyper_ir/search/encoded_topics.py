"""Topics that are encoded already: tokens repeated by weight, or vectors in JSON."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from hyper_ir.data.checks import checked_id
from hyper_ir.data.topics import read_topics
from hyper_ir.data.vectors import checked_vector
from hyper_ir.files import read_jsonl, read_lines, require_file
from hyper_ir.problems import Problems

EncodedTopic = tuple[str, dict[str, int]]
"""Its id and ``{token: weight}``."""

_ID_KEYS = ("id", "qid", "_id", "query_id")


def read_encoded_topics(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> list[EncodedTopic]:
    """Read encoded topics, in the file's order.

    Two formats, plain or gzip: TSV ``id TAB token token …``, where a token's weight is how often
    it stands there, cut at white space as Pyserini does; and JSONL with ``id`` (or ``qid``) and
    ``vector`` {token: integer ≥ 1}. Bad records go to ``problems``, as in ``read_topics``.
    Raises ValueError where no topic is left.
    """
    path = require_file(path, "topics")
    problems = problems if problems is not None else Problems()
    if is_tsv(path):
        topics = read_topics(path, "tsv", problems)
        return [(topic.id, dict(Counter(topic.text.split()))) for topic in topics]
    encoded: dict[str, dict[str, int]] = {}
    for where, id, vector in _read_json(path, problems):
        if id in encoded:
            problems.found(where, f"topic {id:.100} is there already")
        else:
            encoded[id] = vector
    if not encoded:
        raise ValueError(f"{path}: no topic could be read\n{problems.summary()}".rstrip())
    return list(encoded.items())


def is_tsv(path: str | os.PathLike[str]) -> bool:
    """Whether weights are told by repetition: the first line is no JSON object."""
    lines = (line for _, line in read_lines(path, Problems("skip", keep=0)) if line.strip())
    return not next(lines, "").startswith("{")


def _read_json(
    path: str | os.PathLike[str], problems: Problems
) -> Iterator[tuple[str, str, dict[str, int]]]:
    for where, record in read_jsonl(path, problems):
        try:
            key = next((key for key in _ID_KEYS if key in record), "id")
            id = checked_id(record.get(key), key)
            if "vector" not in record:
                raise ValueError(
                    f"topic {id:.100} has no vector; texts need a query encoder (--encoder)"
                )
            yield where, id, checked_vector(record["vector"])
        except ValueError as error:
            problems.found(where, str(error))
