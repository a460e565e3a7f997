from __future__ import annotations

from collections import Counter

from hyper_ir.mining.evidence import JUDGED, PAGE, SIBLING, GoldPassage
from hyper_ir.mining.negatives import REASONS, Filters, filtered

POSITIVE = GoldPassage(0, "A#0", PAGE)
OTHER = GoldPassage(1, "A#1", PAGE)
BESIDE = GoldPassage(2, "B#0", SIBLING)
GRADED = GoldPassage(3, "B#1", JUDGED)
GOLD = [POSITIVE, OTHER, BESIDE, GRADED]
TEXTS = [10, 11, 12, 13, 14, 15, 10, 13]

ROWS = [5, -1, 0, 1, 2, 3, 4, 6, 7]
ANSWERS = [0, 0, 1, 1, 0, 0, 1, 0, 0]


def test_every_candidate_for_one_reason() -> None:
    left = filtered(ROWS, ANSWERS, TEXTS, GOLD, [POSITIVE], Filters())
    assert left.rows == (5,)
    assert left.dropped == {
        "not in the corpus": 1,
        "gold document": 2,
        "gold page": 2,
        "answer": 1,
        "copy": 2,
    }
    assert set(left.dropped) == set(REASONS)


def test_filters_can_be_switched_off() -> None:
    left = filtered(ROWS, ANSWERS, TEXTS, GOLD, [POSITIVE], Filters(False, False))
    assert left.rows == (5, 1, 2, 4)
    assert left.dropped == {"not in the corpus": 1, "gold document": 2, "copy": 2}
    with_answers = filtered(ROWS, ANSWERS, TEXTS, GOLD, [POSITIVE], Filters(answers=False))
    assert with_answers.rows == (5, 4)
    with_pages = filtered(ROWS, ANSWERS, TEXTS, GOLD, [POSITIVE], Filters(gold_pages=False))
    assert with_pages.rows == (5, 2)


def test_no_candidates() -> None:
    assert filtered([], b"", TEXTS, GOLD, [POSITIVE], Filters()).dropped == Counter()
