"""Is the difference between two runs more than chance? Paired tests over topics.

Each run is compared with the baseline topic by topic; Holm's correction runs over all
comparisons of one measure, across runs and tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hyper_ir.evaluation.scores import Scores

RESAMPLES = 10_000
SEED = 42
CONFIDENCE = 0.95

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

# Values are sums of rounded fractions: below this, a difference is rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PairedTest:
    """One run against another over the same topics.

    Attributes
    ----------
    topics: how many.
    difference: mean of (run − baseline).
    low, high: its 95 % confidence interval by Student's t; None for a single topic.
    effect_size: Cohen's d of paired differences, mean ÷ standard deviation (n − 1); None where
        that is undefined (a single topic, or all differences equal and not 0).
    t_p: p of the two-sided paired t-test; 1 for a single topic.
    randomisation_p: p of the two-sided sign-flip test on the mean difference.
    wins, ties, losses: topics on which the run is better, equal, worse.
    """

    topics: int
    difference: float
    low: float | None
    high: float | None
    effect_size: float | None
    t_p: float
    randomisation_p: float
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class Comparison:
    """A run against the baseline by one measure on one task, p corrected for all of its kind.

    Attributes
    ----------
    test: the figures, p uncorrected.
    t_p_holm, randomisation_p_holm: p after Holm's correction over all comparisons by this
        measure.
    """

    task: str
    run: str
    baseline: str
    measure: str
    test: PairedTest
    t_p_holm: float
    randomisation_p_holm: float


def compare(
    scores: Scores, baseline: str, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Comparison]:
    """Compare every run with the baseline, by every measure, on every task.

    Raises ValueError where the baseline is not among the runs or is the only one.
    """
    require_baseline(baseline, scores.runs)
    others = [run for run in scores.runs if run != baseline]
    comparisons: list[Comparison] = []
    for measure in scores.measures:
        tested = [
            (task, run, _paired(scores, task, run, baseline, measure, resamples, seed))
            for task in scores.tasks
            for run in others
        ]
        t_p = holm([test.t_p for _, _, test in tested])
        randomisation_p = holm([test.randomisation_p for _, _, test in tested])
        for (task, run, test), *corrected in zip(tested, t_p, randomisation_p, strict=True):
            comparisons.append(Comparison(task, run, baseline, measure, test, *corrected))
    return comparisons


def require_baseline(baseline: str, runs: Sequence[str]) -> None:
    """Raise ValueError unless the baseline is one of several runs."""
    if baseline not in runs:
        raise ValueError(f"baseline {baseline!r} is not among the runs: {', '.join(runs)}")
    if len(runs) == 1:
        raise ValueError(f"baseline {baseline!r} is the only run; there is nothing to compare")


def require_resamples(resamples: int) -> None:
    """Raise ValueError unless there is at least one."""
    if resamples < 1:
        raise ValueError(f"resamples: {resamples}; at least 1 is needed")


def _paired(
    scores: Scores, task: str, run: str, baseline: str, measure: str, resamples: int, seed: int
) -> PairedTest:
    runs = scores.by_task[task]
    return paired_test(runs[run].values[measure], runs[baseline].values[measure], resamples, seed)


def paired_test(
    values: Mapping[str, float],
    baseline: Mapping[str, float],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> PairedTest:
    """Compare two runs given their value of every topic.

    Raises ValueError where the topics differ or there is none.
    """
    if not values or values.keys() != baseline.keys():
        raise ValueError("a paired test needs the same topics, at least one, in both runs")
    differences = np.array([values[topic] - baseline[topic] for topic in values])
    differences[np.abs(differences) <= _ROUNDING] = 0.0
    n = len(differences)
    mean = float(differences.mean())
    deviation = float(differences.std(ddof=1)) if n > 1 else 0.0
    if deviation <= _ROUNDING:  # all topics differ by the same
        t_p = 1.0 if n == 1 or mean == 0 else 0.0
        half_width = 0.0
        effect_size = 0.0 if n > 1 and mean == 0 else None
    else:
        error = deviation / math.sqrt(n)
        t_p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
        half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
        effect_size = mean / deviation
    return PairedTest(
        topics=n,
        difference=mean,
        low=mean - half_width if n > 1 else None,
        high=mean + half_width if n > 1 else None,
        effect_size=effect_size,
        t_p=t_p,
        randomisation_p=sign_flip_test(differences, resamples, seed),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
    )


def interval(low: float | None, high: float | None) -> str:
    """A difference's confidence interval in words, after a comma; empty where there is none."""
    if low is None or high is None:
        return ""
    return f", {CONFIDENCE * 100:g} % CI [{low:+.4f}, {high:+.4f}]"


def sign_flip_test(
    differences: Sequence[float] | Array, resamples: int = RESAMPLES, seed: int = SEED
) -> float:
    """Two-sided p of the randomisation test on the mean of paired differences.

    Under chance each difference could as well have the other sign: p is the share of sign
    assignments whose mean is as far from 0 as the one observed. All assignments are counted
    where they are at most ``resamples``; otherwise that many are drawn, and the observed one
    counts among them, so that p is never 0. Raises ValueError for ``resamples`` below 1.
    """
    require_resamples(resamples)
    given = np.asarray(differences, dtype=np.float64)
    moving = given[given != 0]  # the sign of 0 makes no difference
    n = len(moving)
    limit = abs(float(moving.sum())) - _ROUNDING * float(np.abs(moving).sum())
    exact = n < 63 and 2**n <= resamples
    total = 2**n if exact else resamples
    generator = np.random.default_rng(seed)
    extreme = 0
    block = max(1, 1_000_000 // max(n, 1))
    for start in range(0, total, block):
        size = min(block, total - start)
        if exact:
            assignments = np.arange(start, start + size)[:, None] >> np.arange(n) & 1
        else:
            assignments = generator.integers(0, 2, size=(size, n), dtype=np.int8)
        sums = (2.0 * assignments - 1.0) @ moving
        extreme += int((np.abs(sums) >= limit).sum())
    return extreme / total if exact else (extreme + 1) / (total + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: adjusted p, in the order given.

    The i-th smallest of m values is multiplied by m − i + 1; none falls below a smaller one
    before it, none exceeds 1.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted
