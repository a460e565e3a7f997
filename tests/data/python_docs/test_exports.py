from __future__ import annotations

import ast

from hyper_ir.data.python_docs.exports import Exports, Import, reexports


def imports(source: str, module: str, is_package: bool) -> list[Import]:
    return list(reexports(ast.parse(source), module, is_package))


def exports(*files: tuple[str, str, bool]) -> Exports:
    found = Exports()
    for module, source, is_package in files:
        for each in imports(source, module, is_package):
            found.add(each)
    return found


def test_relative_imports_are_resolved() -> None:
    source = "from ._a import f\nfrom .. import g\nfrom ..b import h as h\nfrom c import i as j"
    assert imports(source, "p.q", True) == [
        Import("p.q._a", "f", "p.q"),
        Import("p", "g", "p.q"),
        Import("p.b", "h", "p.q"),
    ]
    assert imports("from .r import *", "p.q", False) == [Import("p.r", "*", "p.q")]


def test_a_public_module_passes_on_only_what_it_takes_with_a_star() -> None:
    source = "from p._a import f\nfrom p._b import *"
    assert imports(source, "p.q", False) == [Import("p._b", "*", "p.q")]
    assert [each.name for each in imports(source, "p._q", False)] == ["f", "*"]


def test_names_are_followed_through_several_files() -> None:
    found = exports(
        (
            "p",
            "from ._core import f\ntry:\n    from .x import h\nexcept ImportError:\n    pass",
            True,
        ),
        ("p._core", "from .numeric import *", True),
        ("p._core.numeric", "from ._multi import f", False),
        ("p._core._multi", "", False),
    )
    assert found.public_home("p._core._multi", "f") == "p"
    assert found.public_home("p._core._multi", "g") is None
    assert found.public_home("p.x", "h") == "p"


def test_circles_end() -> None:
    found = exports(("p._a", "from ._b import *", False), ("p._b", "from ._a import *", False))
    assert found.public_home("p._a", "f") is None


def test_a_package_that_holds_the_module_comes_before_a_shorter_one() -> None:
    found = exports(
        ("p.long.name", "from ._x import f", True), ("p.q", "from p.long.name import f", True)
    )
    assert found.public_home("p.long.name._x", "f") == "p.long.name"
