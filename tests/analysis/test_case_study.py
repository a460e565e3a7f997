from __future__ import annotations

import math

import pytest

from hyper_ir.analysis.case_study import cases, chosen, drawn_bases
from hyper_ir.analysis.divergences import pairwise_divergence
from tests.analysis.small import attention

SOME = attention((30, 40, 30))
DIVERGENCE = pairwise_divergence(SOME.shares)


def test_share_0_gives_the_nearest_and_the_farthest_of_other_tasks() -> None:
    (case,) = cases(SOME, DIVERGENCE, [35], 42, shown=3, share=0)
    row = DIVERGENCE[35]
    near = sorted((each for each in range(100) if each != 35), key=lambda each: row[each])[:3]
    others = [each for each in range(100) if SOME.members[each] != 1]
    far = sorted(others, key=lambda each: -row[each])[:3]
    assert [each.place for each in case.similar] == near
    assert [each.place for each in case.dissimilar] == far
    assert [each.divergence for each in case.similar] == pytest.approx(row[near].tolist())


def test_draws_are_from_the_nearest_and_farthest_share() -> None:
    for case in cases(SOME, DIVERGENCE, range(100), 42, share=0.05):
        row = DIVERGENCE[case.base]
        near = sorted(row[each] for each in range(100) if each != case.base)
        member = SOME.members[case.base]
        others = [row[each] for each in range(100) if SOME.members[each] != member]
        limit = sorted(others)[-math.ceil(0.05 * len(others))]
        assert case.base not in [each.place for each in case.similar]
        assert all(each.divergence <= near[4] for each in case.similar)
        assert all(each.divergence >= limit for each in case.dissimilar)
        assert all(SOME.members[each.place] != member for each in case.dissimilar)
        first, second = case.similar
        assert first.divergence <= second.divergence
        assert first.place != second.place


@pytest.mark.parametrize("seed", range(4))
def test_of_few_queries_none_is_similar_and_dissimilar(seed: int) -> None:
    few = attention((3, 2))
    for case in cases(few, pairwise_divergence(few.shares), range(5), seed):
        similar = {each.place for each in case.similar}
        assert similar
        assert not similar & {each.place for each in case.dissimilar}


def test_draws_are_seeded_and_do_not_depend_on_other_bases() -> None:
    bases = drawn_bases(SOME, 42)
    assert [int(SOME.members[base]) for base in bases] == [0, 1, 2]
    assert bases == drawn_bases(SOME, 42)
    together = cases(SOME, DIVERGENCE, bases, 42)
    assert together[2:] == cases(SOME, DIVERGENCE, bases[2:], 42)
    assert any(drawn_bases(SOME, seed) != bases for seed in range(5))


def test_queries_are_chosen_by_task_and_id() -> None:
    assert chosen(SOME, ["task1:q35", "task0:q0"]) == [35, 0]
    assert chosen(SOME, []) == []
    for name in ("task0:q35", "q35", "task9:q0", ""):
        with pytest.raises(ValueError, match="no such query"):
            chosen(SOME, [name])


def test_ids_may_hold_colons_and_few_queries_give_what_there_is() -> None:
    some = attention((2, 1))
    some.ids[0] = "a:b"
    assert chosen(some, ["task0:a:b"]) == [0]
    (case,) = cases(some, pairwise_divergence(some.shares), [0], 42, shown=5)
    (similar,) = (each.place for each in case.similar)
    assert [each.place for each in case.dissimilar] == ([2] if similar == 1 else [])
