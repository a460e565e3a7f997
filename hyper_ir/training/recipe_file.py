"""YAML files of settings: plain values alone, so that none runs code, recurses or explodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hyper_ir.bounded import is_gzip, read_whole

LONGEST = 1 << 18
"""Characters of a file of settings: the reader takes seconds for more."""

DEEPEST = 20
"""Levels of settings and lists."""

CLASSES = ("class_path", "init_args")
"""Keys by which the parser of settings imports a class that a file names, and makes one of it."""


class _Plain(yaml.SafeLoader):
    """Dates stay text, as a flag's value does."""


_Plain.yaml_implicit_resolvers = {
    start: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for start, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_settings(path: Path, what: str) -> dict[str, Any]:
    """A YAML file's mapping of text, numbers, true, false, null, lists and mappings of such.

    Tags (``!!python/object``) and aliases (``*name``: a few lines of them stand for billions of
    values) are refused. ``what`` names the file's role. Raises ValueError with FILE:LINE where a
    line can be told.
    """
    if is_gzip(path):
        raise ValueError(f"{what}: {path} is compressed; unpack it with gunzip")
    try:
        text = read_whole(path, LONGEST)
        _refuse_tricks(text, f"{what}: {path}")
        written = yaml.load(text, Loader=_Plain)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "characters that YAML does not allow"
        raise ValueError(f"{what}: {path}{line}: not a YAML file of settings: {problem}") from error
    except ValueError as error:  # a number of more digits than Python reads, for one
        place = "" if str(path) in str(error) else f"{path}: "
        raise ValueError(f"{what}: {place}{str(error).removeprefix(f'{what}: ')}") from error
    if not isinstance(written, dict):
        raise ValueError(f"{what}: {path} holds no settings, such as 'seed: 42'")
    for key in _keys(written):
        if not isinstance(key, str):
            raise ValueError(f"{what}: {path}: the key {key!r:.60} is not text; put it in quotes")
        if key in CLASSES:
            raise ValueError(f"{what}: {path}: {key} is for classes; a recipe holds plain values")
    return written


def _refuse_tricks(text: str, where: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"{where}:{event.start_mark.line + 1}" if event.start_mark else where
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"{place}: *{event.anchor:.60} is an alias; write the value itself")
        if isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent) and event.tag:
            raise ValueError(f"{place}: the tag {event.tag:.60}; a recipe holds plain values alone")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"{place}: more than {DEEPEST} levels; settings have a few")


def _keys(value: object) -> Iterator[object]:
    """The keys of all levels."""
    if isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from _keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from _keys(part)
