"""transformers' Trainer with mixed-task batches, groups of rates, whole checkpoints, validation."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from hyper_ir.full_disk import told_where_full
from hyper_ir.training import checkpoints
from hyper_ir.training.batches import Collator, DrawnExamples, RunSampler, loader_of
from hyper_ir.training.callbacks import Journal, Progress
from hyper_ir.training.gathering import barrier, rank, ranks
from hyper_ir.training.model import TrainingModel
from hyper_ir.training.parameter_groups import Group
from hyper_ir.training.recipe import Recipe
from hyper_ir.training.validation import Validation

CHECKPOINTS = "checkpoints"
LOG = "log.jsonl"


def best_folder(output: Path, step: int) -> Path:
    """Where the model that was best at this step is kept until the run is finished."""
    return output / f"best-{step}"


def keep_best(output: Path, step: int | None) -> None:
    """Remove every best model but that of this step (None: all)."""
    for folder in output.glob("best-*"):
        if step is None or folder != best_folder(output, step):
            shutil.rmtree(folder)


@dataclass(frozen=True)
class Run:
    """All that a training run consists of.

    Attributes
    ----------
    examples, sampler, collator: see :mod:`hyper_ir.training.batches`.
    groups: of the optimiser.
    validation: None for none.
    """

    recipe: Recipe
    model: TrainingModel
    examples: DrawnExamples
    sampler: RunSampler
    collator: Collator
    groups: list[Group]
    validation: Validation | None

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.sampler.total // self.recipe.batch.accumulation

    @property
    def output(self) -> Path:
        """Where everything is written."""
        return Path(self.recipe.output)


def arguments_of(recipe: Recipe, steps: int, device: torch.device) -> TrainingArguments:
    """transformers' settings for a recipe; making them starts torch.distributed under torchrun.

    Raises ValueError when ranks cannot share a batch equally.
    """
    log, optimiser = recipe.log, recipe.optimiser
    every = recipe.validation.every
    arguments = TrainingArguments(
        output_dir=str(Path(recipe.output) / CHECKPOINTS),
        max_steps=steps,
        per_device_train_batch_size=recipe.batch.size,
        gradient_accumulation_steps=recipe.batch.accumulation,
        learning_rate=optimiser.backbone_rate,
        weight_decay=optimiser.weight_decay,
        warmup_steps=round(optimiser.warmup * steps),
        lr_scheduler_type="linear",
        max_grad_norm=optimiser.clip,
        bf16=recipe.precision == "bf16",
        fp16=recipe.precision == "fp16",
        use_cpu=device.type == "cpu",
        seed=recipe.seed,
        logging_strategy="steps",
        logging_steps=log.every,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=log.save_every or every,
        eval_strategy="steps" if recipe.validation.examples else "no",
        eval_steps=every,
        report_to=[name for name in ("tensorboard", "wandb") if getattr(log, name)] or "none",
        remove_unused_columns=False,
        ignore_data_skip=True,
        ddp_find_unused_parameters=False,
        # Named without torchrun, a backend is looked for that nobody has started.
        ddp_backend="gloo" if device.type == "cpu" and "WORLD_SIZE" in os.environ else None,
        dataloader_pin_memory=device.type == "cuda",
    )
    # Several GPUs in one process would be nn.DataParallel, which splits a batch behind our back.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    if recipe.batch.size % arguments.world_size:
        raise ValueError(
            f"batch.size: {recipe.batch.size} queries cannot be shared equally by "
            f"{arguments.world_size} ranks"
        )
    return arguments


class HyperTrainer(Trainer):  # type: ignore[misc]
    """Trains a :class:`Run`; everything it needs to resume is in its newest checkpoint."""

    def __init__(self, run: Run, arguments: TrainingArguments) -> None:
        self.run = run
        self._terms: dict[str, float] = {}
        self.journal = Journal(run.output / LOG)
        super().__init__(
            model=run.model,
            args=arguments,
            train_dataset=run.examples,
            eval_dataset=run.validation.examples if run.validation is not None else None,
            callbacks=[self.journal],
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        self.add_callback(Progress())
        self.loss_is_scaled_for_ga = False

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The run's own loader: accelerate must not share batches out once more."""
        batch = self.run.recipe.batch
        pin = self.args.dataloader_pin_memory
        return loader_of(self.run.examples, self.run.sampler, self.run.collator, batch.workers, pin)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over the run's groups."""
        optimizer: torch.optim.Optimizer | None = getattr(self, "optimizer", None)
        if optimizer is None:
            groups = [
                {
                    "params": list(group.parameters.values()),
                    "lr": group.rate,
                    "weight_decay": group.decay,
                }
                for group in self.run.groups
            ]
            optimizer = torch.optim.AdamW(groups, fused=True)
            self.optimizer = optimizer
        return optimizer

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The batch's loss; at steps that are logged, its terms go to the log.

        Raises ValueError for a loss that is no number.
        """
        next_step = self.state.global_step + 1
        logged = next_step == 1 or next_step % self.args.logging_steps == 0
        outputs = model(**inputs, measured=logged)
        last = self.run.model.last
        if logged and last is not None:
            self._terms = last.logged()
        loss = outputs["loss"]
        if not bool(torch.isfinite(loss.detach())):
            raise ValueError(
                f"step {next_step:,}: the loss is {float(loss.detach())}; the newest checkpoint is "
                "sound: resume with lower learning rates or in fp32"
            )
        return (loss, outputs) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Validate on the first rank; keep the model where it is the best so far."""
        if self.run.validation is None:
            return {}
        values = [self.run.validation(self.run.model.retriever) if rank() == 0 else None]
        if ranks() > 1:
            dist.broadcast_object_list(values)
        found: dict[str, float] = values[0] or {}
        best = self.state.best_metric
        if best is None or found["validation/mean"] > best:
            self.state.best_metric = found["validation/mean"]
            self.state.best_global_step = self.state.global_step
            if self.args.should_save:
                folder = best_folder(self.run.output, self.state.global_step)
                self.run.model.retriever.save_pretrained(folder, overwrite=True)
        self.log(dict(found))
        control: Any = getattr(self, "control")  # noqa: B009 - its type is not known
        self.control = self.callback_handler.on_evaluate(self.args, self.state, control, found)
        return found

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the loss, what it is made of."""
        if "loss" in logs:
            # The step's own loss, not transformers' mean since the last line, which a resumed run
            # would take over fewer steps.
            logs |= self._terms
            self._terms = {}
        super().log(logs, start_time)

    def train_from_newest(self) -> None:
        """Train to the end, from the newest whole checkpoint where there is one.

        Raises ValueError when it is of other examples or another recipe.
        """
        folder = checkpoints.newest(Path(self.args.output_dir))
        step = -1  # what an earlier start logged before its first checkpoint goes, too
        if folder is not None:
            extra = checkpoints.read_extra(folder)
            step = extra["step"]
            batches = step * self.run.recipe.batch.accumulation
            self.run.sampler.start_at(batches, extra["sampler"])
        if self.args.should_save:
            self.journal.cut(step)
        self.args.eval_on_start = folder is None and self.run.validation is not None
        self.train(resume_from_checkpoint=str(folder) if folder is not None else None)

    def _get_output_dir(self, trial: Any) -> str:
        home: str = self.args.output_dir
        return str(checkpoints.aside(Path(home)))

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write a checkpoint aside and give it its name when every rank's part is on disk."""
        home = Path(self.args.output_dir)
        if self.args.should_save:
            checkpoints.clear_aside(home)
        barrier()
        with told_where_full(home):
            super()._save_checkpoint(model, trial)
        barrier()
        if self.args.should_save:
            step = self.state.global_step
            sampler = self.run.sampler.sampler.state_dict()["settings"]
            checkpoints.finish(home, step, {"step": step, "sampler": sampler})
            checkpoints.keep_newest(home, self.run.recipe.log.keep)
            # An older best is needed until a checkpoint knows the newer one.
            keep_best(self.run.output, self.state.best_global_step)
        barrier()

    def _save(
        self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None
    ) -> None:
        if self.args.should_save and output_dir is not None:
            checkpoints.save_parameters(self.run.model, Path(output_dir))

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: nn.Module | None = None
    ) -> None:
        checkpoints.load_parameters(self.run.model, Path(resume_from_checkpoint))
