"""``python -m benchmarks.indexing``: an impact index by Pyserini's own command and by hyper_ir's.

Both are whole commands over the same vectors, from the start of Python to the finished index. The
runs of both indexes are compared as well.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.commands import Command
from benchmarks.harness import Spread, Turn, interleaved, seconds, speed_ratios
from benchmarks.options import check, minilm, parser, say
from hyper_ir.command import run

STOCK, OURS = "pyserini.index.lucene", "hyper_ir.index"


def command(name: str, vectors: Path, index: Path, threads: int) -> list[str]:
    """The command line of either, behind ``python -m``."""
    if name == OURS:
        words = ["--input", str(vectors), "--index", str(index), "--quiet"]
        return [OURS, "--impact", *words, "--threads", str(threads)]
    words = [
        "--collection",
        "JsonVectorCollection",
        "--generator",
        "DefaultLuceneDocumentGenerator",
    ]
    words += ["--input", str(vectors), "--index", str(index), "--threads", str(threads)]
    return [STOCK, *words, "--impact", "--pretokenized"]


def repeated(vectors: Path, documents: int) -> Iterator[tuple[str, dict[str, int]]]:
    """So many documents with the folder's vectors, one after the other and over again."""
    from hyper_ir.data.vectors import read_vectors

    held = [vector for _, vector, _ in read_vectors(vectors)]
    return ((f"d{number}", vector) for number, vector in enumerate(islice(cycle(held), documents)))


def write_vectors(folder: Path, vectors: Path, documents: int, scale: int) -> dict[str, float]:
    """Write the folder to index; terms and weight of a document, on average."""
    folder.mkdir()
    terms = weight = 0
    with open(folder / "vectors.jsonl", "w", encoding="utf-8") as handle:
        for id, vector in repeated(vectors, documents):
            scaled = {token: scale * impact for token, impact in vector.items()}
            terms, weight = terms + len(scaled), weight + sum(scaled.values())
            record = {"id": id, "contents": "", "vector": scaled}
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
    return {"terms": terms / documents, "weight": weight / documents}


def require_same_hits(first: Path, second: Path, topics: Path) -> None:
    """Raise ValueError where the two indexes do not answer the topics alike."""
    from hyper_ir.lucene.searching import ImpactSearcher
    from hyper_ir.search.encoded_topics import read_encoded_topics

    queries = read_encoded_topics(topics)[:100]
    found = [ImpactSearcher(index).search(queries, 100) for index in (first, second)]
    if found[0] != found[1]:
        raise ValueError(f"{first} and {second} answer {topics} differently")


def table(found: dict[str, dict[str, Any]]) -> str:
    """Documents a second of both, and how many times as fast ours is."""
    rows = []
    for one in found.values():
        runs, documents = one["runs"], one["documents"]
        rates = [
            Spread.of([documents / answer["seconds"] for answer in runs[name]]).shown(",.0f")
            for name in (STOCK, OURS)
        ]
        ratio = speed_ratios(runs[OURS], runs[STOCK]).shown(".1f")
        about = [f"{one['terms']:,.0f}", f"{one['weight']:,.0f}"]
        rows.append([f"{documents:,}", *about, *rates, ratio])
    header = ["documents", "terms each", "weight each", f"{STOCK}, docs/s", f"{OURS}, docs/s"]
    return reports.table([*header, "times as fast"], rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Index in turn, compare the runs, write the results, and print the table."""
    made = parser("indexing", __doc__ or "")
    made.set_defaults(threads=1)
    made.add_argument("--vectors", type=Path, help="a folder of vectors; default: made anew")
    made.add_argument("--topics", type=Path, help="encoded topics of the same model")
    made.add_argument("--documents", type=int, default=50_000, help="of each index")
    made.add_argument(
        "--scales", type=int, nargs="+", default=[1, 4], help="times the weights of the vectors"
    )
    arguments = made.parse_args(argv)
    check(arguments)
    if (arguments.vectors is None) != (arguments.topics is None):
        raise ValueError("--vectors and --topics go together: give both, or neither")
    if min(arguments.scales) < 1 or arguments.documents < 1:
        raise ValueError("scales, documents: positive numbers are needed")

    from benchmarks.search_data import make_vectors
    from hyper_ir.lucene.java import environment, find_java

    about = machine.described(arguments.threads)
    variables = {**os.environ, **environment(find_java())}
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors, topics = arguments.vectors, arguments.topics
        if vectors is None:
            vectors, topics = make_vectors(folder, minilm(arguments))
        for scale in arguments.scales:
            source = folder / f"scaled-{scale}"
            described = write_vectors(source, vectors, arguments.documents, scale)
            sides = [
                Command(
                    side,
                    command(side, source, folder / side, arguments.threads),
                    folder / side,
                    variables,
                )
                for side in (STOCK, OURS)
            ]
            runs = interleaved([Turn(side) for side in sides], arguments.rounds, say)
            require_same_hits(sides[0].output, sides[1].output, topics)
            took = {side: seconds(answers).shown(".1f") for side, answers in runs.items()}
            say(f"weights times {scale}: {took}; both answer alike")
            found[str(scale)] = {**described, "documents": arguments.documents, "runs": runs}
            shutil.rmtree(source)
    parts = [table(found), machine.in_words(about)]
    results = {"machine": about, "indexing": found}
    print(reports.write(arguments.output, "indexing", results, parts))


if __name__ == "__main__":
    run(main)
