"""Rows of a table compared with the row of HypeR: paired tests over queries, Holm-corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hyper_ir.evaluation.comparison import PairedTest, holm, paired_test
from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.reproduction.results import Values


@dataclass(frozen=True)
class Compared:
    """A row against its reference in one column.

    Attributes
    ----------
    column: a test's name, or ``average``.
    test: of reference − row; p uncorrected.
    t_p_holm, randomisation_p_holm: corrected over the table's columns of tests, or over its
        averages.
    """

    row: str
    reference: str
    column: str
    test: PairedTest
    t_p_holm: float
    randomisation_p_holm: float


def compared(
    rows: Mapping[str, Mapping[str, Values]], references: Mapping[str, str], tests: Sequence[str]
) -> list[Compared]:
    """Compare rows with their references, column by column and on the average.

    Parameters
    ----------
    rows: by the row's name and the test's, the values of the topics, means over seeds.
    references: the name of the row that each row is compared with; rows without are not.
    tests: the columns. The average is compared where both rows have all of them.
    """
    found: list[tuple[str, str, str, PairedTest]] = []
    for row, reference in references.items():
        mine, other = rows.get(row, {}), rows.get(reference, {})
        shared = [test for test in tests if test in mine and test in other]
        for test in shared:
            if mine[test].keys() == other[test].keys():
                found.append((row, reference, test, paired_test(other[test], mine[test])))
        if len(shared) == len(tests) > 1:
            theirs, own = (stratified({t: each[t] for t in tests}) for each in (other, mine))
            if theirs.keys() == own.keys():
                found.append((row, reference, AVERAGE, paired_test(theirs, own)))
    return [*_corrected(found, average=False), *_corrected(found, average=True)]


def stratified(by_test: Mapping[str, Values]) -> Values:
    """The topics of all tests, weighted so that their mean is the mean of the tests' means."""
    total = sum(len(values) for values in by_test.values())
    return {
        f"{test} {topic}": value * total / (len(by_test) * len(values))
        for test, values in by_test.items()
        for topic, value in values.items()
    }


def _corrected(found: Sequence[tuple[str, str, str, PairedTest]], average: bool) -> list[Compared]:
    """Averages are corrected among themselves: they are of the same queries as the columns."""
    family = [each for each in found if (each[2] == AVERAGE) == average]
    t_p = holm([test.t_p for *_, test in family])
    randomisation_p = holm([test.randomisation_p for *_, test in family])
    return [
        Compared(*each, *corrected)
        for each, *corrected in zip(family, t_p, randomisation_p, strict=True)
    ]
