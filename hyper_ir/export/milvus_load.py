"""Vectors into a Milvus collection that is whole or has another name.

Documents go into ``NAME_loading``, which gets the name when all are there and a sample of them
has the right inner products. The same call after an interruption sends what is missing.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hyper_ir.data.vectors import read_vectors
from hyper_ir.export import milvus_collection as milvus
from hyper_ir.export.milvus_collection import Header
from hyper_ir.export.sources import open_source
from hyper_ir.manifest import Manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

LOADING = "_loading"
BATCH = 1_000
SAMPLE = 5


def load(
    vectors: str | os.PathLike[str],
    uri: str,
    name: str,
    *,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Header:
    """Put a file or folder of vectors into the collection ``name``; return what it says of itself.

    The vectors are read twice: once for their tokens. Memory: the document frequencies and a batch.

    Raises ValueError for bad vectors, an id that Milvus cannot hold, a collection that exists
    (unless ``overwrite``; one that this project did not make is never replaced), and a Milvus that
    does not answer, loses documents or computes something else than inner products.
    """
    problems = problems if problems is not None else Problems()
    milvus.check_name(name)
    origin = open_source(vectors)
    with milvus.connected(uri) as client:
        if client.has_collection(name):
            if not overwrite:
                raise ValueError(
                    f"collection: {name} exists already; give another name, or overwrite it"
                )
            milvus.read_header(client, name)
        header = _header(vectors, origin, problems, progress)
        _Loading(client, name + LOADING, header).run(vectors, progress)
        if client.has_collection(name):
            client.drop_collection(name)
        client.rename_collection(name + LOADING, name)
        client.load_collection(name)
    return header


def _header(
    vectors: str | os.PathLike[str], origin: Manifest | None, problems: Problems, progress: bool
) -> Header:
    """A pass over the vectors, which tells all that is wrong with them before one is sent."""
    frequencies: Counter[str] = Counter()
    digest = hashlib.sha256()
    documents = 0
    records = read_vectors(vectors, problems)
    for id, vector, where in tqdm(records, desc="read", unit=" docs", disable=not progress):
        if len(id.encode("utf-8")) > milvus.LONGEST_ID:
            problems.found(where, f"id is longer than {milvus.LONGEST_ID:,} bytes in UTF-8")
            continue
        frequencies.update(vector.keys())
        digest.update(f"{id}\n{sorted(vector.items())}\n".encode("utf-8", "surrogatepass"))
        documents += 1
    manifest = Manifest(
        "index",
        model=origin.model if origin is not None else {},
        vocabulary=origin.vocabulary if origin is not None else "",
        quantiser=origin.quantiser if origin is not None else {},
        config={"impact": True, "engine": "milvus"},
        inputs={"vectors": str(Path(vectors).resolve())},
        counts={"documents": documents, "skipped": problems.count},
    )
    return Header(documents, dict(sorted(frequencies.items())), digest.hexdigest(), manifest)


@dataclass(frozen=True)
class _Loading:
    """The filling of a collection that nobody searches yet."""

    client: Any
    name: str
    header: Header

    def run(self, vectors: str | os.PathLike[str], progress: bool) -> None:
        """Send what is not there yet, and check what is there then."""
        again = self._begin()
        numbers = {token: number for number, token in enumerate(self.header.tokens)}
        sample: list[dict[str, Any]] = []
        step = max(1, self.header.documents // SAMPLE)
        with tqdm(
            total=self.header.documents, desc="send", unit=" docs", disable=not progress
        ) as bar:
            for rows in _batches(vectors, numbers):
                self._send(rows, again)
                sample += [row for row in rows if row["place"] % step == 0]
                bar.update(len(rows))
        self.client.flush(self.name)
        self.client.load_collection(self.name)
        self._check(sample)

    def _begin(self) -> bool:
        """Make the collection, unless these vectors are in it in part; whether they are."""
        if self.client.has_collection(self.name):
            try:
                if milvus.read_header(self.client, self.name).digest == self.header.digest:
                    return True
            except ValueError:  # interrupted before it said what it is
                pass
            self.client.drop_collection(self.name)
        milvus.create(self.client, self.name)
        for row in self.header.rows()[::-1]:  # the first last: with it all are there
            self.client.insert(self.name, [row])
        return False

    def _send(self, rows: Sequence[dict[str, Any]], again: bool) -> None:
        first, after = rows[0]["place"], rows[-1]["place"] + 1
        if again:
            there = milvus.count(self.client, self.name, first, after)
            if there == len(rows):
                return
            if there:  # no second row of one id
                self.client.upsert(self.name, rows)
                return
        self.client.insert(self.name, rows)

    def _check(self, sample: Sequence[dict[str, Any]]) -> None:
        found = milvus.count(self.client, self.name, 0, self.header.documents)
        if found != self.header.documents:
            raise ValueError(
                f"collection: {counted(found, 'document')} of {self.header.documents:,} arrived in "
                f"{self.name}; the same command again sends the others"
            )
        for row in sample:
            vector = row[milvus.FIELD]
            expected = np.float32(sum(weight * weight for weight in vector.values()))
            hits = self.client.search(
                self.name,
                data=[vector],
                anns_field=milvus.FIELD,
                filter=f"place == {row['place']}",
                limit=1,
                search_params={"metric_type": "IP"},
            )[0]
            if not hits or not np.isclose(hits[0]["distance"], expected, rtol=1e-5):
                given = f"{hits[0]['distance']:g}" if hits else "nothing"
                raise ValueError(
                    f"collection: document {row['id']} searched by its own vector scores {given} "
                    f"in {self.name}, its inner product is {expected:g}: this Milvus does not "
                    "compute inner products of sparse vectors (milvus-lite does from 3.2.2 on)"
                )


def _batches(
    vectors: str | os.PathLike[str], numbers: dict[str, int]
) -> Iterator[list[dict[str, Any]]]:
    """The rows of all documents, in the order of their places."""
    rows: list[dict[str, Any]] = []
    place = 0
    for id, vector, _ in read_vectors(vectors, Problems("skip", keep=0)):
        if len(id.encode("utf-8")) > milvus.LONGEST_ID:
            continue
        row = {"id": id, "place": place, "note": ""}
        rows.append(row | {milvus.FIELD: milvus.numbered(vector, numbers)})
        place += 1
        if len(rows) == BATCH:
            yield rows
            rows = []
    if rows:
        yield rows
