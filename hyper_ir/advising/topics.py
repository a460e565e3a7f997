"""The dev set's topics as vectors: encoded once, and how long that takes for one at a time."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from hyper_ir.advising.inputs import Checked
from hyper_ir.advising.records import Records
from hyper_ir.data.topics import read_topics
from hyper_ir.files import atomic_text
from hyper_ir.manifest import Manifest, check_fits
from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import EncodedTopic, read_encoded_topics
from hyper_ir.search.latency import (
    Latency,
    evenly_drawn,
    interleaved,
    one_at_a_time,
    repeated,
    settled,
    timed,
)
from hyper_ir.search.query_checks import refuse_plain_texts, say, within_limit
from hyper_ir.search.query_encoders import open_encoder
from hyper_ir.search.sources import Texts, read_encoded
from hyper_ir.wording import counted

RECORD = "topics"


def dev_topics(
    checked: Checked,
    folder: Path,
    records: Records,
    problems: Problems | None = None,
    progress: bool = False,
) -> tuple[list[EncodedTopic], Latency | None]:
    """The judged topics' vectors, and the latency of encoding one (None: they were encoded).

    They are kept as ``topics.jsonl`` in the folder and read from there the next time. Raises
    ValueError where no topic is judged, and for a vocabulary that is not the vectors'.
    """
    path = folder / "topics.jsonl"
    mark = checked.inputs.topics_print()
    value = records.get(RECORD, mark)
    if value is not None and path.is_file():
        latency = Latency(**value["latency"]) if value["latency"] is not None else None
        return read_encoded_topics(path), latency
    queries, measured = _encoded(checked, problems, progress)
    with atomic_text(path) as handle:
        for id, vector in queries:
            handle.write(json.dumps({"id": id, "vector": vector}, ensure_ascii=False) + "\n")
    records.put(RECORD, mark, {"latency": asdict(measured) if measured is not None else None})
    return read_encoded_topics(path), measured


def _encoded(
    checked: Checked, problems: Problems | None, progress: bool
) -> tuple[list[EncodedTopic], Latency | None]:
    inputs = checked.inputs
    if inputs.encoder is None:
        source = read_encoded(inputs.topics, problems)
        check_fits(checked.manifest, source.origin, inputs.vectors)
        if source.origin is None and source.by_repetition:
            refuse_plain_texts(source.topics, inputs.topics)
        kept = _judged([id for id, _ in source.topics], checked)
        return within_limit([topic for topic in source.topics if topic[0] in kept]), None
    topics = read_topics(inputs.topics, inputs.topics_format, problems)
    kept = _judged([topic.id for topic in topics], checked)
    encoder = open_encoder(inputs.encoder, inputs.settings, problems)
    origin: Manifest | None = encoder.manifest
    check_fits(checked.manifest, origin, inputs.vectors, inputs.encoder)
    texts = Texts([(topic.id, topic.text) for topic in topics if topic.id in kept], encoder)
    queries, _ = texts.encoded()
    latency = _encoding_latency(texts, inputs.sample, inputs.passes, progress)
    return within_limit(queries), latency


def _judged(ids: list[str], checked: Checked) -> set[str]:
    kept = checked.judged & set(ids)
    if not kept:
        raise ValueError(
            f"topics: none in {checked.inputs.topics} ({counted(len(ids), 'topic')}) is "
            f"judged in {checked.inputs.qrels} (ids such as {ids[0]!r} there, "
            f"{checked.judgments[0].topic_id!r} here)"
        )
    if len(kept) < len(ids):
        say(
            f"{counted(len(ids) - len(kept), 'topic')} of {counted(len(ids), 'topic')} without "
            "judgments left out"
        )
    return kept


def _encoding_latency(texts: Texts, sample: int, passes: int, progress: bool) -> Latency:
    answer = timed(texts.encode, lambda query: None)
    taken = repeated(evenly_drawn(texts.topics, sample))
    cells = {"encode": lambda: one_at_a_time(taken, answer)}
    return settled(interleaved(cells, passes, progress=progress)["encode"])
