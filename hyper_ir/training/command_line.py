"""A recipe's settings on the command line: their help, and what is wrong with them in one line."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser

from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.training.recipe import PromptSettings, Recipe
from hyper_ir.training.recipe_file import read_settings

DATA_SUFFIXES = (".jsonl", ".jsonl.gz", ".tsv", ".csv")

ENTRY = re.compile(r"(\w+(?:, \w+)*): (.*)")
REFERENCE = re.compile(r":\w+:`~?([\w.]+)`")

CALLED_ELSEWHERE = {"recipe": "config", "encoder": "model"}
"""What other verbs call a setting, by its name there."""

MESSAGE = 2000
"""Characters of a message that repeats what it was given."""


@dataclass(frozen=True)
class Setting:
    """One setting of a recipe.

    Attributes
    ----------
    key: its dotted name, as in ``--batch.size``.
    kind: its type.
    default: its default in words; ``"required"`` where it has none.
    text: what its class's docstring says of it.
    """

    key: str
    kind: Any
    default: str
    text: str

    @property
    def help(self) -> str:
        """What ``--help`` prints."""
        default = self.default if self.default == "required" else f"default: {self.default}"
        return f"{self.text} ({in_words(self.kind)}; {default})"


@cache
def settings() -> dict[str, Setting]:
    """All settings of a recipe by their keys, ``prompts`` before its parts."""
    return {setting.key: setting for setting in _settings_of(Recipe, "")}


def _settings_of(kind: type, prefix: str) -> Iterator[Setting]:
    hints, texts = get_type_hints(kind), described(kind)
    for field in fields(kind):
        part = next((each for each in _alternatives(hints[field.name]) if is_dataclass(each)), None)
        if part is None or part is PromptSettings:
            default = _default_in_words(kind, field)
            yield Setting(prefix + field.name, hints[field.name], default, texts[field.name])
        if isinstance(part, type):
            yield from _settings_of(part, f"{prefix}{field.name}.")


def _default_in_words(kind: type, field: Any) -> str:
    if field.default_factory is not MISSING:
        value = field.default_factory()
    elif field.default is MISSING:
        return "required"
    else:
        value = field.default
    if isinstance(value, PromptSettings):
        return f"the preset {value.preset}"
    if kind is PromptSettings and value is None:
        return "the preset's"
    return _shown(value)


def described(kind: type) -> dict[str, str]:
    """What the docstring of a class says of each attribute, under "Attributes".

    An entry is ``name: text`` or ``name, name: text``; its further lines are indented. Settings
    of prompts are described where they are used, at
    :class:`~hyper_ir.models.prompt_config.PromptConfig`.
    """
    texts = described(PromptConfig) if kind is PromptSettings else {}
    _, _, entries = inspect.cleandoc(kind.__doc__ or "").partition("Attributes\n----------\n")
    for entry in re.split(r"\n(?=\S)", entries):
        match = ENTRY.fullmatch(" ".join(entry.split()))
        if match:
            texts |= dict.fromkeys(match[1].split(", "), _plain(match[2]))
    return texts


def _plain(text: str) -> str:
    text = REFERENCE.sub(r"\1", text).replace("``", "").removesuffix(".")
    for python, written in (("None", "null"), ("True", "true"), ("False", "false")):
        text = re.sub(rf"\b{python}\b", written, text)
    return text


def in_words(kind: Any) -> str:
    """A setting's type as one would say it."""
    if get_origin(kind) is Literal:
        choices = [_shown(choice) for choice in get_args(kind)]
        return f"one of {', '.join(choices)}"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(in_words(each) for each in get_args(kind))
    if is_dataclass(kind):
        return "settings as '{preset: paper}'"
    plain = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    others = {list: "a list as '[a, b]'", dict: "a mapping as '{a: 1, b: 2}'", NoneType: "null"}
    return (plain | others)[get_origin(kind) or kind]


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value or "''"
    return json.dumps(value, ensure_ascii=False, default=str)


def given(words: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """The flags of a command line without their dashes, each with its value."""
    for word, after in zip(words, [*words, "--"][1:], strict=True):
        if word.startswith("--") and word != "--":
            flag, equals, value = word[2:].partition("=")
            follows = None if after.startswith("--") else after
            yield flag, value if equals else follows


def check_flags(words: Sequence[str], known: Sequence[str]) -> None:
    """Raise ValueError for a flag that is none, or flags that contradict each other.

    ``known``: the flags there are besides settings, without dashes.
    """
    flags = list(given(words))
    for flag, _ in flags:
        open_ended = flag.startswith("batch.caps.")
        if flag not in settings() and flag not in known and not open_ended:
            raise ValueError(_unknown("--", flag, [*settings(), *known]))
    of_prompts = [flag for flag, _ in flags if flag.startswith("prompts.")]
    none = any(flag == "prompts" and value in ("null", "~") for flag, value in flags)
    if none and of_prompts:
        raise ValueError(f"--prompts null takes the prompts away that --{of_prompts[0]} sets")


def _unknown(dashes: str, name: str, known: Sequence[str]) -> str:
    last, known = name.rsplit(".", 1)[-1], list(dict.fromkeys(known))
    namesakes = [key for key in known if key.rsplit(".", 1)[-1] == last]
    elsewhere = [CALLED_ELSEWHERE[name]] if name in CALLED_ELSEWHERE else []
    near = namesakes[:3] or elsewhere or get_close_matches(name, known, n=1)
    meant = " or ".join(f"{dashes}{key}" for key in near)
    advice = f"did you mean {meant}?" if near else "python -m hyper_ir.train --help lists them"
    return f"{dashes}{name}: there is no such setting; {advice}"


def with_lists(words: Sequence[str]) -> list[str]:
    """The words, with a plain word for a list made a list of one: ``--data.tasks nq``.

    Raises ValueError where a flag is given twice so: which of the two is meant is not clear.
    """
    times = Counter(flag for flag, _ in given(words))
    result: list[str] = []
    for word in words:
        before = result[-1] if result else ""
        flag, equals, value = word.partition("=")
        if before.startswith("--") and "=" not in before:
            flag, equals, value = before, "", word
        if not _is_word_for_list(flag[2:], value):
            result.append(word)
            continue
        if times[flag[2:]] > 1:
            raise ValueError(f"{flag} is given twice; several are one list: {flag} '[a, b]'")
        listed = json.dumps([value], ensure_ascii=False)
        result.append(f"{flag}={listed}" if equals else listed)
    return result


def _is_word_for_list(key: str, value: str) -> bool:
    setting = settings().get(key)
    if setting is None or not value or value.startswith(("[", "--")):
        return False
    kinds = _alternatives(setting.kind)
    return list[str] in kinds and not (value == "null" and NoneType in kinds)


def read_recipe(path: Path) -> dict[str, Any]:
    """A recipe file as it is written; raises ValueError for what is no YAML of known settings."""
    if path.name.endswith(DATA_SUFFIXES):
        raise ValueError(f"config: {path} is data, not a recipe; examples are --data.examples")
    written = read_settings(path, "config")
    try:
        for key, _ in _flat(written):
            if key not in settings():
                raise ValueError(_unknown("", key, list(settings())))
    except ValueError as error:
        raise ValueError(f"config: {path}: {error!s:.500}") from error
    return written


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if any(known.startswith(f"{key}.") for known in settings()):
            if isinstance(value, dict):
                yield from _flat(value, f"{key}.")
                continue
            if key not in settings():
                if value is None and NoneType in get_args(get_type_hints(Recipe).get(key)):
                    continue
                raise ValueError(f"{key}: {_shown(value)} is not settings, one in each line")
        yield key, value


def wrong_value(words: Sequence[str], written: Sequence[Mapping[str, Any]]) -> str | None:
    """What is wrong with the first value that is not of its setting's type; None if all are.

    It looks at flags, then at recipe files.
    """
    values = [*given(words), *(pair for recipe in written for pair in _flat(recipe))]
    for key, value in values:
        setting = settings().get(key)
        if setting is None:
            continue
        if value is None and NoneType not in _alternatives(setting.kind):
            return f"{key}: a value is needed: {in_words(setting.kind)}"
        if value is not None and not _is_of(setting.kind, value):
            return f"{key}: {_shown(value)} is not {in_words(setting.kind)}"
    return None


def shortened(message: str) -> str:
    """The parser's own message for anything else: in one line, and what could be meant."""
    line = " ".join(message.split())
    if line.startswith("unrecognized arguments"):
        return f"{line}; several values are one list, as '[a, b]'"
    return line


def _is_of(kind: Any, value: object) -> bool:
    probe = ArgumentParser(exit_on_error=False)
    probe.add_argument("--value", type=kind)
    try:
        if isinstance(value, str):
            probe.parse_args([f"--value={value}"])
        else:
            probe.parse_object({"value": value})
    except ArgumentError:
        return False
    return True


def recipe_of(values: Any) -> Recipe:
    """The recipe of parsed values; what a part of it refuses is named by its whole key."""
    _check_nulls(values)
    hints = get_type_hints(Recipe)
    made = {field.name: values[field.name] for field in fields(Recipe)}
    for name, value in made.items():
        part = next((each for each in _alternatives(hints[name]) if is_dataclass(each)), None)
        if value is not None and isinstance(part, type):
            try:
                made[name] = part(**{field.name: value[field.name] for field in fields(part)})
                if isinstance(made[name], PromptSettings):
                    made[name].resolved()
            except ValueError as error:
                whole = str(error).startswith(f"{name}.")
                raise ValueError(str(error) if whole else f"{name}.{error}") from error
    return Recipe(**made)


def _check_nulls(values: Any) -> None:
    """The parser takes null for a setting of any type, as not given."""
    for key, setting in settings().items():
        part = key.partition(".")[0]
        if values[part] is None and part != key:
            continue
        if values[key] is None and NoneType not in _alternatives(setting.kind):
            raise ValueError(f"{key}: null is not {in_words(setting.kind)}")
