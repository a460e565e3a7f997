from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.train import RECIPES
from hyper_ir.training.recipe_file import DEEPEST, LONGEST, read_settings


def read(tmp_path: Path, text: str | bytes) -> dict[str, Any]:
    path = tmp_path / "r.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(path, "config")


def test_plain_values(tmp_path: Path) -> None:
    text = "\ufeffa: 1\nb: [x, 2.5, null, true]\nc: {d: 2001-01-01, 'e f': é}\n# a comment\n"
    assert read(tmp_path, text) == {
        "a": 1,
        "b": ["x", 2.5, None, True],
        "c": {"d": "2001-01-01", "e f": "é"},
    }


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_plain(path: Path) -> None:
    assert read_settings(path, "config")


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seed: 1\nmodel: !!python/object/apply:os.system [x]\n", ":2: the tag .*os.system"),
        ("model: !!python/name:os.system\n", ":1: the tag"),
        ("model: !evil x\n", ":1: the tag !evil"),
        ("seed: !!int ''\n", ":1: the tag"),
        ("seed: !!timestamp x\n", ":1: the tag"),
        ("data: !!set {a, b}\n", ":1: the tag"),
        (LAUGHS, r":2: \*a is an alias"),
        ("a: &a [*a]\n", r":1: \*a is an alias"),
        ("a: &a {b: 1}\nc: {<<: *a}\n", r":2: \*a is an alias"),
        ("a: " + "[" * 100_000, f":1: more than {DEEPEST} levels"),
        ("a: " + "{b: " * 900 + "}" * 900, f":1: more than {DEEPEST} levels"),
        ("- " * 5000, f":1: more than {DEEPEST} levels"),
        ("a: " + "9" * 5000, "r.yaml: .*digits"),
        ("a: 0b_\n", "r.yaml: "),
        ("1: x\n", "the key 1 is not text"),
        ("a: {yes: x}\n", "the key True is not text"),
        ("a: [{2.5: x}]\n", "the key 2.5 is not text"),
        ("a: {class_path: os.system}\n", "class_path is for classes"),
        ("a: [{init_args: {b: 1}}]\n", "init_args is for classes"),
        ("? [a, b]\n: x\n", ":1: not a YAML file"),
        ("a: =\n", ":1: not a YAML file"),
        ("a: 1\n--- \nb: 2\n", ":2: not a YAML file"),
        ("a: \0\n", "characters that YAML does not allow"),
        (b"a: 1\nb: \xff\n", ":2: not UTF-8"),
        (b"\xff\xfea\0:\0", "not UTF-8"),
        (gzip.compress(b"a: 1", mtime=0), "is compressed; unpack it"),
        ("", "holds no settings"),
        ("[a]", "holds no settings"),
        ("# x\n" * LONGEST, f"over {LONGEST:,} characters"),
    ],
)
def test_what_is_no_plain_settings_is_named(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith("config: ")
    assert "r.yaml" in str(caught.value)
    assert len(str(caught.value)) < 1000
