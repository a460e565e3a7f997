from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hyper_ir.encode.vector_file import PROGRESS_SUFFIX
from hyper_ir.models.retriever import Retriever
from hyper_ir.reproduction.grid import CORPUS, Grid, SideConfig
from hyper_ir.reproduction.inputs import missing_inputs
from hyper_ir.reproduction.reproduction import Reproduction
from tests import tiny_models
from tests.reproduction.small_grid import RECIPE, dense_side, write_grid

TEACHER = "teacher: {{model: {model}, vectors: {vectors}}}\n"


def faults(grid: Grid, *only: str) -> list[str]:
    return missing_inputs(grid, Reproduction(grid, only or ["splade-MT"]).cells)


def with_vectors(grid: Grid, path: Path | str) -> Grid:
    return replace(grid, splade=replace(grid.splade, vectors={CORPUS: str(path)}))


def encoded(grid: Grid, folder: Path) -> Path:
    """The collection's vectors by the grid's backbone, as a user has them ready."""
    return Path(shutil.copytree(Reproduction(grid).prepared().vectors("splade", CORPUS), folder))


def damaged(folder: Path) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights[min(weights)].view(-1)[3] = torch.nan
    save_file(weights, file, metadata={"format": "pt"})


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(("harm", "said"), [(damaged, "NaN or infinity"), (cut, "")])
def test_weights_are_read_before_anything_is_mined(
    tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    grid = write_grid(tmp_path)
    harm(tmp_path / "inputs" / "lexical")
    (line,) = faults(grid)
    assert line.startswith("splade.model: ")
    assert said in line
    assert faults(write_grid(tmp_path, parts=["bm25"]), "BM25") == []


def test_a_broken_backbone_is_told_once_though_negatives_are_its_hits(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    mined = replace(grid, data=replace(grid.data, examples=[], mining_from="splade"))
    assert faults(mined) == []
    damaged(tmp_path / "inputs" / "lexical")
    (line,) = faults(mined)
    assert line.startswith("splade.model: ")
    other = replace(mined, dpr=dense_side(tmp_path))
    (line,) = faults(other, "dpr-MT")
    assert line.startswith("splade.model: ")


def test_a_model_without_words_is_no_model(tmp_path: Path) -> None:
    """transformers makes an empty tokenizer where there is none."""
    grid = write_grid(tmp_path)
    for path in (tmp_path / "inputs" / "lexical").glob("*token*"):
        path.unlink()
    (line,) = faults(grid)
    assert line.startswith("splade.model: ")
    assert "its tokenizer knows no word" in line


def test_one_fault_does_not_hide_another(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    vectors = encoded(grid, tmp_path / "vectors")
    (vectors / "hyper_ir.manifest").write_text('{"a":')
    (line,) = faults(with_vectors(grid, vectors))
    assert line.startswith(f"splade.vectors.corpus: {vectors}/hyper_ir.manifest: broken manifest")
    damaged(tmp_path / "inputs" / "lexical")
    mined = replace(grid, data=replace(grid.data, examples=[], mining_from="splade"))
    model, line = faults(with_vectors(mined, vectors))
    assert model.startswith("splade.model: ")
    assert line.startswith("splade.vectors.corpus: ")


def test_an_error_of_the_system_is_told_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "weights")

    grid = write_grid(tmp_path)
    monkeypatch.setattr(Retriever, "from_pretrained", refuse)
    assert faults(grid) == ["splade.model: [Errno 13] Permission denied: 'weights'"]


def test_each_model_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = write_grid(tmp_path)
    vectors = encoded(grid, tmp_path / "vectors")
    loaded: list[str] = []
    real = Retriever.from_pretrained

    def counted(name: str, *settings: object) -> Retriever:
        loaded.append(name)
        return real(name, *settings)  # type: ignore[arg-type]

    monkeypatch.setattr(Retriever, "from_pretrained", counted)
    mined = replace(grid, data=replace(grid.data, examples=[], mining_from="splade"))
    assert faults(with_vectors(mined, vectors), "splade-MT", "splade-HypeR") == []
    assert loaded == [str(tmp_path / "inputs" / "lexical")]


def test_ready_vectors_are_looked_at(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    vectors = encoded(grid, tmp_path / "vectors")
    assert faults(with_vectors(grid, vectors)) == []

    tiny_models.save_checkpoint(tmp_path / "inputs" / "other", seed=9)
    other = replace(grid, splade=replace(grid.splade, model=str(tmp_path / "inputs" / "other")))
    (line,) = faults(with_vectors(other, vectors))
    assert line.startswith(f"splade.vectors.corpus: {vectors} was made by lexical, whose document")

    (vectors / f".embeddings.jsonl{PROGRESS_SUFFIX}").write_text("{}")
    (line,) = faults(with_vectors(grid, vectors))
    assert "is not finished; --resume it" in line

    empty = tmp_path / "empty"
    empty.mkdir()
    (line,) = faults(with_vectors(grid, empty))
    assert line.startswith(f"splade.vectors.corpus: {empty} holds no file")
    (empty / f".embeddings.jsonl{PROGRESS_SUFFIX}").write_text("{}")
    (line,) = faults(with_vectors(grid, empty))
    assert "is not finished; --resume it" in line


def test_dense_vectors_may_be_numbered_otherwise(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    grid = replace(grid, splade=SideConfig(), dpr=dense_side(tmp_path))
    made = Reproduction(grid).prepared().vectors("dpr", CORPUS)
    lines = (made / "embeddings.jsonl").read_text().splitlines(keepends=True)
    folder = tmp_path / "vectors"
    folder.mkdir()
    for number, part in enumerate((lines[:9], lines[9:]), start=1):
        (folder / f"e-{number}-of-2.jsonl").write_text("".join(part))
    ready = replace(grid, dpr=replace(grid.dpr, vectors={CORPUS: str(folder)}))
    assert faults(ready, "dpr-MT") == []


def test_a_teachers_vectors_are_looked_at(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    vectors = encoded(grid, tmp_path / "vectors")
    recipe = tmp_path / "inputs" / "recipe.yaml"
    for model, wrong in (("lexical", 0), ("dense", 1)):
        recipe.write_text(
            RECIPE + TEACHER.format(model=tmp_path / "inputs" / model, vectors=vectors)
        )
        lines = faults(grid)
        assert len(lines) == wrong
        assert all(line.startswith("splade: teacher.vectors: ") for line in lines)
    damaged(tmp_path / "inputs" / "dense")
    (line,) = faults(grid)
    assert line.startswith("splade: teacher.model: ")


def test_a_teachers_vectors_are_of_the_collection(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    vectors = encoded(grid, tmp_path / "vectors")
    lexical = tmp_path / "inputs" / "lexical"
    (tmp_path / "inputs" / "recipe.yaml").write_text(
        RECIPE + TEACHER.format(model=lexical, vectors=vectors)
    )
    assert faults(grid) == []
    with open(grid.data.corpus, "a") as corpus:
        corpus.write('{"id": "more#0", "contents": "one more"}\n')
    (line,) = faults(grid)
    assert line.startswith("splade: teacher.vectors: ")
    assert "is of another collection" in line
