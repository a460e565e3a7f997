"""From installed packages to pages: every public name once, tests and stubs left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tqdm import tqdm

from hyper_ir.data.python_docs.docstrings import Docstring, read_docstrings
from hyper_ir.data.python_docs.exports import Exports, is_public
from hyper_ir.data.python_docs.packages import STDLIB, SourceTree, find_package
from hyper_ir.data.python_docs.pages import Page, page_of_docstring
from hyper_ir.data.python_docs.plain import key

DEFAULT_PACKAGES = (STDLIB, "numpy", "scipy", "pandas", "scikit-learn", "torch")

LEAST_WORDS = 7
"""Words that a page's text needs."""


@dataclass(slots=True)
class Reading:
    """The pages of some packages and what was left out on the way.

    Attributes
    ----------
    pages: in the order of their ids.
    packages: version of each package that was read.
    pages_of: how many pages each package gave.
    counts: files read, files that cannot be read, docstrings found, and those left out.
    unreadable: the first files that cannot be read, in words.
    """

    pages: list[Page] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    pages_of: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)


def find_trees(packages: Sequence[str]) -> list[SourceTree]:
    """The source of those of ``packages`` that are installed.

    Raises ValueError when a name is given twice, is not a package's, or when none is installed.
    """
    if len(set(packages)) < len(packages):
        raise ValueError(f"packages: a name is given twice: {', '.join(packages)}")
    trees = [tree for tree in (find_package(name) for name in packages) if tree is not None]
    if not trees:
        raise ValueError(f"packages: none of {', '.join(packages)} is installed")
    return trees


def read_pages(trees: Iterable[SourceTree], progress: bool = False) -> Reading:
    """Read every docstring below ``trees`` that documents a public name.

    One page for each name and each text: of a name defined twice the longest docstring stays,
    of a text that several names carry the shortest name. Texts of fewer than ``LEAST_WORDS``
    words are left out. Files that cannot be parsed are counted.
    """
    reading = Reading()
    named: dict[str, tuple[Docstring, str]] = {}
    for tree in trees:
        reading.packages[tree.package] = tree.version
        docstrings, exports = _read_tree(tree, reading, progress)
        for found in docstrings:
            if len(found.text.split()) < LEAST_WORDS:
                reading.counts["too short"] += 1
                continue
            name = public_name(found, exports)
            if name is None:
                reading.counts["private"] += 1
                continue
            before = named.get(name)
            if before is not None:
                reading.counts["same name"] += 1
            if before is None or len(before[0].text) < len(found.text):
                named[name] = found, tree.package
    _one_page_a_text(named, reading)
    return reading


def _read_tree(
    tree: SourceTree, reading: Reading, progress: bool
) -> tuple[list[Docstring], Exports]:
    docstrings: list[Docstring] = []
    exports = Exports()
    files = tqdm(
        list(tree.files()), desc=f"reading {tree.package}", unit=" files", disable=not progress
    )
    for module, path in files:
        try:
            source = read_docstrings(module, path)
        except (OSError, ValueError) as error:
            reading.counts["files not read"] += 1
            if len(reading.unreadable) < 20:
                reading.unreadable.append(str(error))
            continue
        reading.counts["files"] += 1
        docstrings += source.docstrings
        for found in source.imports:
            exports.add(found)
    reading.counts["docstrings"] += len(docstrings)
    return docstrings, exports


def public_name(docstring: Docstring, exports: Exports) -> str | None:
    """The qualified name that users write, or None for what no public module offers.

    That is the home the file declares, else the shortest public module that re-exports the
    name, else the module itself; a private file of a public package counts as the package.
    """
    if not docstring.path:
        return docstring.module if is_public(docstring.module) else None
    home = docstring.home
    if not home or not is_public(home):
        root = docstring.path.partition(".")[0]
        package = docstring.module.rpartition(".")[0]
        home = exports.public_home(docstring.module, root) or package
    return f"{home}.{docstring.path}" if home and is_public(home) else None


def _one_page_a_text(named: dict[str, tuple[Docstring, str]], reading: Reading) -> None:
    pages: dict[str, Page] = {}
    pages_of: Counter[str] = Counter()
    for name in sorted(named, key=lambda name: (len(name), name)):
        docstring, package = named[name]
        page = page_of_docstring(name, docstring, package == STDLIB)
        words = " ".join(key(part.shown) for part in page.parts)
        if len(words.split()) < LEAST_WORDS:
            reading.counts["too short"] += 1
        elif words in pages:
            reading.counts["same text"] += 1
        else:
            pages[words] = page
            pages_of[package] += 1
    reading.pages = sorted(pages.values(), key=lambda page: page.id)
    reading.pages_of = {package: pages_of[package] for package in reading.packages}
