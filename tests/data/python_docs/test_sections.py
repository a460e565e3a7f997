from __future__ import annotations

import inspect
import time

from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.python_docs.items import Entry
from hyper_ir.data.python_docs.sections import Sections, parse

NUMPY = inspect.cleandoc("""
    Smooth a curve. It is quick.

    .. deprecated:: 1.2
       Use something else.

    Parameters
    ----------
    x, y : array_like
        Points of the
        curve.

        A second paragraph.
    mode : {'same',
            'full'}, optional
        How ends are treated.

    Returns
    -------
    curve : ndarray
        The smooth curve.
    error : float
        What is left over.

    Raises
    ------
    ValueError
        If the curve is empty.

    See Also
    --------
    spline, scipy.signal.savgol : Other ways of
        smoothing.
    :func:`~numpy.convolve`

    Notes
    -----
    The kernel is::

        w = 1 / n

    and it is symmetric about its centre.

    References
    ----------
    .. [1] A book.

    Examples
    --------
    Some words.

    >>> smooth([1, 2])
    [1.5]
""")


def test_numpys_style() -> None:
    assert parse(NUMPY) == Sections(
        prose=["Smooth a curve. It is quick."],
        parameters=[
            Entry("x, y", "array_like", "Points of the curve. A second paragraph."),
            Entry("mode", "{'same', 'full'}, optional", "How ends are treated."),
        ],
        returns=["The smooth curve.", "What is left over."],
        raises=[Entry("ValueError", "", "If the curve is empty.")],
        notes=["The kernel is:", "and it is symmetric about its centre."],
        see_also=[
            Entry("spline", "", "Other ways of smoothing."),
            Entry("scipy.signal.savgol", "", "Other ways of smoothing."),
            Entry("numpy.convolve", "", ""),
        ],
        examples=[">>> smooth([1, 2])\n[1.5]"],
    )


def test_googles_style() -> None:
    text = inspect.cleandoc("""
        Draw a line.

        Args:
            start (Tensor): where it begins,
                in pixels
            width (float, optional): its width. Default: ``1.0``

        Returns:
            Tensor: the picture with
            the line in it

        Raises:
            ValueError: if the line has no length

        .. note::
            Lines may cross
            each other.

        Example::

            >>> draw(x)

        The end.
    """)
    assert parse(text) == Sections(
        prose=["Draw a line.", "The end."],
        parameters=[
            Entry("start", "Tensor", "where it begins, in pixels"),
            Entry("width", "float, optional", "its width. Default: 1.0"),
        ],
        returns=["the picture with the line in it"],
        raises=[Entry("ValueError", "", "if the line has no length")],
        notes=["Lines may cross each other."],
        examples=[">>> draw(x)"],
    )


def test_fields() -> None:
    text = inspect.cleandoc("""
        Open a door.

        :param key: what opens
            the door
        :type key: Key
        :param Room room: behind the door
        :returns: whether it opened
        :raises LockError: if the key does not fit
    """)
    assert parse(text) == Sections(
        prose=["Open a door."],
        parameters=[
            Entry("key", "", "what opens the door"),
            Entry("room", "", "behind the door"),
        ],
        returns=["whether it opened"],
        raises=[Entry("LockError", "", "if the key does not fit")],
    )


def test_lists_and_code_in_prose() -> None:
    text = inspect.cleandoc("""
        Rules of the game:

        - the first rule
          of two
        - the second rule

        Call it thus::

            x = 1
            y = 2

        x == {1: [2]} -> f(y)[0]
    """)
    assert parse(text).prose == [
        "Rules of the game:",
        "the first rule of two",
        "the second rule",
        "Call it thus:",
    ]


@given(st.text(alphabet="ab:.*`-= \n>(){}[],_\\", max_size=300))
def test_any_text_is_taken_apart_without_error(text: str) -> None:
    sections = parse(text)
    assert all(paragraph.strip() for paragraph in sections.prose)


def test_data_in_a_docstring_costs_no_time() -> None:
    text = "Args:\n    " + "a, " * 50_000 + "\n\nSee Also\n--------\n" + "x." * 50_000
    start = time.process_time()
    parse(text + "\n" + "(" * 50_000 + "\n" + "*a " * 20_000)
    assert time.process_time() - start < 5
