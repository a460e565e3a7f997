"""In how many bits each kind of weights is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from hyper_ir.models.compact_file import PLAIN
from hyper_ir.models.quantisation import BITS


@dataclass(frozen=True)
class Precision:
    """Bits of a weight: 2 to 8, or 16 or 32 for weights that are not quantised.

    Attributes
    ----------
    embeddings: word embeddings.
    head: a lexical head's rows, where they are not made of word embeddings.
    transformer: all other matrices of a backbone, and a grafted head's map.
    prompts: prompts and what makes prefixes of them.
    differences: what training moved: a query tower's matrix beyond the document tower's, or a
        grafted head's rows beyond their word embeddings. They are small, so few bits are enough.
    group: weights that share a scale.
    """

    embeddings: int = 8
    head: int = 8
    transformer: int = 8
    prompts: int = 8
    differences: int = 4
    group: int = 64

    def __post_init__(self) -> None:
        for kind in KINDS:
            bits = getattr(self, kind)
            if bits not in (*BITS, *PLAIN):
                raise ValueError(
                    f"bits: {kind}={bits!r}; {BITS[0]} to {BITS[-1]}, 16 or 32 are possible"
                )
        if self.group < 1:
            raise ValueError(f"group: {self.group} is not a positive number of weights")

    @classmethod
    def of(cls, words: Iterable[str], group: int = 64) -> Precision:
        """From words such as ``embeddings=6``; a number alone is for all but differences.

        Raises ValueError for other words.
        """
        made = cls(group=group)
        for word in words:
            kind, equals, number = word.rpartition("=")
            if not number.isdecimal() or (equals and kind not in KINDS):
                raise ValueError(
                    f"bits: {word!r} is neither a number nor KIND=NUMBER with one of "
                    f"{', '.join(KINDS)}"
                )
            kinds = [kind] if equals else [name for name in KINDS if name != "differences"]
            made = replace(made, **{name: int(number) for name in kinds})
        return made


KINDS = tuple(field.name for field in fields(Precision) if field.name != "group")
