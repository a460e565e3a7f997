"""Small commands of the verbs that write: what they make, and how a broken one is gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from hyper_ir.training.recipe import LogConfig, OptimiserConfig
from tests.faults.processes import start
from tests.training.small_run import PAGES, WORDS, recipe

STEPS = 6
RECIPE = "recipe.json"
GIVEN = "GIVEN"
"""Stands in the recipe for the folder of the inputs, which may be a copy."""


@dataclass(frozen=True)
class Job:
    """A command on small data.

    Attributes
    ----------
    name: what it is called in tables.
    words: the command line for an output folder, without ``python -m``.
    final: what is absent or complete at any time, below the output folder.
    resume: added when it was broken off.
    java: it needs a Java.
    """

    name: str
    words: Callable[[Path], list[str]]
    final: tuple[str, ...]
    resume: tuple[str, ...] = ()
    java: bool = False

    @property
    def verb(self) -> str:
        return self.name.partition(" ")[0]


def jobs(given: Path) -> dict[str, Job]:
    """The jobs over what :func:`write_given` (and, for Java's, :func:`index_given`) wrote."""
    vectors = ("v/embeddings.jsonl", "v/hyper_ir.manifest")
    packed = ("v/embeddings.jsonl.gz", "v/hyper_ir.manifest")
    trained = ("out/model", "out/result.json")
    run = ("run.trec", "run.trec.manifest")
    every = [
        Job("encode", partial(_encode, given), vectors, ("--resume",)),
        Job("encode --compress", partial(_encode, given, "--compress"), packed, ("--resume",)),
        Job("encode.query", partial(_encode_query, given), ("topics.tsv", "topics.tsv.manifest")),
        Job("mine", partial(_mine, given), ("examples.jsonl", "examples.leaks.json")),
        Job("index --impact", partial(_index, given, "--impact"), ("index",), java=True),
        Job("index", partial(_index, given), ("index",), java=True),
        Job("train", partial(_train, given, "none"), trained, ("--resume",)),
        Job("train frozen", partial(_train, given, "document"), trained, ("--resume",)),
        Job("search", partial(_search, given, "exact"), run),
        Job("search lucene", partial(_search, given, "lucene"), run, java=True),
        Job("evaluate", partial(_evaluate, given), ("scores.json", "scores.md", "topics.tsv")),
    ]
    return {job.name: job for job in every}


def write_given(given: Path) -> Path:
    """Corpus, model, topics, qrels, a task with its run, vectors; all small."""
    given.mkdir(parents=True, exist_ok=True)
    made = replace(
        recipe(given),  # writes model, corpus and examples, too
        optimiser=OptimiserConfig(max_steps=STEPS, backbone_rate=1e-3, prompt_rate=1e-2),
        log=LogConfig(every=1, save_every=2),
    )
    (given / RECIPE).write_text(json.dumps(asdict(made)).replace(str(given), GIVEN))
    topics = [" ".join(WORDS[(n + i) % len(WORDS)] for i in range(3)) for n in range(PAGES)]
    (given / "topics.tsv").write_text("".join(f"q{n}\t{text}\n" for n, text in enumerate(topics)))
    (given / "qrels.txt").write_text("".join(f"q{n} 0 p{n}#0 1\n" for n in range(PAGES)))
    lines, tasks = [], []
    for n, text in enumerate(topics):
        output = [{"answer": "numbers"}, {"provenance": [{"wikipedia_id": f"p{n}"}]}]
        tasks.append(json.dumps({"id": f"q{n}", "input": text, "output": output}) + "\n")
        found = [f"p{(n + step) % PAGES}#{step % 2}" for step in range(6)]
        lines += [f"q{n} Q0 {id} {rank} {-rank} t\n" for rank, id in enumerate(found, start=1)]
    (given / "task.jsonl").write_text("".join(tasks))
    (given / "task.trec").write_text("".join(lines))
    unbroken(_encode(given, given), given)
    return given


def index_given(given: Path) -> None:
    """A Lucene index of the vectors."""
    unbroken(_index(given, "--impact", given), given)


def unbroken(words: list[str], folder: Path) -> str:
    """Run a command to its end; what it printed."""
    ended = start(words, folder.parent / f"{folder.name}.log").ended()
    assert ended.status == 0, ended.printed
    return ended.printed


def _encode(given: Path, *more: str | Path) -> list[str]:
    *flags, out = more
    return [
        *("hyper_ir.encode", "input", "--corpus", str(given / "corpus.jsonl")),
        *("encoder", "--encoder", str(given / "start"), "--batch-size", "1", "--workers", "1"),
        *("--max-length", "32", "output", "--embeddings", f"{out}/v", *map(str, flags)),
    ]


def _encode_query(given: Path, out: Path) -> list[str]:
    return [
        *("hyper_ir.encode.query", "--topics", str(given / "topics.tsv")),
        *("--encoder", str(given / "start"), "--output", f"{out}/topics.tsv"),
    ]


def _mine(given: Path, out: Path) -> list[str]:
    return [
        *("hyper_ir.mine", "--tasks", f"t={given}/task.jsonl", "--runs", f"{given}/task.trec"),
        *("--corpus", f"{given}/corpus.jsonl", "--output", f"{out}/examples.jsonl", "--quiet"),
    ]


def _index(given: Path, *more: str | Path) -> list[str]:
    *flags, out = more
    source = given / "v" if flags else given / "corpus.jsonl"
    words = ["hyper_ir.index", "--input", str(source), "--index", f"{out}/index"]
    return [*words, "--threads", "1", "--quiet", *map(str, flags)]


def _train(given: Path, freeze: str, out: Path) -> list[str]:
    text = (given / RECIPE).read_text().replace(GIVEN, str(given))
    made = json.loads(text) | {"output": f"{out}/out", "freeze": freeze}
    path = given / f"{out.name}.yaml"
    path.write_text(json.dumps(made))
    return ["hyper_ir.train", "--config", str(path)]


def _search(given: Path, engine: str, out: Path) -> list[str]:
    source = given / ("v" if engine == "exact" else "index")
    return [
        *("hyper_ir.search", "--impact", "--index", str(source), "--engine", engine, "--quiet"),
        *("--topics", str(given / "topics.tsv"), "--encoder", str(given / "start")),
        *("--output", f"{out}/run.trec", "--hits", "10", "--threads", "1", "--batch-size", "4"),
    ]


def _evaluate(given: Path, out: Path) -> list[str]:
    return [
        *("hyper_ir.evaluate", "--qrels", str(given / "qrels.txt")),
        *("--runs", f"a={given}/task.trec", "--json", f"{out}/scores.json"),
        *("--markdown", f"{out}/scores.md", "--per-query", f"{out}/topics.tsv"),
    ]
