from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hyper_ir.data.python_docs.packages import find_package
from hyper_ir.data.python_docs.reading import find_trees


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path whose import fails."""
    for name in (
        "__init__.py",
        "b.py",
        "a.py",
        "tests/test_a.py",
        "test_b.py",
        "conftest.py",
        "_vendor/copy.py",
        "sub/__init__.py",
        "sub/_c.py",
        "sub/data.txt",
    ):
        path = tmp_path / "explosive_docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise RuntimeError('imported')\n")
    (tmp_path / "single_docs.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_modules_are_found_without_an_import(installed: Path) -> None:
    tree = find_package("explosive_docs")
    assert tree is not None
    found = [(module, path.relative_to(installed).as_posix()) for module, path in tree.files()]
    assert found == [
        ("explosive_docs", "explosive_docs/__init__.py"),
        ("explosive_docs.a", "explosive_docs/a.py"),
        ("explosive_docs.b", "explosive_docs/b.py"),
        ("explosive_docs.sub", "explosive_docs/sub/__init__.py"),
        ("explosive_docs.sub._c", "explosive_docs/sub/_c.py"),
    ]
    assert "explosive_docs" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_names_that_are_no_packages() -> None:
    assert find_package("no_such_package_at_all") is None
    with pytest.raises(ValueError, match="single module"):
        find_package("single_docs")
    with pytest.raises(ValueError, match="whole packages"):
        find_package("explosive_docs.sub")


def test_a_package_is_found_by_the_name_it_is_installed_by() -> None:
    tree = find_package("ir-measures")
    assert tree is not None
    assert (tree.package, tree.prefix) == ("ir_measures", "ir_measures")
    assert tree.version[0].isdigit()


def test_the_standard_library_has_no_prefix_and_no_tests() -> None:
    tree = find_package("stdlib")
    assert tree is not None
    modules = {module for module, _ in tree.files()}
    assert {"json.decoder", "ast", "asyncio"} <= modules
    assert not any(module.split(".")[0] in ("test", "site-packages") for module in modules)


@pytest.mark.parametrize(
    ("names", "message"), [(["stdlib", "stdlib"], "twice"), (["no_such_package"], "none of")]
)
def test_package_lists_that_make_no_sense(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_trees(names)
