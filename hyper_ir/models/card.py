"""A shipped model's card: what it is, what it was trained on, under which licences, how good it is.

The record is ``card.json``; :mod:`~hyper_ir.models.card_text` makes its Markdown.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from hyper_ir.models.checkpoint import read_object

CARD_FILE = "card.json"


@dataclass(frozen=True)
class Source:
    """Something that the model was made of.

    Attributes
    ----------
    name: a model or a collection.
    use: what for, for example ``"backbone"`` or ``"training, 12,000 queries"``.
    licence: its licence.
    url: where it comes from; may be empty.
    """

    name: str
    use: str
    licence: str
    url: str = ""


@dataclass(frozen=True)
class Score:
    """What was measured on one collection.

    Attributes
    ----------
    collection, measure: for example ``"NFCorpus, test"`` and ``"nDCG@10"``.
    topics: how many were judged.
    systems: each system's score, in the order in which they are shown.
    """

    collection: str
    measure: str
    topics: int
    systems: dict[str, float]


@dataclass(frozen=True)
class Part:
    """A part of the weights as it is stored.

    Attributes
    ----------
    name: for example ``"document transformer"``.
    weights: how many it has; those that another part holds already are not counted.
    bits: of a weight, in words.
    bytes: what it takes, scales included.
    error: what restored weights are off, ``|restored - original| / |original|``.
    """

    name: str
    weights: int
    bits: str
    bytes: int
    error: float


@dataclass(frozen=True)
class Impacts:
    """What compaction does to the vectors of some texts.

    Attributes
    ----------
    side: ``"query"`` or ``"document"``.
    texts: how many were encoded by both models.
    impacts: terms of these texts that either model gives.
    changed: share of them that are not the same in both; ``lost`` and ``gained`` are part of it.
    lost, gained: share of them that the original, or the compact model alone gives.
    mean_change: mean of ``|compact - original|`` over all of them.
    cosine: mean cosine of a text's two vectors.
    """

    side: str
    texts: int
    impacts: int
    changed: float
    lost: float
    gained: float
    mean_change: float
    cosine: float


@dataclass(frozen=True)
class Compaction:
    """How the weights were made small; written by ``hyper_ir.compact``, not by hand.

    Attributes
    ----------
    bytes: of the whole folder but for the card.
    original: SHA-256 over the weights before.
    """

    bytes: int
    original: str
    parts: list[Part] = field(default_factory=list)
    impacts: list[Impacts] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    """The record.

    Attributes
    ----------
    name: of the model, as in ``hyper_ir:NAME``.
    summary: what it is, in a sentence.
    licence: of the model itself.
    training: how it was trained, in sentences.
    sources: all that it was made of.
    scores: what was measured; of the compact model where a system is called so.
    limits: what it is not good for, in sentences.
    compaction: None until it is compacted.
    """

    name: str
    summary: str
    licence: str
    training: str
    sources: list[Source]
    scores: list[Score] = field(default_factory=list)
    limits: str = ""
    compaction: Compaction | None = None

    def __post_init__(self) -> None:
        for name in ("name", "summary", "licence", "training"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        if not self.sources:
            raise ValueError("sources is empty: a model is made of something")
        for source in self.sources:
            if not source.licence.strip():
                raise ValueError(f"sources: {source.name} has no licence")


def read_card(path: Path) -> Card:
    """Read a record; ValueError that names the key for what is missing, unknown or of no use."""
    try:
        made = _made(Card, read_object(path), "")
    except ValueError as error:
        raise ValueError(f"{path}: {error}" if str(path) not in str(error) else error) from error
    assert isinstance(made, Card)
    return made


def card_of(folder: Path) -> Card | None:
    """The card in a model's folder; None where it has none."""
    return read_card(folder / CARD_FILE) if (folder / CARD_FILE).is_file() else None


def _made(kind: Any, value: object, key: str) -> Any:
    """A record of this type out of what JSON holds."""
    if is_dataclass(kind):
        return _record(kind, value, key)
    alternatives = get_args(kind)
    if get_origin(kind) is list:
        _require(isinstance(value, list), key, "a list")
        assert isinstance(value, list)
        return [_made(alternatives[0], each, f"{key}[{at}]") for at, each in enumerate(value)]
    if get_origin(kind) is dict:
        _require(isinstance(value, dict), key, "an object")
        assert isinstance(value, dict)
        return {str(name): _made(alternatives[1], each, key) for name, each in value.items()}
    if alternatives:
        return None if value is None else _made(alternatives[0], value, key)
    if kind is float and type(value) is int:
        return float(value)
    _require(type(value) is kind, key, {str: "text", int: "a whole number"}.get(kind, "a number"))
    return value


def _record(kind: Any, value: object, key: str) -> Any:
    _require(isinstance(value, dict), key, "an object")
    assert isinstance(value, dict)
    place = f"{key}." if key else ""
    known, hints = {each.name: each for each in fields(kind)}, get_type_hints(kind)
    for name in value:
        if name not in known:
            raise ValueError(f"{place}{name} is no key of a card; there are {', '.join(known)}")
    for name, each in known.items():
        if name not in value and each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"{place}{name} is missing")
    return kind(
        **{name: _made(hints[name], each, f"{place}{name}") for name, each in value.items()}
    )


def _require(right: bool, key: str, what: str) -> None:
    if not right:
        raise ValueError(f"{key or 'the card'} is not {what}")
