"""Whether the models and ready vectors that a grid names can be used: told before any work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
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
from hyper_ir.training.document_files import require_all_files
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
        broken = models.faults(f"{mining}.model", recipes[mining])
        yield from broken
        yield from _vectors(grid, mining, CORPUS, recipes[mining], None if broken else models)
    for side in grid.sides:
        of_side = [cell for cell in cells if cell.side == side]
        if of_side:
            yield from _side(grid, side, of_side, recipes[side], models)


class Models:
    """Models by name, head and pooling, each loaded once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None, str | None], Retriever | Exception] = {}

    def load(self, of: Recipe | TeacherConfig) -> Retriever:
        """The model that is named; raises ValueError or OSError where it cannot be loaded."""
        key = (str(of.model), of.head, of.dense_pooling)
        if key not in self._found:
            self._found[key] = _loaded(str(of.model), of.head, of.dense_pooling)
        found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return found

    def faults(self, key: str, of: Recipe | TeacherConfig) -> list[str]:
        """What keeps the model from being loaded, in a line."""
        return _told(key, partial(self.load, of))


def _loaded(
    name: str, head: HeadKind | None, pooling: DensePooling | None
) -> Retriever | Exception:
    try:
        return Retriever.from_pretrained(name, head, pooling)
    except (ValueError, OSError) as error:
        return error


def _told(key: str, check: Callable[[], object]) -> list[str]:
    """What a check raises, in a line under its key; nothing where it passes."""
    try:
        check()
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).splitlines())
        for name in (key, "model", "vectors"):
            reason = reason.removeprefix(f"{name}: ")
        return [f"{key}: {reason}"]
    return []


def _side(
    grid: Grid, side: str, cells: Sequence[Cell], recipe: Recipe, models: Models
) -> Iterator[str]:
    broken = list(_other_head(cells, side, recipe)) or models.faults(f"{side}.model", recipe)
    yield from broken
    yield from _teacher(grid, side, cells, models)
    tests = {test for cell in cells for test in cell.tests}
    for name in grid.side(side).vectors:
        if name == CORPUS or name in tests:
            yield from _vectors(grid, side, name, recipe, None if broken else models)


def _other_head(cells: Sequence[Cell], side: str, recipe: Recipe) -> Iterator[str]:
    """A dense model where the rows are to be SPLADE's, and no recipe asks for another head."""
    taken = any(cell.recipe and not cell.recipe.head for cell in cells)
    try:
        dense = side == "splade" and taken and find_checkpoint(str(recipe.model)).is_dense
    except (ValueError, OSError):  # it cannot be loaded, either, which is told with its reason
        return
    if dense:
        yield (
            f"{side}.model: {recipe.model} makes dense vectors; python -m hyper_ir.encode.graft "
            "gives it a lexical head"
        )


def _teacher(grid: Grid, side: str, cells: Sequence[Cell], models: Models) -> Iterator[str]:
    recipes = [cell.recipe for cell in cells if cell.trained and cell.recipe is not None]
    teacher = next((recipe.teacher for recipe in recipes if recipe.teacher is not None), None)
    if teacher is None:
        return
    broken = models.faults(f"{side}: teacher.model", teacher)
    yield from broken
    if teacher.vectors is not None:
        key, path = f"{side}: teacher.vectors", teacher.vectors
        yield from _of_collection(grid, key, CORPUS, path) or _of_model(
            key, path, teacher, None if broken else models, _require_files
        )


def _vectors(
    grid: Grid, side: str, collection: str, recipe: Recipe, models: Models | None
) -> Iterator[str]:
    """What is wrong with a side's ready vectors of a collection; none where it has none."""
    path = grid.side(side).vectors.get(collection)
    if path is None:
        return
    key = f"{side}.vectors.{collection}"
    whole = require_whole if side == "splade" else _require_files
    yield from _of_collection(grid, key, collection, path) or _of_model(
        key, path, recipe, models, whole
    )


def _of_model(
    key: str,
    path: str,
    of: Recipe | TeacherConfig,
    models: Models | None,
    require: Callable[[Path], None],
) -> list[str]:
    """Vectors that are not whole, or another model's; ``models``: None where theirs is broken."""
    folder = Path(path)
    found = _told(key, partial(require, folder)) or _told(key, partial(vector_files, folder))
    if not found and models is not None:
        found = _told(key, lambda: check_vectors(folder, models.load(of), key))
    return found


def _require_files(source: Path) -> None:
    """What a store of vectors asks of their files."""
    require_all_files(source, vector_files(source), read_manifest(source))


def _of_collection(grid: Grid, key: str, collection: str, path: str) -> list[str]:
    """Ready vectors must be there, and of the very collection, cut as the grid cuts it."""
    if absent := list(lacking(key, path)):
        return absent
    try:
        manifest = read_manifest(path)
    except (ValueError, OSError) as error:
        return [f"{key}: {error}"]
    described = manifest.inputs.get("corpus") if manifest is not None else None
    source = grid.data.source(collection)
    there_to_read = irds.is_irds(source) or Path(source).exists()
    if manifest is None or not isinstance(described, dict) or not there_to_read:
        return []
    place = "data.corpus" if collection == CORPUS else f"data.zero_shot.{collection}"
    try:
        wanted = Identities(grid, None).corpus(collection)
    except (ValueError, OSError) as error:
        return [f"{place}: {error}"]
    there = without_place(described)
    differing = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if not differing:
        return []
    made_by = model_name(manifest)
    return [f"{key}: {path}, made by {made_by}, is of another collection ({', '.join(differing)})"]


def lacking(key: str, source: str) -> Iterator[str]:
    """A file or folder that is not there, in a line."""
    if not source:
        yield f"{key}: a file or a folder is needed"
    elif not irds.is_irds(source) and not Path(source).exists():
        yield f"{key}: there is no {source}"
