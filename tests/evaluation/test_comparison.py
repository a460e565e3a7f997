from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hyper_ir.data.records import Judgment
from hyper_ir.evaluation.comparison import compare, holm, paired_test, sign_flip_test
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.evaluation.scores import Scores, TaskScorer

DIFFERENCES = st.lists(st.integers(-8, 8).map(lambda number: number / 8), min_size=1, max_size=8)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=9)


def naive_sign_flip(differences: list[float]) -> float:
    observed = abs(sum(differences))
    signs = [*itertools.product((-1, 1), repeat=len(differences))]
    sums = [abs(sum(s * d for s, d in zip(each, differences, strict=True))) for each in signs]
    return sum(value >= observed for value in sums) / len(signs)


@given(differences=DIFFERENCES)
def test_small_randomisation_tests_count_every_assignment(differences: list[float]) -> None:
    # Eighths add without rounding, so that the enumeration needs no tolerance.
    assert sign_flip_test(differences) == pytest.approx(naive_sign_flip(differences))


def test_large_randomisation_tests_draw_near_the_exact_value() -> None:
    generator = np.random.default_rng(3)
    differences = generator.normal(0.2, 1.0, 14)
    exact = sign_flip_test(differences, resamples=2**14)
    assert exact == pytest.approx(naive_sign_flip(differences.tolist()))
    drawn = sign_flip_test(differences, resamples=10_000)
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 10_000))


def test_randomisation_agrees_with_scipy() -> None:
    differences = np.random.default_rng(5).normal(0.3, 1.0, 12)
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=5000
    )
    assert sign_flip_test(differences, resamples=5000) == pytest.approx(reference.pvalue)


def test_randomisation_is_the_same_every_time_and_never_zero() -> None:
    differences = [1.0] * 100
    assert sign_flip_test(differences, 999) == sign_flip_test(differences, 999) == 1 / 1000
    noisy = np.random.default_rng(1).normal(0, 1, 200)
    assert sign_flip_test(noisy, 500, seed=1) != sign_flip_test(noisy, 500, seed=2)
    assert sign_flip_test([0.0] * 50) == 1.0


def test_blocks_do_not_matter_to_the_count() -> None:
    """A million topics leave room for one assignment a block."""
    differences = np.full(1_000_001, 0.5)
    assert sign_flip_test(differences, resamples=3) == 1 / 4


def test_resamples_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sign_flip_test([1.0], 0)


def test_holm_by_hand() -> None:
    # Sorted: .01 x 4 = .04, .02 x 3 = .06, .03 x 2 = .06, .04 x 1 = .04 -> not below .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(p_values=P_VALUES, alpha=st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(
    p_values: list[float], alpha: float
) -> None:
    rejected = set()
    left = dict(enumerate(p_values))
    while left:
        index = min(left, key=left.__getitem__)
        if left[index] * len(left) >= alpha:
            break
        rejected.add(index)
        del left[index]
    adjusted = holm(p_values)
    assert {index for index, p in enumerate(adjusted) if p < alpha} == rejected
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))


@given(
    values=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=30).filter(
        lambda pairs: np.std([a - b for a, b in pairs]) > 1e-6
    )
)
def test_t_test_and_interval_are_those_of_scipy(values: list[tuple[float, float]]) -> None:
    run, baseline = ({str(n): pair[side] for n, pair in enumerate(values)} for side in (0, 1))
    test = paired_test(run, baseline, resamples=10)
    reference = stats.ttest_rel([a for a, _ in values], [b for _, b in values])
    assert test.t_p == pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12)
    interval = reference.confidence_interval(0.95)
    assert test.low == pytest.approx(interval.low)
    assert test.high == pytest.approx(interval.high)


def test_figures_by_hand() -> None:
    run = {"a": 0.5, "b": 0.75, "c": 0.25, "d": 0.5}
    baseline = {"d": 0.5, "c": 0.5, "b": 0.25, "a": 0.0}
    test = paired_test(run, baseline)
    # differences 0.5, 0.5, -0.25, 0: mean 0.1875, squares about it sum to 0.421875
    assert (test.topics, test.wins, test.ties, test.losses) == (4, 2, 1, 1)
    assert test.difference == 0.1875
    assert test.effect_size == pytest.approx(0.1875 / math.sqrt(0.421875 / 3))
    assert test.randomisation_p == 4 / 8  # ±(.5+.5+.25), ±(.5+.5-.25) of eight


def test_rounding_is_no_difference() -> None:
    test = paired_test({"a": 0.1 + 0.2, "b": 0.5}, {"a": 0.3, "b": 0.5})
    assert (test.ties, test.difference, test.t_p, test.effect_size) == (2, 0.0, 1.0, 0.0)


def test_degenerate_samples_have_no_false_certainty() -> None:
    one = paired_test({"a": 1.0}, {"a": 0.0})
    assert (one.low, one.high, one.effect_size) == (None, None, None)
    assert (one.t_p, one.randomisation_p) == (1.0, 1.0)
    same = paired_test(dict.fromkeys("abc", 1.0), dict.fromkeys("abc", 0.5))
    assert (same.difference, same.low, same.high) == (0.5, 0.5, 0.5)
    assert (same.effect_size, same.t_p, same.randomisation_p) == (None, 0.0, 0.25)


def test_other_topics_are_refused() -> None:
    with pytest.raises(ValueError, match="the same topics"):
        paired_test({"a": 1.0}, {"b": 1.0})
    with pytest.raises(ValueError, match="at least one"):
        paired_test({}, {})


def scores_of(runs: dict[str, str]) -> Scores:
    """Runs over two tasks of eight topics; each letter is the one document found."""
    measures = parse_measures(["P@1", "KILTRprec"])
    scores = Scores([str(measure) for measure in measures])
    for task in ("one", "two"):
        topics = [f"q{n}" for n in range(8)]
        scorer = TaskScorer(task, [Judgment(topic, "0", "a", 1) for topic in topics], measures)
        for run, found in runs.items():
            results = {topic: {doc: 1.0} for topic, doc in zip(topics, found, strict=True)}
            scores.add(scorer.score(run, results))
    return scores


def test_every_run_is_compared_and_corrected_by_measure() -> None:
    scores = scores_of({"base": "xxxxxxxx", "good": "aaaaaaax", "fair": "aaxxxxxx"})
    comparisons = compare(scores, "base")
    keys = [(each.measure, each.task, each.run) for each in comparisons]
    assert keys == [*itertools.product(["P@1", "KILTRprec"], ["one", "two"], ["good", "fair"])]
    by_measure = [each for each in comparisons if each.measure == "P@1"]
    assert [each.test.wins for each in by_measure] == [7, 2, 7, 2]
    assert [each.t_p_holm for each in by_measure] == holm([each.test.t_p for each in by_measure])
    assert [each.randomisation_p_holm for each in by_measure] == holm(
        [each.test.randomisation_p for each in by_measure]
    )
    assert by_measure[0].test.randomisation_p == 2 / 2**7
    assert all(each.baseline == "base" for each in comparisons)


def test_baseline_must_be_one_of_several_runs() -> None:
    with pytest.raises(ValueError, match="'bm25' is not among the runs: a, b"):
        compare(scores_of({"a": "a" * 8, "b": "x" * 8}), "bm25")
    with pytest.raises(ValueError, match="the only run"):
        compare(scores_of({"a": "a" * 8}), "a")
