"""What is told while training: a bar with the time left, a line at times, a journal, warnings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from hyper_ir.files import atomic_text
from hyper_ir.training.health import Health

SHOWN = {
    "loss": "loss {:.3f}",
    "accuracy": "accuracy {:.2f}",
    "query/active_terms": "query terms {:.0f}",
    "document/active_terms": "document terms {:.0f}",
    "attention/entropy": "entropy {:.2f}",
    "attention/jsd_between": "JSD between {:.3f}",
    "attention/jsd_within": "within {:.3f}",
    "validation/mean": "validation {:.4f}",
}
"""What a line on the terminal shows, in this order."""


class Journal(TrainerCallback):  # type: ignore[misc]
    """Writes everything that is logged, a JSON object a line, to a file that resumes.

    Attributes
    ----------
    path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._health = Health()

    def cut(self, step: int) -> None:
        """Drop what was logged behind a step: it is about to be trained again."""
        kept = [line for line in self._lines() if json.loads(line)["step"] <= step]
        if kept or self.path.exists():
            with atomic_text(self.path) as handle:
                handle.writelines(kept)

    def _lines(self) -> list[str]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [line for line in lines if line.endswith("}\n")]

    def on_log(self, args: Any, state: Any, control: Any, **arguments: Any) -> None:
        """Write a line, and tell what goes wrong."""
        logs: dict[str, float] = arguments.get("logs") or {}
        if not state.is_world_process_zero or "train_runtime" in logs:
            return
        record = {"step": state.global_step, **logs}
        record.pop("epoch", None)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(record) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        tqdm.write(line_of(state.global_step, logs))
        for warning in self._health.observe(state.global_step, logs):
            tqdm.write(f"warning: {warning}")


class Progress(TrainerCallback):  # type: ignore[misc]
    """A bar over the whole run's steps."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start where the run was resumed."""
        if state.is_world_process_zero:
            self._bar = tqdm(
                total=state.max_steps, initial=state.global_step, desc="training", unit="step"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move on."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Leave the finished bar."""
        if self._bar is not None:
            self._bar.close()


def line_of(step: int, logs: Mapping[str, float]) -> str:
    """A step's most telling numbers in a line."""
    shown = [text.format(logs[name]) for name, text in SHOWN.items() if name in logs]
    shares = {
        name.removeprefix("share/"): value
        for name, value in logs.items()
        if name.startswith("share/") and value >= 0.005
    }
    if len(shares) > 1:
        parts = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        shown.append(f"of the loss {parts}")
    return f"step {step:,}: " + " · ".join(shown)
