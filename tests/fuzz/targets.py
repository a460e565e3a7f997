"""Every reader as a function of a file, with files that it can read to start from."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyper_ir.analysis.speed import read_speed
from hyper_ir.analysis.sweeps import read_sweeps
from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.dense_vectors import read_dense_vectors
from hyper_ir.data.examples import ExampleFile, read_examples
from hyper_ir.data.kilt_tasks import judgments_of, read_kilt_task
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.runs import read_run, tag_of
from hyper_ir.data.topics import read_topics
from hyper_ir.data.vectors import read_vectors
from hyper_ir.manifest import check_fits, model_name, read_manifest
from hyper_ir.mining.provenance import answers_are_titles, named_passages
from hyper_ir.mining.run_topics import read_run_topics
from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import read_encoded_topics
from hyper_ir.search.query_encoders import CachedEncoder
from tests.fuzz import seeds

Read = Callable[[Path, Problems], Iterable[object]]
"""Reads a file to its end and gives what it held."""

BEHIND = seeds.BEHIND
"""Stands between the files of an input that is several."""


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    read: what it does with a file.
    names: names that the file may have; an input's first byte chooses.
    starts: inputs that it reads without an error, or nearly so; or a function that makes them.
    cost: how many times dearer an input is than a line of JSON: it gets so many fewer.
    parts: files that an input is cut into, at :data:`BEHIND`; the first is the one in ``names``.
    keyed: what is wrong is named by its setting, which a flag can give as well as the file.
    """

    read: Read
    names: tuple[str, ...]
    starts: tuple[bytes, ...] | Callable[[], tuple[bytes, ...]]
    cost: int = 1
    parts: tuple[str, ...] = ()
    keyed: bool = False

    def write(self, data: bytes, folder: Path) -> tuple[Path, Problems]:
        """Write an input into an empty folder; what is to be read, and what to do with bad records.

        The first byte tells the file's name and whether bad records are skipped.
        """
        head, content = data[:1] or b"\0", data[1:]
        name = self.names[head[0] % len(self.names)]
        policy: Any = "skip" if head[0] // len(self.names) % 2 else "stop"
        contents = content.split(BEHIND, len(self.parts)) if self.parts else [content]
        for part, held in zip((name, *self.parts), contents, strict=False):
            path = folder / part
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(held)
        return folder / name, Problems(policy)

    def first_inputs(self) -> list[bytes]:
        """Each start under each name and policy."""
        heads = range(2 * len(self.names))
        starts = self.starts() if callable(self.starts) else self.starts
        return [bytes([head]) + start for start in starts for head in heads]


def cleared(folder: Path) -> Path:
    """The folder, made anew."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _corpus(format: str, **settings: Any) -> Read:
    def read(path: Path, problems: Problems) -> Iterable[object]:
        return open_corpus(str(path), format=format, problems=problems, **settings)

    return read


def _topics(format: str) -> Read:
    return lambda path, problems: read_topics(path, format, problems)


def _beir(path: Path, problems: Problems) -> Iterable[object]:
    folder = str(path.parent)
    yield from open_corpus(folder, problems=problems)
    yield from read_topics(folder, problems=problems)
    yield from read_qrels(folder, problems)


def _kilt_task(path: Path, problems: Problems) -> Iterable[object]:
    yield from judgments_of(read_kilt_task(path, problems))
    yield answers_are_titles(path)
    yield named_passages(path)


def _run(path: Path, problems: Problems) -> Iterable[object]:
    yield from read_run(path, problems).items()
    yield tag_of(path, problems.policy)


def _examples(path: Path, problems: Problems) -> Iterable[object]:
    if path.suffix == ".gz":
        yield from read_examples(path, problems)
    else:
        yield from ExampleFile(path, problems)


def _manifest(path: Path, problems: Problems) -> Iterable[object]:
    manifest = read_manifest(path.parent)
    check_fits(manifest, manifest, "index")
    yield manifest and model_name(manifest)


def _recipe(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.training.command_line import read_recipe

    yield read_recipe(path)


def _parsed_recipe(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.train import parse, resolved

    recipe, _ = parse([f"--config={path}"])
    yield resolved(recipe)


def _grid(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.reproduce import parse
    from hyper_ir.reproduction.recipes import recipes_of

    grid, _ = parse([f"--recipe={path}"])
    yield recipes_of(grid)


def _retriever(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.models.retriever import read_config

    yield read_config(path)


def _prompts(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.models.prompts import load_prompt_config

    yield load_prompt_config(path.parent)


def _prompt_weights(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.models.prompts import load_prompts

    yield load_prompts(path.parent, seeds.HIDDEN, seeds.LAYERS)


def _compact(path: Path, problems: Problems) -> Iterable[object]:
    """With the digest that the weights have: a hostile folder's would fit."""
    from hyper_ir.files import sha256_of
    from hyper_ir.models.compact_file import WEIGHTS_FILE, read_compact

    weights = path.with_name(WEIGHTS_FILE)
    with suppress(ValueError, RecursionError):
        layout = json.loads(path.read_bytes())
        if isinstance(layout, dict) and weights.exists():
            path.write_text(json.dumps({**layout, "sha256": sha256_of(weights)}))
    yield read_compact(path.parent)


def _found(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.models.checkpoint import find_checkpoint

    yield find_checkpoint(path.parent)


def _loaded(path: Path, problems: Problems) -> Iterable[object]:
    from hyper_ir.models.retriever import Retriever

    for source in seeds.checkpoint().iterdir():
        if not (path.parent / source.name).exists():
            os.symlink(source, path.parent / source.name)
    yield Retriever.from_pretrained(path.parent)


LINES = ("file.jsonl", "file.json", "file.tsv", "file.jsonl.gz")
TABLE = ("file.trec", "file.tsv")
TOPICS = ("file.jsonl", "topics.json", "file.tsv")

TARGETS: dict[str, Target] = {
    "corpus": Target(_corpus("auto"), LINES, seeds.CORPORA),
    "corpus with fields": Target(_corpus("auto", fields=["title", "text"]), LINES, seeds.CORPORA),
    "corpus, Pyserini": Target(_corpus("pyserini"), LINES, seeds.CORPORA),
    "corpus, TSV": Target(_corpus("tsv"), ("file.tsv",), seeds.CORPORA),
    "KILT pages": Target(_corpus("kilt"), LINES, seeds.PAGES),
    "KILT paragraphs": Target(_corpus("kilt", by="paragraph"), LINES, seeds.PAGES),
    "KILT task": Target(_kilt_task, ("file.jsonl",), seeds.KILT_TASKS),
    "BEIR folder": Target(
        _beir,
        ("corpus.jsonl",),
        seeds.BEIR,
        cost=2,
        parts=("queries.jsonl", "qrels/test.tsv"),
    ),
    "run": Target(_run, TABLE, seeds.RUNS),
    "run by topic": Target(lambda *given: read_run_topics(*given), TABLE, seeds.RUNS),
    "qrels": Target(lambda *given: read_qrels(*given), TABLE, seeds.QRELS),
    **{
        f"topics, {name}": Target(_topics(name), TOPICS, seeds.TOPICS)
        for name in ("auto", "tsv", "beir", "kilt", "pyserini")
    },
    "encoded topics": Target(lambda *given: read_encoded_topics(*given), TOPICS, seeds.ENCODED),
    "cached queries": Target(
        lambda *given: [CachedEncoder(*given)], ("file.jsonl",), seeds.VECTORS
    ),
    "vectors": Target(lambda *given: read_vectors(*given), LINES, seeds.VECTORS),
    "dense vectors": Target(
        lambda path, problems: read_dense_vectors(path, 3, problems), LINES, seeds.DENSE
    ),
    "examples": Target(_examples, ("file.jsonl", "file.jsonl.gz"), seeds.EXAMPLES),
    "manifest": Target(_manifest, ("hyper_ir.manifest",), seeds.MANIFESTS),
    "recipe": Target(_recipe, ("recipe.yaml",), seeds.RECIPES, cost=4),
    "recipe, parsed": Target(_parsed_recipe, ("recipe.yaml",), seeds.RECIPES, cost=100, keyed=True),
    "grid recipe": Target(_grid, ("grid.yaml",), seeds.GRIDS, cost=100, keyed=True),
    "retriever.json": Target(_retriever, ("retriever.json",), seeds.RETRIEVERS),
    "compact.json": Target(
        _compact, ("compact.json",), seeds.compact, cost=4, parts=("compact.safetensors",)
    ),
    "prompts.json": Target(_prompts, ("prompts.json",), seeds.PROMPTS),
    "prompts.safetensors": Target(
        _prompt_weights,
        ("prompts.safetensors",),
        seeds.prompt_weights,
        cost=4,
        parts=("prompts.json",),
    ),
    "checkpoint, found": Target(
        _found,
        ("config.json",),
        seeds.FOLDERS,
        parts=("modules.json", "1_Pooling/config.json", "sentence_bert_config.json"),
    ),
    "checkpoint, loaded": Target(_loaded, ("config.json",), seeds.model_settings, cost=100),
    "tokenizer": Target(_loaded, ("tokenizer.json",), seeds.tokenizers, cost=200),
    "tokenizer settings": Target(
        _loaded, ("tokenizer_config.json",), seeds.tokenizer_settings, cost=200
    ),
    "speed": Target(lambda path, _: read_speed(path), ("file.jsonl",), seeds.SPEEDS),
    "sweeps": Target(lambda path, _: read_sweeps(path), ("file.jsonl", "file.tsv"), seeds.SWEEPS),
}


def consumed(found: Iterable[object]) -> int:
    """How many things a reader gave, each of them looked at and let go."""
    return sum(1 for _ in found)
