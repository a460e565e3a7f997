"""Whether the models and ready vectors that a grid names can be used: told before any work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hyper_ir.data import irds
from hyper_ir.data.vectors import vector_files
from hyper_ir.lucene.staging import require_whole
from hyper_ir.manifest import model_name, read_manifest
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.models.config import HeadKind
from hyper_ir.models.heads import DensePooling
from hyper_ir.models.retriever import Retriever
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.reproduction.identity import Identities, without_place
from hyper_ir.reproduction.recipes import recipes_of
from hyper_ir.training.document_sources import check_vectors
from hyper_ir.training.recipe import Recipe, TeacherConfig


def unusable_models(grid: Grid, cells: Sequence[Cell]) -> Iterator[str]:
    """What is wrong with the models of the cells' sides and with their vectors, each in a line.

    Models are loaded for that, each once: weights that are missing or NaN would be found where
    the model is first needed, behind indexing and mining.
    """
    models = Models()
    recipes = recipes_of(grid)
    mining = grid.data.mining_from
    if any(cell.trained for cell in cells) and not grid.data.examples and mining != "bm25":
        yield from models.faults(f"{mining}.model", recipes[mining])
        yield from _vectors(grid, mining, CORPUS, recipes[mining], models)
    for side in grid.sides:
        of_side = [cell for cell in cells if cell.side == side]
        if of_side:
            yield from _side(grid, side, of_side, recipes[side], models)


class Models:
    """Models by name, head and pooling, each loaded once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None, str | None], Retriever | ValueError] = {}

    def load(self, of: Recipe | TeacherConfig) -> Retriever:
        """The model that is named; raises ValueError where it cannot be loaded."""
        key = (str(of.model), of.head, of.dense_pooling)
        if key not in self._found:
            self._found[key] = _loaded(str(of.model), of.head, of.dense_pooling)
        found = self._found[key]
        if isinstance(found, ValueError):
            raise found
        return found

    def faults(self, key: str, of: Recipe | TeacherConfig) -> Iterator[str]:
        """What keeps the model from being loaded, in a line."""
        try:
            self.load(of)
        except ValueError as error:
            yield f"{key}: {error}"


def _loaded(
    name: str, head: HeadKind | None, pooling: DensePooling | None
) -> Retriever | ValueError:
    try:
        return Retriever.from_pretrained(name, head, pooling)
    except ValueError as error:
        return error


def _side(
    grid: Grid, side: str, cells: Sequence[Cell], recipe: Recipe, models: Models
) -> Iterator[str]:
    broken = list(_other_head(cells, side, recipe)) or list(models.faults(f"{side}.model", recipe))
    yield from broken
    yield from _teacher(side, cells, models)
    tests = {test for cell in cells for test in cell.tests}
    for name in grid.side(side).vectors:
        if name == CORPUS or name in tests:
            yield from _vectors(grid, side, name, recipe, None if broken else models)


def _other_head(cells: Sequence[Cell], side: str, recipe: Recipe) -> Iterator[str]:
    """A dense model where the rows are to be SPLADE's, and no recipe asks for another head."""
    taken = any(cell.recipe and not cell.recipe.head for cell in cells)
    try:
        dense = side == "splade" and taken and find_checkpoint(str(recipe.model)).is_dense
    except ValueError:  # it cannot be loaded, either, which is told with its reason
        return
    if dense:
        yield (
            f"{side}.model: {recipe.model} makes dense vectors; python -m hyper_ir.encode.graft "
            "gives it a lexical head"
        )


def _teacher(side: str, cells: Sequence[Cell], models: Models) -> Iterator[str]:
    recipes = [cell.recipe for cell in cells if cell.trained and cell.recipe is not None]
    teacher = next((recipe.teacher for recipe in recipes if recipe.teacher is not None), None)
    if teacher is None:
        return
    broken = list(models.faults(f"{side}: teacher.model", teacher))
    yield from broken
    if teacher.vectors is not None:
        key = f"{side}: teacher.vectors"
        absent = list(lacking(key, teacher.vectors))
        yield from absent or _unusable(key, teacher.vectors, teacher, None if broken else models)


def _vectors(
    grid: Grid, side: str, collection: str, recipe: Recipe, models: Models | None
) -> Iterator[str]:
    """What is wrong with a side's ready vectors of a collection; none where it has none."""
    path = grid.side(side).vectors.get(collection)
    if path is None:
        return
    key = f"{side}.vectors.{collection}"
    for told in (lacking(key, path), _other_corpus(grid, key, collection, path)):
        if lines := list(told):
            yield from lines
            return
    yield from _unusable(key, path, recipe, models)


def _unusable(
    key: str, path: str, of: Recipe | TeacherConfig, models: Models | None
) -> Iterator[str]:
    """Vectors that are not whole, or another model's; ``models``: None where theirs is broken."""
    try:
        require_whole(Path(path))
        vector_files(Path(path))
    except ValueError as error:
        yield f"{key}: {str(error).removeprefix('vectors: ')}"
        return
    if models is None:
        return
    try:
        check_vectors(Path(path), models.load(of), key)
    except ValueError as error:
        yield str(error)


def _other_corpus(grid: Grid, key: str, collection: str, path: str) -> Iterator[str]:
    """Ready vectors must be of the very collection, cut as the grid cuts it."""
    manifest = read_manifest(path)
    described = manifest.inputs.get("corpus") if manifest is not None else None
    if manifest is None or not isinstance(described, dict):
        return
    source = grid.data.source(collection)
    if not irds.is_irds(source) and not Path(source).exists():
        return
    wanted, there = Identities(grid, None).corpus(collection), without_place(described)
    differing = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if differing:
        yield (
            f"{key}: {path}, made by {model_name(manifest)}, is of another "
            f"collection ({', '.join(differing)})"
        )


def lacking(key: str, source: str) -> Iterator[str]:
    """A file or folder that is not there, in a line."""
    if not source:
        yield f"{key}: a file or a folder is needed"
    elif not irds.is_irds(source) and not Path(source).exists():
        yield f"{key}: there is no {source}"
