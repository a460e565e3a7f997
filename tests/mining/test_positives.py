from __future__ import annotations

from hyper_ir.mining.evidence import ANSWER, FIRST, JUDGED, NAMED, PAGE, SIBLING, GoldPassage
from hyper_ir.mining.positives import Positives, choose
from hyper_ir.mining.tasks import MiningQuery


def ids(positives: Positives) -> list[str]:
    return [passage.id for passage in positives.passages]


def query_of(*sets: str) -> MiningQuery:
    return MiningQuery("q", "text", tuple(tuple(pages) for pages in sets), (" x ",))


def gold(*passages: tuple[str, int]) -> list[GoldPassage]:
    return [GoldPassage(row, id, bits) for row, (id, bits) in enumerate(passages)]


def test_answers_that_were_found_by_rank() -> None:
    passages = gold(("A#0", PAGE | FIRST), ("A#1", PAGE | ANSWER), ("A#2", PAGE | ANSWER))
    chosen = choose(query_of("A"), passages, {2: 0, 0: 1, 1: 2}, 5)
    assert (ids(chosen), chosen.level) == (["A#2", "A#1"], "answer found")
    assert ids(choose(query_of("A"), passages, {0: 0, 1: 5}, 5)) == ["A#1"]
    unfound = choose(query_of("A"), passages, {0: 0}, 5)
    assert (ids(unfound), unfound.level) == (["A#1", "A#2"], "answer")


def test_without_answers_the_best_ranked_of_each_page() -> None:
    passages = gold(("A#0", PAGE | FIRST), ("A#1", PAGE), ("B#0", PAGE | FIRST), ("B#1", PAGE))
    chosen = choose(query_of("A", "B"), passages, {3: 4, 1: 7, 0: 9}, 5)
    assert (ids(chosen), chosen.level) == (["B#1", "A#1"], "found")
    chosen = choose(query_of("A", "B"), passages, {}, 5)
    assert (ids(chosen), chosen.level) == (["A#0", "B#0"], "first")


def test_both_pages_of_a_set_though_one_answers() -> None:
    passages = gold(
        ("A#0", PAGE | FIRST), ("A#1", PAGE), ("B#0", PAGE | FIRST | ANSWER), ("B#1", PAGE | ANSWER)
    )
    ranks = {1: 0, 3: 1, 2: 2}
    assert ids(choose(query_of("AB"), passages, ranks, 5)) == ["B#1", "B#0", "A#1"]
    assert ids(choose(query_of("AB"), passages, ranks, 2)) == ["B#1", "A#1"]
    assert ids(choose(query_of("AB"), passages, ranks, 1)) == ["B#1"]
    # As alternatives, the page that does not answer is none.
    assert ids(choose(query_of("A", "B"), passages, ranks, 5)) == ["B#1", "B#0"]


def test_named_paragraphs_come_first_and_alone() -> None:
    passages = gold(("A#1", PAGE | FIRST | ANSWER), ("A#2", PAGE | NAMED), ("B#1", PAGE | ANSWER))
    chosen = choose(query_of("A", "B"), passages, {0: 0, 2: 1}, 5)
    assert (ids(chosen), chosen.level) == (["A#2"], "named")


def test_judged_documents_by_grade_then_rank_then_order() -> None:
    grades = {"d": 1, "c": 1, "b": 1, "a": 2}
    query = MiningQuery("q", "text", (("d",), ("c",), ("b",), ("a",)), grades=grades)
    both = JUDGED | PAGE
    passages = gold(("a", both), ("b", both), ("c", both), ("d", both), ("e", SIBLING))
    chosen = choose(query, passages, {1: 0, 4: 1}, 5)
    assert (ids(chosen), chosen.level) == (["a", "b", "d", "c"], "judged")
    assert ids(choose(query, passages, {}, 2)) == ["a", "d"]
    assert ids(choose(query, passages, {1: 9}, 5)) == ["a", "b", "d", "c"]


def test_what_stands_beside_a_judged_passage_is_no_positive() -> None:
    query = MiningQuery("q", "text", (("A#7",),), grades={"A#7": 1})
    assert choose(query, gold(("A#0", SIBLING | FIRST | ANSWER)), {0: 0}, 5).passages == ()


def test_nothing_points_to_a_passage() -> None:
    assert choose(query_of("A"), [], {}, 5) == Positives((), "")
    assert choose(query_of("A"), gold(("A#3", PAGE)), {}, 5).passages == ()
