"""What a cell's result follows from, as one JSON object, and its hash: the cell's key.

Equal keys mean equal training: no file name, folder or machine is part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from hyper_ir.data import beir, irds
from hyper_ir.data.corpus import open_corpus
from hyper_ir.files import sha256_of
from hyper_ir.lucene.searching import K1, B
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.problems import Problems
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.training.recipe import Recipe, TeacherConfig

ALGORITHM = 1
"""Raised whenever training or encoding comes to compute something else from the same recipe."""

KEY_LENGTH = 20

FACTOR = 100.0
"""Of the impacts that the grid itself makes."""

UNIMPORTANT = ("output", "log", "device", "model", "data", "validation")
"""Settings that say where things are and what is told; data and model go in by content."""

OF_NO_MODEL = ("name", "_name_or_path", "transformers_version")
"""Keys of a model's JSON files that differ between equal models."""


class Identities:
    """The identities of a grid's cells; files are hashed once.

    Parameters
    ----------
    examples: files of training examples; None while they are not mined yet.
    without_examples: why there are none.

    Its methods raise ValueError where a file that an identity needs is not there.
    """

    def __init__(
        self,
        grid: Grid,
        examples: list[str] | None,
        without_examples: str = "data.examples: they are not mined yet",
    ) -> None:
        self.grid = grid
        self.examples = examples
        self.without_examples = without_examples
        self._models: dict[str, str] = {}

    def key(self, cell: Cell) -> str:
        """The hash of :meth:`of`."""
        return key_of(self.of(cell))

    def of(self, cell: Cell) -> dict[str, Any]:
        """What the cell's result follows from."""
        identity: dict[str, Any] = {"algorithm": ALGORITHM, "system": cell.system}
        if not cell.side:
            return identity | {"k1": K1, "b": B, "corpus": self.corpus(CORPUS)}
        identity["model"] = self.model(cell.side)
        assert cell.recipe is not None
        if not cell.trained:
            return identity | self.backbone(cell.side, cell.recipe)
        if self.examples is None:
            raise ValueError(self.without_examples)
        del identity["system"]  # the same settings are the same training, whatever the name
        if cell.start is not None:
            identity["model"] = {"cell": self.key(cell.start)}
        identity["examples"] = [hash_of_file(path) for path in self.examples]
        identity["recipe"] = recipe_identity(cell.recipe)
        if cell.recipe.teacher is not None:
            identity["recipe"]["teacher"] = self.teacher(cell.recipe.teacher)
        if cell.recipe.freeze == "none":
            identity["corpus"] = self.corpus(CORPUS)
        else:
            identity["vectors"] = self.vectors(cell.side, CORPUS)
        return identity

    def backbone(self, side: str, recipe: Recipe) -> dict[str, Any]:
        """What the hits of a side's backbone follow from, as it is."""
        return {
            "model": self.model(side),
            "vectors": self.vectors(side, CORPUS),
            "head": recipe.head,
            "dense_pooling": recipe.dense_pooling,
            "query_length": recipe.batch.query_length,
        }

    def model(self, side: str) -> str:
        """A hash of a side's backbone."""
        return self._hash(str(self.grid.side(side).model))

    def teacher(self, teacher: TeacherConfig) -> dict[str, Any]:
        """A teacher's settings with a hash of its model; its vectors follow from that."""
        settings = asdict(teacher) | {"model": self._hash(teacher.model)}
        del settings["vectors"]
        return settings

    def _hash(self, name: str) -> str:
        if name not in self._models:
            self._models[name] = hash_of_model(find_checkpoint(name).folder)
        return self._models[name]

    def corpus(self, collection: str) -> dict[str, Any]:
        """A collection by its files' names and sizes and how it is read, wherever it lies."""
        data = self.grid.data
        kind = data.corpus_format if collection == CORPUS else "auto"
        corpus = open_corpus(
            data.source(collection), format=kind, words=data.corpus_words, problems=Problems("skip")
        )
        return without_place(corpus.describe())

    def vectors(self, side: str, collection: str) -> dict[str, Any]:
        """The frozen documents' vectors: what they are made of, whether they are there or not."""
        ready = self.grid.side(side).vectors.get(collection)
        manifest = read_manifest(ready) if ready is not None else None
        made_of = {
            "model": self.model(side),
            "corpus": self.corpus(collection),
            "factor": FACTOR,
            "top_k": None,
            "length": self.grid.data.document_length,
        }
        return made_of if manifest is None else made_of | settings_of_vectors(manifest, made_of)


def settings_of_vectors(manifest: Manifest, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What ready vectors say of themselves, in the terms of :meth:`Identities.vectors`."""
    quantiser = manifest.quantiser or {"factor": wanted["factor"], "top_k": wanted["top_k"]}
    corpus = manifest.inputs.get("corpus")
    return {
        "corpus": without_place(corpus) if isinstance(corpus, dict) else corpus,
        "factor": quantiser.get("factor"),
        "top_k": quantiser.get("top_k"),
        "length": manifest.config.get("max_length", wanted["length"]),
    }


def without_place(described: Mapping[str, Any]) -> dict[str, Any]:
    """A corpus's description without where it lies, unless that is all that is known of it."""
    kept = {name: value for name, value in described.items() if name != "source"}
    return kept if described.get("files") else dict(described)


def key_of(identity: Mapping[str, Any]) -> str:
    """The hash of an identity, in hexadecimal digits."""
    text = json.dumps(_plain(identity), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _plain(value: Any) -> Any:
    """1.0 is 1, and tuples are lists: what is equal reads the same."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def recipe_identity(recipe: Recipe) -> dict[str, Any]:
    """A recipe's settings that decide what comes out: two that cannot differ in it are equal."""
    settings = {name: value for name, value in asdict(recipe).items() if name not in UNIMPORTANT}
    data = recipe.data
    settings["data"] = {
        "tasks": None if data.tasks is None else sorted(data.tasks),
        "leave_out": sorted(data.leave_out),
        "per_task": data.per_task,
    }
    settings["batch"].pop("workers")
    if recipe.optimiser.max_steps is not None:
        settings["optimiser"].pop("epochs")
    if recipe.validation.examples:
        files = [hash_of_file(path) for path in recipe.validation.examples]
        settings["validation"] = asdict(recipe.validation) | {"examples": files}
    if recipe.prompts is None or recipe.optimiser.prefix_rate is None:
        settings["optimiser"].pop("prefix_rate")  # keys of cells from before there was one stay
    conditional = False
    if recipe.prompts is not None:
        prompts = recipe.prompts.resolved()
        conditional = prompts.query_conditional
        settings["prompts"] = asdict(prompts)
        if prompts.starts_from_queries:
            settings["prompts"]["queries"] = recipe.prompts.queries
    if not conditional:  # without prompt attention there is no CPR
        for name in ("cpr", "alignment", "uniformity", "cpr_reduction", "balance"):
            settings["objective"].pop(name)
    elif not recipe.objective.balance:  # keys of cells from before there was one stay
        settings["objective"].pop("balance")
    return settings


def hash_of_file(path: str | Path) -> str:
    """A file's SHA-256, computed anew where it was written anew; ValueError for no file."""
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}")
    stat = Path(path).stat()
    return _hash_of_file(str(path), stat.st_size, stat.st_mtime_ns)


def hash_of_topics(source: str) -> str | list[str]:
    """Of queries with judgments to train on: a file's hash, a BEIR folder's two, a hub's name.

    Raises ValueError for a source that is not there.
    """
    if irds.is_irds(source):
        return source
    if Path(source).is_dir():
        files = (beir.queries_file(source), beir.qrels_file(source, "train"))
        return [hash_of_file(file) for file in files]
    return hash_of_file(source)


@cache
def _hash_of_file(path: str, size: int, modified: int) -> str:
    return sha256_of(path)


def hash_of_model(folder: Path) -> str:
    """A hash over a model folder's weights, settings and vocabulary, wherever it lies."""
    digest = hashlib.sha256()
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            digest.update(f"{name} {_settings(path)} ".encode())
        elif path.suffix in (".safetensors", ".txt", ".model"):
            digest.update(f"{name} {hash_of_file(path)} ".encode())
    return digest.hexdigest()


def _settings(path: Path) -> str:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not readable as JSON: {error}") from error
    if isinstance(value, dict):
        value = {name: part for name, part in value.items() if name not in OF_NO_MODEL}
    return json.dumps(value, sort_keys=True)
