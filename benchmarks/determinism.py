"""``python -m benchmarks.determinism``: whether the same input gives the same output.

Vectors by batch size, shards, processes, threads and the order of texts; runs, examples and trained
weights made twice. Every command runs in a process of its own, with another seed of Python's hashes
each time, as two users would run it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.differences import Row, floats, of_lines, of_vectors, of_weights
from benchmarks.options import check, minilm, parser, say
from benchmarks.verbs import Verbs
from hyper_ir.command import run

TEXTS = 2000
SHARDS = (4, 16)
BATCHES = (1, 8, 256)
STEPS = 20

Rows = Iterator[Row]


class Collection:
    """What everything is made of: pages, a task over them, a model.

    Parameters
    ----------
    folder: where all of it lies, and what is made of it.
    model: a folder of lexical vectors' model.
    texts: one a page.
    """

    def __init__(self, folder: Path, model: Path, texts: Sequence[str], threads: int) -> None:
        from benchmarks.determinism_data import write_pages, write_task

        self.folder = folder
        self.model = model
        self.texts = texts
        self.threads = threads
        self.pages = write_pages(folder / "pages.jsonl", texts)
        self.backwards = write_pages(folder / "backwards.jsonl", texts, backwards=True)
        self.task = write_task(folder / "task.jsonl", texts)
        self.verbs = Verbs()

    def vectors(self, name: str, *more: str, pages: Path | None = None, **run: Any) -> Path:
        """Encode the pages; ``more`` are flags of the encoder, shards among them."""
        source = ["input", "--corpus", str(pages or self.pages), "--format", "kilt"]
        encoder = ["--encoder", str(self.model), "--device", "cpu"]
        for flag, default in (("--workers", "1"), ("--threads", "1"), ("--batch-size", "64")):
            encoder += [] if flag in more else [flag, default]
        shards = [word for word in more if word.startswith("--shard")]
        rest = [word for word in more if word not in shards]
        output = self.folder / "vectors" / name
        self.verbs(
            "hyper_ir.encode",
            *(*source, *(part for word in shards for part in word.split("="))),
            *("output", "--embeddings", str(output), "encoder", *encoder, *rest),
            **run,
        )
        return output

    def index(self, name: str, source: Path, *more: str) -> Path:
        """Index vectors (with ``--impact``) or pages."""
        index = self.folder / "indexes" / name
        where = ["--input", str(source), "--index", str(index), "--quiet"]
        self.verbs("hyper_ir.index", *where, *more)
        return index

    def run(self, name: str, index: Path, *more: str, **run: Any) -> Path:
        """Search the task's queries."""
        path = self.folder / "runs" / f"{name}.trec"
        self.verbs(
            "hyper_ir.search",
            *("--index", str(index), "--topics", str(self.task), "--output", str(path)),
            *("--hits", "100", "--tag", "run", "--quiet", *more),
            **run,
        )
        return path


def vector_rows(made: Collection) -> Rows:
    """The same texts, encoded in other ways."""
    first = made.vectors("first")
    yield of_vectors("again", first, made.vectors("again"))
    threads = str(made.threads)
    for changed, flags in (
        (f"{threads} threads", ["--threads", threads]),
        (f"{threads} processes", ["--workers", threads]),
        *((f"batches of {size}", ["--batch-size", str(size)]) for size in BATCHES),
    ):
        yield of_vectors(changed, first, made.vectors(changed, *flags))
    for shards in SHARDS:
        for shard in range(shards):
            flags = [f"--shard-id={shard}", f"--shard-num={shards}"]
            folder = made.vectors(f"{shards} shards", *flags)
        yield of_vectors(f"{shards} shards", first, folder)
    yield of_vectors("texts backwards", first, made.vectors("backwards", pages=made.backwards))


def run_rows(made: Collection) -> Rows:
    """Runs of the same queries, made twice and in other ways."""
    vectors, threads = made.folder / "vectors" / "first", str(made.threads)
    live = ["--impact", "--encoder", str(made.model), "--device", "cpu", "--threads", "1"]
    indexes = {
        "another index": made.index("again", vectors, "--impact", "--threads", threads),
        **{
            f"an index in {shards} shards": made.index(
                f"{shards}", vectors, "--impact", "--shards", str(shards)
            )
            for shards in SHARDS
        },
    }
    index = made.index("first", vectors, "--impact", "--threads", "1")
    first = made.run("first", index, *live)
    yield of_lines("run, Lucene", "again", first, made.run("again", index, *live))
    several = [*live[:-1], threads]
    found = made.run("threads", index, *several, threads=made.threads)
    yield of_lines("run, Lucene", f"{threads} threads", first, found)
    for changed, other in indexes.items():
        yield of_lines("run, Lucene", changed, first, made.run(changed, other, *live))
    batches = made.run("batches", index, *live, "--batch-size", "1")
    yield of_lines("run, Lucene", "queries encoded one by one", first, batches)
    exact = made.run("exact", vectors, *live, "--engine", "exact")
    yield of_lines("run", "Lucene, exact engine", first, exact)
    texts = made.index("bm25", made.pages, "--format", "kilt", "--threads", "1")
    other = made.index("bm25-again", made.pages, "--format", "kilt", "--threads", threads)
    bm25 = [made.run(f"bm25-{name}", one) for name, one in (("1", texts), ("2", other))]
    yield of_lines("run, BM25", "another index, made by several threads", *bm25)


def example_rows(made: Collection) -> Rows:
    """Training examples, mined twice."""
    paths = []
    for name, threads in (("first", 1), ("again", made.threads)):
        path = made.folder / "examples" / f"{name}.jsonl"
        made.verbs(
            "hyper_ir.mine",
            *("--tasks", f"task={made.task}", "--corpus", str(made.pages), "--format", "kilt"),
            *("--index", str(made.folder / "indexes" / "bm25"), "--output", str(path)),
            *("--threads", str(threads), "--quiet"),
        )
        paths.append(path)
    yield of_lines("examples", f"again, {made.threads} threads", *paths)


def weight_rows(made: Collection) -> Rows:
    """Models, trained twice."""
    examples = made.folder / "examples" / "first.jsonl"
    base = [
        *("--model", str(made.model), "--data.examples", str(examples), "--device", "cpu"),
        *("--data.corpus", str(made.pages), "--data.corpus_format", "kilt"),
        *("--batch.size", "8", "--batch.negatives", "3", "--batch.document_length", "64"),
        *("--optimiser.max_steps", str(STEPS), "--log.every", str(STEPS)),
        *("--prompts.prompts", "8", "--prompts.length", "4"),
    ]
    frozen = ["--freeze", "document", "--data.vectors", str(made.folder / "vectors" / "first")]
    for kind, more in (("all trained", []), ("documents frozen", frozen)):
        folders = []
        for name, threads in (("first", 1), ("again", 1), ("threads", made.threads)):
            folder = made.folder / "models" / f"{kind}-{name}"
            made.verbs("hyper_ir.train", *base, "--output", str(folder), *more, threads=threads)
            folders.append(folder / "model")
        yield of_weights(f"weights, {kind}", "again", folders[0], folders[1])
        changed = f"{made.threads} threads"
        yield of_weights(f"weights, {kind}", changed, folders[0], folders[2])


PARTS: dict[str, Callable[[Collection], Rows]] = {
    "vectors": vector_rows,
    "runs": run_rows,
    "examples": example_rows,
    "weights": weight_rows,
}
"""In the order in which one needs what another makes."""


def main(argv: Sequence[str] | None = None) -> None:
    """Make everything twice, write the results, and print the table."""
    made = parser("determinism", __doc__ or "", rounds=1)
    made.add_argument("--model", type=Path, help="a folder of lexical vectors' model")
    made.add_argument("--texts", type=int, default=TEXTS, help="pages, each of one text")
    made.add_argument("--corpus", help="where texts are from (default: installed documentation)")
    arguments = made.parse_args(argv)
    check(arguments)
    if arguments.texts < 100:
        raise ValueError(f"texts: {arguments.texts} are too few to mine from; 100 or more")

    from benchmarks.checkpoints import make_checkpoint
    from benchmarks.counting import SHAPES
    from benchmarks.texts import some_texts

    about = machine.described(arguments.threads)
    texts = some_texts(arguments.texts, arguments.corpus)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        model = arguments.model
        if model is None:
            model = Path(name) / "model"
            make_checkpoint(SHAPES["minilm"], model, minilm(arguments), texts[:16])
        collection = Collection(Path(name), model, texts, max(2, arguments.threads))
        for part in PARTS.values():
            for row in part(collection):
                rows.append(row)
                say(row.in_words())
        weights = floats(model, texts[:200], BATCHES)
    results = {"machine": about, "rows": [row.as_json() for row in rows], "floats": weights}
    parts = [table(rows), before_quantisation(weights), machine.in_words(about)]
    print(reports.write(arguments.output, "determinism", results, parts))


def table(rows: Sequence[Row]) -> str:
    """What was made in two ways, and how much of it differs."""
    header = ["what, and what was changed", "compared", "differ", "share", "at most", "same bytes"]
    return reports.table(header, [row.cells() for row in rows])


def before_quantisation(weights: dict[str, Any]) -> str:
    """The tolerance in words."""
    lines = [
        f"Before quantisation, the weights of {weights['texts']} texts differ from those in "
        f"batches of {weights['batch']} by at most"
    ]
    lines += [
        f"{one['absolute']:.1e} ({one['relative']:.1e} of the weight) in batches of {size},"
        for size, one in weights["others"].items()
    ]
    factor = weights["factor"]
    return " ".join(lines).removesuffix(",") + (
        f"; an impact, the weight times {factor:g} rounded, differs only where the weight is that "
        "near to a half."
    )


if __name__ == "__main__":
    run(main)
