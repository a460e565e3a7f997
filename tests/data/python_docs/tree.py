"""A small package whose docstrings give topics of every kind, each with words of its own."""

from __future__ import annotations

from pathlib import Path

ONSETS = "bdfgklmnprstvz"
VOWELS = "aeiou"


def word(number: int) -> str:
    """The word of a number; different numbers give different words."""
    letters = []
    for _ in range(4):
        number, onset = divmod(number, len(ONSETS))
        number, vowel = divmod(number, len(VOWELS))
        letters.append(ONSETS[onset] + VOWELS[vowel])
    return "".join(letters)


def words(seed: int, count: int) -> str:
    return " ".join(word(seed * 40 + each) for each in range(count))


def function(module: int, number: int, functions: int) -> str:
    """A function's source; its See Also section names the next function of the module."""
    seed = (module * functions + number) * 10
    following = f"act_{word((module * functions + (number + 1) % functions) * 10)}"
    return f'''
def act_{word(seed)}(x, y):
    """Summary of {words(seed, 6)} things.

    The body tells of {words(seed + 1, 14)} and so forth.

    Parameters
    ----------
    x : int
        Amount of {words(seed + 2, 9)} in all.
    axis : int
        Axis along which it works.

    Returns
    -------
    int
        Result with {words(seed + 3, 9)} inside.

    Raises
    ------
    ValueError
        If there is {words(seed + 4, 9)} about.

    See Also
    --------
    {following} : Says {words(seed + 5, 4)} again.
    nothing_known : Not a page.

    Notes
    -----
    Note well the {words(seed + 6, 14)} of it.

    Examples
    --------
    >>> import os
    >>> act_{word(seed)}("{word(seed * 40 + 5)}", "{words(seed + 7, 6)}")
    'gone'
    """
'''


def write_tree(root: Path, name: str, modules: int = 30, functions: int = 9) -> Path:
    """Write the package ``name`` below ``root`` and return its folder."""
    folder = root / name
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Too short."""\n')
    for module in range(modules):
        source = "".join(function(module, number, functions) for number in range(functions))
        (folder / f"part{module}.py").write_text(f"raise RuntimeError('imported')\n{source}")
    (folder / "broken.py").write_text('"""Broken."""\ndef f(:\n')
    return folder
