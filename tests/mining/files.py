"""Small tasks, corpora and runs as files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mining.naive import Query, Text


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def write_corpus(path: Path, texts: Iterable[Text]) -> Path:
    return write_jsonl(path, ({"id": t.id, "title": t.title, "text": t.text} for t in texts))


def kilt_record(id: str, sets: Sequence[Sequence[str]], answers: Sequence[str]) -> dict[str, Any]:
    """A record whose answers and evidence sets are entries of their own."""
    outputs: list[dict[str, Any]] = [{"answer": answer} for answer in answers]
    outputs += [{"provenance": [{"wikipedia_id": page} for page in pages]} for pages in sets]
    return {"id": id, "input": f"text of {id}", "output": outputs}


def write_kilt(path: Path, queries: Iterable[Query]) -> Path:
    return write_jsonl(path, (kilt_record(q.id, q.sets, q.answers) for q in queries))


def write_beir(folder: Path, texts: Sequence[Text], queries: Sequence[Query]) -> Path:
    write_jsonl(
        folder / "corpus.jsonl", ({"_id": t.id, "title": t.title, "text": t.text} for t in texts)
    )
    write_jsonl(
        folder / "queries.jsonl", ({"_id": q.id, "text": f"text of {q.id}"} for q in queries)
    )
    lines = [f"{q.id}\t{id}\t{grade}\n" for q in queries for id, grade in q.grades.items()]
    (folder / "qrels").mkdir()
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    return folder


def write_run(path: Path, queries: Iterable[Query]) -> Path:
    lines = [
        f"{query.id} Q0 {id} {rank} {-rank} t\n"
        for query in queries
        for rank, id in enumerate(query.found, start=1)
    ]
    path.write_text("".join(lines), encoding="utf-8")
    return path
