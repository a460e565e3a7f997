"""Changes of an input, by a seeded chance: bytes, lines, values of JSON and YAML, gzip."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Sequence
from random import Random

VALUE = re.compile(rb'(?<=[:\[,{ ])\s*("(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)')
WORD = re.compile(rb"[\w.-]{2,}")

HOSTILE = (
    *(b'"\\ud800"', b'"\\u0000"', b'"\\u2028"', b'"\\n"', b'" "', b'""', b'"a\\tb"', b'"#"'),
    *(b"null", b"true", b"[]", b"{}", b"[[]]", b'{"a": 1}', b'[""]', b"[null]", b"-1", b"0"),
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"1.5", b"0.99", b"2147483648", b"1e-400"),
    *(b"9" * 400, b"9" * 5000, b"1" + b"0" * 320, b"-" + b"9" * 400, b"99999999999999999999"),
    *(b"[" * 3000, b'{"a":' * 3000, b"[" * 900 + b"]" * 900, b'{"a":' * 700 + b"1" + b"}" * 700),
    *(b'"' + b"x" * 10_000 + b'"', b"x" * 150_000, b"a " * 3000, b"\t" * 3000),
    *("😀".encode(), "שלום".encode(), "\u202eab".encode(), "\u2028".encode(), "é".encode()),
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1f\x8b", b"\r", b"\r\n", b"\x0b"),
    *(b"\t", b" ", b"#", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n\n"),
    *(b" Q0 ", b"inf", b"nan", b"0x1p3", b"1_000", "١٢".encode(), b"+1", b"../", b"/etc/passwd"),
    *(b"!!python/object/apply:os.system [true]", b"!!python/name:os.system", b"!!binary x"),
    *(b"&a ", b"*a", b"<<: ", b"? ", b"- ", b"--- ", b"...", b"!!int ", b"!!timestamp x", b"|\n"),
    *(b"2001-99-99", b"0b_", b"0x_", b"1:99", b".nan", b".inf", b"~", b"=", b"%TAG ! x", b"@"),
    *(b"&a [*a]", b"class_path: os.system", b"{class_path: os.system, init_args: {}}"),
)

MOST = 1 << 18
"""Bytes of an input: long lines and large files have tests of their own."""


class Mutator:
    """Changes inputs.

    Parameters
    ----------
    chance: of all that is drawn.
    others: inputs that parts may be taken from.
    """

    def __init__(self, chance: Random, others: Sequence[bytes]) -> None:
        self.chance = chance
        self.others = list(others)
        self.words: list[bytes] = sorted({word for other in others for word in WORD.findall(other)})
        self.changes: tuple[Callable[[bytes], bytes], ...] = (
            self._value,
            self._value,
            self._value,
            self._insert,
            self._insert,
            self._byte,
            self._without,
            self._again,
            self._lines,
            self._word,
            self._splice,
            self._cut,
            self._packed,
        )

    def mutate(self, data: bytes) -> bytes:
        """The input with one to six changes, its first byte (which chooses) among them."""
        for _ in range(min(6, 1 + int(self.chance.expovariate(0.8)))):
            data = self.chance.choice(self.changes)(data)
        if self.chance.random() < 0.3:
            data = bytes([self.chance.randrange(256)]) + data[1:]
        return data[:MOST]

    def _place(self, data: bytes) -> int:
        return self.chance.randint(min(1, len(data)), len(data))

    def _value(self, data: bytes) -> bytes:
        found = list(VALUE.finditer(data[: 1 << 16]))
        if not found:
            return self._insert(data)
        one = self.chance.choice(found)
        new = self.chance.choice(HOSTILE)
        if self.chance.random() < 0.2:
            new = self.chance.choice(found)[1]
        return data[: one.start(1)] + new + data[one.end(1) :]

    def _insert(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + self.chance.choice(HOSTILE) + data[place:]

    def _byte(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + bytes([self.chance.randrange(256)]) + data[place + 1 :]

    def _without(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + data[place + self.chance.randint(1, 30) :]

    def _again(self, data: bytes) -> bytes:
        start = self._place(data)
        part = data[start : start + self.chance.randint(1, 200)]
        return data[:start] + part * self.chance.choice((2, 2, 3, 50)) + data[start:]

    def _lines(self, data: bytes) -> bytes:
        lines = data[1:].split(b"\n")
        kind = self.chance.randrange(3)
        one = self.chance.randrange(len(lines))
        if kind == 0:
            lines.insert(one, self.chance.choice(lines))
        elif kind == 1:
            lines.pop(one)
        else:
            self.chance.shuffle(lines)
        return data[:1] + b"\n".join(lines)

    def _word(self, data: bytes) -> bytes:
        found = list(WORD.finditer(data[: 1 << 16]))
        if not found or not self.words:
            return self._insert(data)
        one = self.chance.choice(found)
        return data[: one.start()] + self.chance.choice(self.words) + data[one.end() :]

    def _splice(self, data: bytes) -> bytes:
        other = self.chance.choice(self.others)
        return data[: self._place(data)] + other[self._place(other) :]

    def _cut(self, data: bytes) -> bytes:
        return data[: self._place(data)]

    def _packed(self, data: bytes) -> bytes:
        """A gzip file, whole, cut short, damaged or with something behind it."""
        whole = gzip.compress(data[1:], compresslevel=1, mtime=0)
        place = self.chance.randrange(len(whole))
        kinds = (
            whole,
            whole[:place],
            whole[:place] + bytes([self.chance.randrange(256)]) + whole[place + 1 :],
            whole + data[1:20],
        )
        return data[:1] + self.chance.choice(kinds)
