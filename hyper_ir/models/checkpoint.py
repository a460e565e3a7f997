"""What a model folder is, told from its files and never from its name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hyper_ir.bounded import read_whole
from hyper_ir.manifest import short_name
from hyper_ir.models.pretrained import PREFIX, pretrained_folder

if TYPE_CHECKING:  # which needs torch: to find a model does not
    from hyper_ir.models.heads import DensePooling, LexicalActivation, LexicalPooling

RETRIEVER_FILE = "retriever.json"

MODEL_MARKS = (RETRIEVER_FILE, "modules.json", "config.json")
"""A model's folder has one of these; a folder without is never replaced by a model."""

Layout = Literal["hyper_ir", "masked-lm", "encoder"]

DOWNLOADED = ["*.json", "*.safetensors", "*.txt", "*.model"]
"""What is fetched of a hub repository: weights as safetensors, settings, vocabularies."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a model, and how its vectors are made where the folder itself says so.

    Attributes
    ----------
    name: what the user called it.
    folder: where config.json and the weights lie (for ``hyper_ir``: the retriever's own folder).
    layout: ``"hyper_ir"`` (saved by this package), ``"masked-lm"`` or ``"encoder"``.
    lexical_pooling, activation: a sentence-transformers SpladePooling's settings; SPLADE-max else.
    dense_pooling, normalise: a sentence-transformers Pooling's settings, or None where unknown.
    max_length: the longest text the folder asks for, or None.
    """

    name: str
    folder: Path
    layout: Layout
    lexical_pooling: LexicalPooling = "max"
    activation: LexicalActivation = "relu"
    dense_pooling: DensePooling | None = None
    normalise: bool | None = None
    max_length: int | None = None

    @property
    def is_dense(self) -> bool:
        """Whether its own files say that its vectors are dense."""
        if self.layout == "hyper_ir":
            return bool(read_object(self.folder / RETRIEVER_FILE).get("head") == "dense")
        return self.layout == "encoder"

    @property
    def short_name(self) -> str:
        """What others are told that the model is called: no place of whoever loads it."""
        return short_name(os.path.abspath(self.name) if Path(self.name).is_dir() else self.name)


def find_checkpoint(name: str | os.PathLike[str]) -> Checkpoint:
    """Find out what ``name`` is: a shipped model, a folder, or else the name of a hub repository.

    Raises ValueError when there is no such model, or when it is of a kind that gives no single
    vector a text.
    """
    if str(name).startswith(PREFIX):
        return Checkpoint(str(name), pretrained_folder(str(name)), "hyper_ir")
    folder = Path(name)
    if folder.is_file():
        raise ValueError(f"model: {name} is a file; a model is a folder with config.json")
    if not folder.is_dir():
        folder = _download(str(name))
    if (folder / RETRIEVER_FILE).is_file():
        return Checkpoint(str(name), folder, "hyper_ir")
    if (folder / "modules.json").is_file():
        return _sentence_transformers(str(name), folder)
    return Checkpoint(str(name), folder, _layout(folder))


def _download(name: str) -> Path:
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise ValueError(f"model: there is no folder {name}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=DOWNLOADED))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise ValueError(
            f"model: there is no folder {name}, and it could not be had from a hub: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _layout(folder: Path) -> Layout:
    config = read_object(folder / "config.json")
    architectures = config.get("architectures")
    names = architectures if isinstance(architectures, list) else []
    masked = any(isinstance(name, str) and name.endswith("ForMaskedLM") for name in names)
    return "masked-lm" if masked else "encoder"


def _sentence_transformers(name: str, root: Path) -> Checkpoint:
    """Read modules.json: a SparseEncoder (MLMTransformer, SpladePooling) or a dense model."""
    modules = _read(root / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(each, dict) for each in modules):
        raise ValueError(f"{root}/modules.json: a list of JSON objects is needed")
    kinds = [str(module.get("type", ""))[:80].rpartition(".")[2] for module in modules]
    paths = [_inside(root, module.get("path", "")) for module in modules]
    settings = {
        kind: read_object(path / "config.json") if (path / "config.json").is_file() else {}
        for kind, path in zip(kinds, paths, strict=True)
    }
    max_length = _max_length(paths[0]) if paths else None
    # An MLMTransformer is what makes a Transformer module's output logits.
    if "SpladePooling" in kinds and kinds[0] in ("MLMTransformer", "Transformer"):
        pooling = settings["SpladePooling"]
        return Checkpoint(
            name,
            paths[0],
            "masked-lm",
            lexical_pooling=pooling.get("pooling_strategy", "max"),
            activation=pooling.get("activation_function", "relu"),
            max_length=max_length,
        )
    if kinds[:2] == ["Transformer", "Pooling"] and set(kinds[2:]) <= {"Normalize"}:
        return Checkpoint(
            name,
            paths[0],
            "encoder",
            dense_pooling=_dense_pooling(settings["Pooling"], root),
            normalise="Normalize" in kinds,
            max_length=max_length,
        )
    raise ValueError(
        f"{root}: a sentence-transformers model of modules {', '.join(kinds)}; "
        "MLMTransformer + SpladePooling or Transformer + Pooling [+ Normalize] can be used"
    )


def _dense_pooling(settings: dict[str, Any], root: Path) -> DensePooling:
    mode = settings.get("pooling_mode")
    cls = settings.get("pooling_mode_cls_token") or mode == "cls"
    mean = settings.get("pooling_mode_mean_tokens") or mode == "mean"
    if bool(cls) == bool(mean):
        raise ValueError(f"{root}: its Pooling is neither the first token's nor the mean alone")
    return "cls" if cls else "mean"


def _max_length(folder: Path) -> int | None:
    for path in sorted(folder.glob("sentence_*_config.json")):
        value = read_object(path).get("max_seq_length")
        if isinstance(value, int) and value > 0:
            return value
    return None


def _inside(root: Path, name: object) -> Path:
    """A module's folder; ValueError where it is not below the model's."""
    if not isinstance(name, str) or "\0" in name:
        raise ValueError(f"{root}/modules.json: a module's path is not the name of a folder")
    path = root / name
    try:
        inside = root.resolve() in (path.resolve(), *path.resolve().parents)
        path.is_dir()
    except (OSError, UnicodeEncodeError) as error:  # a name that no file system takes
        reason = getattr(error, "strerror", None) or "half of a surrogate pair is no name"
        raise ValueError(f"{root}/modules.json: a module's path: {reason}") from error
    if not inside:
        raise ValueError(f"{root}/modules.json: a module's path leads out of the folder")
    return path


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file's object; ValueError where it is missing or broken."""
    value = _read(path)
    if not isinstance(value, dict):
        raise ValueError(f"{path}: a JSON object is needed, not a {type(value).__name__}")
    return value


def _read(path: Path) -> Any:
    try:
        return json.loads(read_whole(path))
    except FileNotFoundError as error:
        raise ValueError(f"{path.parent}: not a model folder: it has no {path.name}") from error
    except (ValueError, RecursionError, OSError) as error:
        raise ValueError(f"{path}: not readable as JSON: {error}") from error
