"""Document frequencies as Pyserini's impact searcher looks at them: the idf of a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np


class Idf(Mapping[str, float]):
    """ln(documents / documents with the token), for tokens that any document has.

    A frequency is looked up when its token is first asked for: of an index in parts there is no
    list of all tokens, and a query asks for few.

    Parameters
    ----------
    documents: in the collection.
    frequency: documents with a token; 0 for none.
    """

    def __init__(self, documents: int, frequency: Callable[[str], int]) -> None:
        self._documents = documents
        self._frequency = frequency
        self._known: dict[str, float | None] = {}

    def _value(self, token: str) -> float | None:
        if token not in self._known:
            frequency = self._frequency(token)
            # numpy's logarithm of an array, as in Pyserini: next to min_idf its last bit decides.
            value = np.log(self._documents / np.array([frequency]))[0] if frequency else None
            self._known[token] = value
        return self._known[token]

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and self._value(token) is not None

    def __getitem__(self, token: str) -> float:
        value = self._value(token)
        if value is None:
            raise KeyError(token)
        return value

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the tokens of an index in parts are not listed")

    def __len__(self) -> int:
        raise TypeError("the tokens of an index in parts are not listed")
