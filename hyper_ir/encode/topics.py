"""Topics to encoded topics: the two forms that stock Pyserini's impact search reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from hyper_ir.data.records import Topic
from hyper_ir.data.vectors import EMPTY_QUERY
from hyper_ir.encode.engine import Engine, Vector
from hyper_ir.files import atomic_file, atomic_text, require_writable
from hyper_ir.manifest import Manifest, write_manifest_first
from hyper_ir.wording import counted

CLAUSE_LIMIT = 1024
"""Terms in a query that Lucene takes as Pyserini starts it; one query over it fails its batch."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")

SUFFIXES = (".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".pkl")


@dataclass(frozen=True)
class EncodedTopics:
    """What was written.

    Attributes
    ----------
    manifest: stands beside the file.
    over_limit: ids of topics with more terms than stock Lucene takes.
    renamed: ids that stock Pyserini makes another of when it reads them from TSV.
    """

    manifest: Manifest
    over_limit: list[str]
    renamed: list[str]

    def warnings(self) -> list[str]:
        """What stock Pyserini would do to these topics, a sentence each."""
        said: list[str] = []
        if self.over_limit:
            said.append(
                f"{counted(len(self.over_limit), 'topic has', 'topics have')} over "
                f"{CLAUSE_LIMIT:,} terms ({_first(self.over_limit)}); stock Lucene refuses them: "
                f"--top-k {CLAUSE_LIMIT}, or search with hyper_ir.search, which lifts the limit"
            )
        if self.renamed:
            said.append(
                f"stock Pyserini takes {counted(len(self.renamed), 'topic id')} for integers and "
                f"writes them into the run without leading zeros ({_first(self.renamed)}); "
                "hyper_ir.search keeps ids as they are"
            )
        return said


def _first(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")


def is_renamed(id: str) -> bool:
    """Whether the id, read as an integer and written again, is another."""
    return _INTEGER.fullmatch(id) is not None and str(int(id)) != id


def check_output(path: Path, sparse: bool) -> None:
    """Raise ValueError when topics of this kind cannot be written there under this name."""
    require_writable(path, "output")
    if not path.name.endswith(SUFFIXES):
        raise ValueError(f"output: {path.name} ends in none of {', '.join(SUFFIXES)}")
    if path.suffix == ".pkl" and sparse:
        raise ValueError(f"output: {path.name}: impacts are written as .tsv or .jsonl")
    if ".tsv" in path.suffixes and not sparse:
        raise ValueError(f"output: {path.name}: dense vectors are written as .jsonl or .pkl")


def encode_topics(
    engine: Engine, topics: Sequence[Topic], path: Path, progress: bool = True
) -> EncodedTopics:
    """Encode topics and write them, atomically, with their manifest.

    The name's ending decides the form:

    - ``.tsv``: ``id TAB token token …``, a token repeated as often as its impact, which
      ``pyserini.search.lucene --impact --topics FILE`` reads without an encoder;
    - ``.jsonl``: ``{"id", "contents", "vector"}``, which the same reads as ``--encoder FILE``
      beside the raw topics;
    - ``.pkl`` (dense): the data frame of ``pyserini.encode.query``.

    Raises ValueError for another ending, or one that does not go with the model.
    """
    check_output(path, engine.sparse)
    bar = tqdm(topics, desc="encoding", unit="topic", disable=not progress)
    pairs = list(engine.stream(bar, lambda topic: topic.text))
    counts = {
        "topics": len(pairs),
        "terms": sum(len(vector) for _, vector in pairs if isinstance(vector, dict)),
        "empty": sum(not len(vector) for _, vector in pairs),
    }
    manifest = engine.manifest("topics", counts=counts)
    beside = partial(write_manifest_first, path, manifest)
    if path.suffix == ".pkl":
        with atomic_file(path, beside) as frame:
            _frame(pairs).to_pickle(frame)
    else:
        line = _tsv_line if ".tsv" in path.suffixes else _json_line
        with atomic_text(path, beside) as handle:
            handle.writelines(line(topic, vector) for topic, vector in pairs)
    over = [t.id for t, vector in pairs if isinstance(vector, dict) and len(vector) > CLAUSE_LIMIT]
    renamed = [topic.id for topic in topics if ".tsv" in path.suffixes and is_renamed(topic.id)]
    return EncodedTopics(manifest, over, renamed)


def _tsv_line(topic: Topic, vector: Vector) -> str:
    assert isinstance(vector, dict)
    terms = vector or {EMPTY_QUERY: 1}
    repeated = (token for token, impact in terms.items() for _ in range(impact))
    return f"{topic.id}\t{' '.join(repeated)}\n"


def _json_line(topic: Topic, vector: Vector) -> str:
    value = vector.tolist() if isinstance(vector, np.ndarray) else vector or {EMPTY_QUERY: 1}
    record = {"id": topic.id, "contents": topic.text, "vector": value}
    return json.dumps(record, ensure_ascii=False) + "\n"


def _frame(pairs: list[tuple[Topic, Vector]]) -> pd.DataFrame:
    columns = {
        "id": [topic.id for topic, _ in pairs],
        "text": [topic.text for topic, _ in pairs],
        "embedding": [vector for _, vector in pairs],
    }
    return pd.DataFrame(columns)
