"""Docstrings of a source file, read by ``ast`` alone: nothing of the file is executed.

Besides the docstrings of modules, classes, functions and methods these are the ones that
numpy, scipy and torch attach to compiled functions by calls such as
``add_docstr(torch.abs, "…")`` or ``add_newdoc("numpy._core.multiarray", "array", "…")``.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hyper_ir.data.python_docs.exports import Import, reexports

Kind = Literal["module", "class", "function", "method", "attribute"]

Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

PACKAGE = "__init__.py"

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Characters that no plain text holds, lone surrogates among them."""

ATTACHING = frozenset({"add_docstr", "_add_docstr", "add_newdoc", "add_docstr_all"})


@dataclass(frozen=True, slots=True)
class Docstring:
    """One docstring and what it documents.

    Attributes
    ----------
    module: dotted name of the module whose file holds it.
    path: name inside the module (``Class.method``); empty for the module itself.
    kind: what it documents.
    text: the docstring without its indentation.
    where: ``FILE:LINE``.
    home: the public module that the file declares for it (``@set_module("numpy")``), or empty.
    """

    module: str
    path: str
    kind: Kind
    text: str
    where: str
    home: str = ""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What was read from one file: its docstrings, and the names it offers from other files."""

    docstrings: list[Docstring]
    imports: list[Import]


def read_docstrings(module: str, path: Path) -> SourceFile:
    """All docstrings of one file, in the file's order, nested classes included.

    Names that start with an underscore are left out, but for ``__init__``, whose docstring is
    joined to its class's. Functions inside functions are not looked at.

    Raises OSError when the file cannot be read, and ValueError when it cannot be parsed.
    """
    source = path.read_bytes()
    if not any(sign in source for sign in (b'"""', b"'''", b"import")):
        return SourceFile([], [])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            tree = ast.parse(source)
        imports = list(reexports(tree, module, path.name == PACKAGE))
        return SourceFile(list(_Reader(module, path).module_docstrings(tree)), imports)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{path}: cannot be parsed: {type(error).__name__}: {error}") from error


class _Reader:
    """Walks one module's classes and functions; ``home`` is what decorators declare, or empty."""

    def __init__(self, module: str, path: Path) -> None:
        self.module = module
        self.file = path

    def module_docstrings(self, tree: ast.Module) -> Iterator[Docstring]:
        yield from self._found("", "module", _docstring(tree), 1, "")
        yield from self._body(tree.body, "", "")

    def _found(self, path: str, kind: Kind, text: str, line: int, home: str) -> Iterator[Docstring]:
        text = _CONTROL.sub(" ", text).strip()
        if text:
            yield Docstring(self.module, path, kind, text, f"{self.file}:{line}", home)

    def _body(self, statements: list[ast.stmt], outer: str, home: str) -> Iterator[Docstring]:
        for node in statements:
            if isinstance(node, ast.ClassDef):
                yield from self._class(node, outer, home)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from self._function(node, outer, home)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                yield from self._body(node.body, outer, home)
                if isinstance(node, ast.Try):
                    for handler in node.handlers:
                        yield from self._body(handler.body, outer, home)
                if not isinstance(node, ast.With):
                    yield from self._body(node.orelse, outer, home)
            elif isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
                yield from self._attached(node, node.value)

    def _class(self, node: ast.ClassDef, outer: str, home: str) -> Iterator[Docstring]:
        if node.name.startswith("_"):
            return
        home = _declared_home(node) or home
        path = f"{outer}.{node.name}" if outer else node.name
        texts = [_docstring(node)] + [
            _docstring(child)
            for child in node.body
            if isinstance(child, ast.FunctionDef) and child.name == "__init__"
        ]
        text = "\n\n".join(text for text in texts if text)
        yield from self._found(path, "class", text, node.lineno, home)
        yield from self._body(node.body, path, home)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, outer: str, home: str
    ) -> Iterator[Docstring]:
        if node.name.startswith("_"):
            return
        kind: Kind = "method" if outer else "function"
        if outer and any(_name_of(each).endswith("property") for each in node.decorator_list):
            kind = "attribute"
        path = f"{outer}.{node.name}" if outer else node.name
        home = home if outer else _declared_home(node)
        yield from self._found(path, kind, _docstring(node), node.lineno, home)

    def _attached(self, node: ast.Expr | ast.Assign, call: ast.Call) -> Iterator[Docstring]:
        """The docstring that a call attaches to a compiled object."""
        function = _name_of(call.func)
        if function not in ATTACHING or len(call.args) < 2:
            return
        *what, last = call.args
        home, path, text = "", "", literal_text(last)
        if function == "add_newdoc":
            names = [literal_text(each) for each in what]
            home, path = (names[0], names[1]) if len(names) == 2 else (home, names[0])
            if isinstance(last, ast.Tuple) and len(last.elts) == 2:
                path = f"{path}.{literal_text(last.elts[0])}"
                text = literal_text(last.elts[1])
        elif function == "add_docstr_all":
            home, path = "torch", f"Tensor.{literal_text(what[0])}"
        elif isinstance(node, ast.Assign):
            path = _name_of(node.targets[0])
        else:
            home, _, path = _dotted(what[0]).rpartition(".")
        if path and not path.rpartition(".")[2].startswith("_"):
            home = "numpy" if home.startswith("numpy._core") else home
            kind: Kind = "method" if "." in path else "function"
            text = inspect.cleandoc(text).strip()
            yield from self._found(path, kind, text, node.lineno, home)


def _docstring(node: Definition) -> str:
    return (ast.get_docstring(node) or "").strip()


def _declared_home(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The public home that ``@set_module("numpy")`` or ``…_dispatch(module="numpy")`` names."""
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        if _name_of(decorator.func) == "set_module" and decorator.args:
            return literal_text(decorator.args[0])
        for keyword in decorator.keywords:
            if keyword.arg == "module":
                return literal_text(keyword.value)
    return ""


def literal_text(node: ast.expr) -> str:
    """A string expression's value as far as it is literal.

    Sums of literals are joined; ``"…".format(…)`` and ``"…" % …`` lose their placeholders, and
    lines that consist of nothing else.
    """
    parts: list[str] = []
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            parts.append(each.value)
        elif isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add):
            stack += [each.right, each.left]
        elif isinstance(each, ast.BinOp) and isinstance(each.op, ast.Mod):
            parts.append(literal_text(each.left))
        elif isinstance(each, ast.Call) and _name_of(each) == "format":
            inner = each.func.value if isinstance(each.func, ast.Attribute) else each.func
            parts.append(_without_placeholders(literal_text(inner)))
    return "".join(parts)


def _without_placeholders(text: str) -> str:
    text = re.sub(r"(?m)^[ \t]*\{\w+\}[ \t]*\n?", "", text)
    text = re.sub(r"(?<!\{)\{\w*\}(?!\})", "", text)
    return text.replace("{{", "{").replace("}}", "}")


def _name_of(node: ast.expr) -> str:
    """The last part of a name, attribute or call."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        outer = _dotted(node.value)
        return f"{outer}.{node.attr}" if outer else ""
    return node.id if isinstance(node, ast.Name) else ""
