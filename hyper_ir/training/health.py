"""Whether training goes wrong in one of the known ways, told from what is logged.

The known ways: a regulariser outweighs the ranking loss; vectors keep no term, or all of them;
the attention over the prompts is uniform, picks one prompt for good, or is the same for every
task; most prompts are never used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Ailment = Literal[
    "regulariser-dominates",
    "vectors-empty",
    "vectors-full",
    "attention-uniform",
    "attention-one-hot",
    "attention-collapsed",
    "prompts-unused",
]


SMOOTHED = 5
"""Lines of the log over which a term's share of the loss is averaged."""


@dataclass(frozen=True)
class HealthWarning:
    """One thing that goes wrong.

    Attributes
    ----------
    ailment: its kind.
    subject: the loss term or the side (``"query"``, ``"document"``) it is about, or ``"prompts"``.
    step: when it was seen.
    value: the measure that shows it.
    measure: its key in the log.
    advice: what is wrong and what helps, in a line.
    """

    ailment: Ailment
    subject: str
    step: int
    value: float
    measure: str
    advice: str

    def __str__(self) -> str:
        return f"step {self.step:,}: {self.advice}"


@dataclass(frozen=True)
class HealthLimits:
    """Where a measure becomes a warning.

    Attributes
    ----------
    share: a regulariser's part of the loss.
    least_terms: mean active terms of a vector.
    most_terms: mean part of the vocabulary that is active.
    uniform, one_hot: mean normalised entropy of the attention, from above and from below.
    collapsed: divergence (nats) between queries of different tasks.
    used: part of the prompts that get at least a tenth of an equal share.
    """

    share: float = 0.5
    least_terms: float = 2.0
    most_terms: float = 0.25
    uniform: float = 0.99
    one_hot: float = 0.05
    collapsed: float = 1e-3
    used: float = 0.5


class Health:
    """Watches the log and tells each warning when it arises, not at every step it lasts."""

    def __init__(self, limits: HealthLimits | None = None) -> None:
        self.limits = limits or HealthLimits()
        self._lasting: dict[tuple[str, str], str] = {}
        self._shares: dict[str, deque[float]] = {}

    def observe(self, step: int, log: Mapping[str, float]) -> list[HealthWarning]:
        """Warnings that were not there at the call before.

        ``log`` has the keys of :meth:`hyper_ir.training.objectives.Loss.logged`; what is missing
        is not judged.
        """
        found = {
            (one.ailment, one.subject): one
            for one in warnings_of(step, self._smoothed(log), self.limits)
        }
        new = [one for key, one in found.items() if key not in self._lasting]
        # A log without an ailment's measure (a validation's) does not say that it is over.
        healed = {key for key, name in self._lasting.items() if name in log and key not in found}
        self._lasting |= {key: one.measure for key, one in found.items()}
        for key in healed:
            del self._lasting[key]
        return new

    def _smoothed(self, log: Mapping[str, float]) -> dict[str, float]:
        """The log with the mean of each share's last values: one easy batch says nothing."""
        smoothed = dict(log)
        for name, value in log.items():
            if name.startswith("share/"):
                values = self._shares.setdefault(name, deque(maxlen=SMOOTHED))
                values.append(value)
                smoothed[name] = sum(values) / len(values)
        return smoothed


def warnings_of(step: int, log: Mapping[str, float], limits: HealthLimits) -> list[HealthWarning]:
    """All that goes wrong at this step."""
    found: list[HealthWarning] = []

    def check(key: str, sick: bool, ailment: Ailment, subject: str, advice: str) -> None:
        if sick:
            found.append(HealthWarning(ailment, subject, step, log[key], key, advice))

    for key, share in log.items():
        term = key.removeprefix("share/")
        if key.startswith("share/") and term != "ranking":
            advice = f"{term} is {share:.0%} of the loss: lower its weight"
            check(key, share > limits.share, "regulariser-dominates", term, advice)
    for side in ("query", "document"):
        key = f"{side}/active_terms"
        if key in log:
            advice = (
                f"{side} vectors keep {log[key]:.1f} terms: lower flops_{side} or ramp it up slower"
            )
            check(key, log[key] < limits.least_terms, "vectors-empty", side, advice)
        key = f"{side}/active_share"
        if key in log:
            advice = f"{side} vectors keep {log[key]:.0%} of the vocabulary: raise flops_{side}"
            check(key, log[key] > limits.most_terms, "vectors-full", side, advice)
    found += _attention_warnings(step, log, limits)
    return found


def _attention_warnings(
    step: int, log: Mapping[str, float], limits: HealthLimits
) -> list[HealthWarning]:
    found: list[HealthWarning] = []

    def check(key: str, sick: bool, ailment: Ailment, advice: str) -> None:
        if sick:
            found.append(HealthWarning(ailment, "prompts", step, log[key], key, advice))

    key = "attention/entropy"
    if key in log:
        entropy = log[key]
        advice = (
            f"the attention over prompts is uniform ({entropy:.1%} of the greatest entropy): every "
            "query gets one prompt; try another initialisation or a lower temperature"
        )
        check(key, entropy > limits.uniform, "attention-uniform", advice)
        advice = (
            f"the attention over prompts is one-hot ({entropy:.1%} of the greatest entropy): "
            "prompts are not mixed; scale the initialisation down or raise the temperature"
        )
        check(key, entropy < limits.one_hot, "attention-one-hot", advice)
    key = "attention/jsd_between"
    if key in log:
        advice = (
            f"the attention is the same for all tasks (JSD {log[key]:.1e}): mode collapse; "
            "raise cpr or try another initialisation"
        )
        check(key, log[key] < limits.collapsed, "attention-collapsed", advice)
    key = "attention/prompts_used"
    if key in log:
        advice = f"only {log[key]:.0%} of the prompts are used; take fewer, or use balance"
        check(key, log[key] < limits.used, "prompts-unused", advice)
    return found
