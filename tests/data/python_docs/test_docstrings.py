from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data.python_docs.docstrings import Docstring, read_docstrings


def read(tmp_path: Path, source: str, module: str = "pkg.mod") -> list[Docstring]:
    path = tmp_path / "mod.py"
    path.write_text(source, encoding="utf-8", errors="surrogatepass")
    return read_docstrings(module, path).docstrings


def names(docstrings: list[Docstring]) -> list[tuple[str, str, str]]:
    return [(each.path, each.kind, each.text) for each in docstrings]


def test_what_is_documented_is_found_with_its_kind(tmp_path: Path) -> None:
    source = '''
"""The module."""
raise RuntimeError("this file is never run")
def f():
    """A function."""
    def inner():
        """Not looked at."""
try:
    async def g():
        """An asynchronous one."""
except ImportError:
    def h():
        """In a handler."""
class C:
    """A class."""
    def __init__(self):
        """How it is made."""
    def m(self):
        """A method."""
    @property
    def p(self):
        """An attribute."""
    def _hidden(self):
        """Private."""
    class D:
        """A nested class."""
class _E:
    """Private."""
    def m(self):
        """Private too."""
'''
    assert names(read(tmp_path, source.lstrip())) == [
        ("", "module", "The module."),
        ("f", "function", "A function."),
        ("g", "function", "An asynchronous one."),
        ("h", "function", "In a handler."),
        ("C", "class", "A class.\n\nHow it is made."),
        ("C.m", "method", "A method."),
        ("C.p", "attribute", "An attribute."),
        ("C.D", "class", "A nested class."),
    ]


def test_docstrings_of_compiled_functions(tmp_path: Path) -> None:
    source = '''
add_newdoc("numpy._core.multiarray", "array", """
    Make an array.
    """)
add_newdoc("numpy", "iter", ("reset", """Go back."""))
add_newdoc("zeta", """The zeta function.""")
add_docstr(torch.abs, r"""abs(x)""" + """
Takes {x} away.

    {common}
Leaves {{this}}.""".format(**common))
add_docstr_all("add_", """Add in place.""")
entr = _add_docstr(_special.special_entr, """Entropy.""")
other("numpy", "x", """Not one of these.""")
'''
    found = [(d.home, d.path, d.kind, d.text) for d in read(tmp_path, source)]
    assert found == [
        ("numpy", "array", "function", "Make an array."),
        ("numpy", "iter.reset", "method", "Go back."),
        ("", "zeta", "function", "The zeta function."),
        ("torch", "abs", "function", "abs(x)\nTakes  away.\n\nLeaves {this}."),
        ("torch", "Tensor.add_", "method", "Add in place."),
        ("", "entr", "function", "Entropy."),
    ]


def test_declared_homes(tmp_path: Path) -> None:
    source = '''
@set_module("pandas")
class Frame:
    """A frame."""
    def head(self):
        """Its head."""
@dispatch(_f, module="numpy.linalg")
def norm():
    """A norm."""
'''
    assert [d.home for d in read(tmp_path, source)] == ["pandas", "pandas", "numpy.linalg"]


def test_control_characters_and_surrogates_are_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, 'def f():\n    """One\\x00two \\ud800 three\\x1b."""\n')
    assert found[0].text == "One two   three ."
    found[0].text.encode()


@pytest.mark.parametrize(
    "source",
    [
        'def f(:\n    """x"""',
        '"""x"""\n\0',
        '"""x"""\nx = ' + "-" * 100_000 + "1",
        '"""x"""\nx = ' + "(" * 5_000 + ")" * 5_000,
        '# coding: nonsense\n"""x"""',
    ],
    ids=["syntax", "nul", "deep", "nested", "coding"],
)
def test_a_file_that_cannot_be_parsed_is_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(ValueError, match=r"mod\.py: cannot be parsed"):
        read(tmp_path, source)


def test_long_sums_of_literals_are_joined(tmp_path: Path) -> None:
    parts = " + ".join(['"word "'] * 300)
    assert read(tmp_path, f'add_newdoc("f", {parts})\n"""x"""')[0].text.split() == ["word"] * 300
