"""A recipe carried out: everything checked, documents prepared, trained, validated, saved."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console

from hyper_ir.data.examples import TrainingExample
from hyper_ir.encode.engine import tokenised
from hyper_ir.files import write_json
from hyper_ir.locking import sole_writer
from hyper_ir.models.retriever import Retriever
from hyper_ir.training import preparation
from hyper_ir.training.batches import Collator, DrawnExamples, RunSampler, batches_in
from hyper_ir.training.document_sources import documents_and_pool, teacher_of
from hyper_ir.training.example_set import ExampleSet, sample_of
from hyper_ir.training.freed_memory import keep_freed_memory
from hyper_ir.training.gathering import barrier, rank
from hyper_ir.training.model import TrainingModel
from hyper_ir.training.model_card import write_card
from hyper_ir.training.output import (
    MODEL,
    RESOLVED,
    Result,
    check_output,
    clear,
    finish,
    finished_before,
)
from hyper_ir.training.parameter_groups import groups_table, parameter_groups
from hyper_ir.training.recipe import Recipe
from hyper_ir.training.sampler import MixedTaskSampler
from hyper_ir.training.trainer import HyperTrainer, Run, arguments_of, best_folder
from hyper_ir.training.validation import Validation, check_measure


def train(recipe: Recipe, resume: bool = False, overwrite: bool = False) -> Result:
    """Carry a recipe out, or go on with what an interrupted run left.

    Start it in each process of ``torchrun`` alike. OUTPUT then holds ``model/``, ``recipe.json``
    (the resolved recipe), ``log.jsonl``, and ``checkpoints/``.

    Raises
    ------
    ValueError
        Before training, for anything wrong with the recipe, its files or its model; for output
        that is there already (without ``resume`` or ``overwrite``) or is another process's at
        work; for a loss that is no number.
    """
    output = Path(recipe.output)
    device = preparation.chosen_device(recipe.device)
    preparation.check_loggers(recipe)
    if device.type == "cpu":
        keep_freed_memory()
    if recipe.validation.examples:
        check_measure(recipe.validation.measure)
    if os.environ.get("RANK", "0") != "0":
        return _train(recipe, output, device, resume, overwrite)
    # Before torch.distributed runs; others would race.
    check_output(recipe, output, resume, overwrite)
    with sole_writer(output):
        return _train(recipe, output, device, resume, overwrite)


def _train(
    recipe: Recipe, output: Path, device: torch.device, resume: bool, overwrite: bool
) -> Result:
    """What every process of ``torchrun`` does."""
    finished = finished_before(output)
    if finished is not None and resume:
        return finished
    examples = _examples(recipe)
    held_out = _held_out(recipe, examples)
    retriever = preparation.prepared(recipe, examples)
    lengths = _query_lengths(recipe, examples, retriever)
    total = _sampler(recipe, examples, lengths, 0, 1)
    arguments = arguments_of(recipe, total.total // recipe.batch.accumulation, device)
    barrier()
    sampler = _sampler(recipe, examples, lengths, arguments.process_index, arguments.world_size)
    retriever.to(arguments.device)
    documents, pool = documents_and_pool(recipe, retriever, examples, held_out, overwrite)
    seen = sampler.total * recipe.batch.size * arguments.world_size
    teacher, taught = teacher_of(recipe, examples, arguments.device, overwrite, seen)
    if rank() == 0:
        clear(output, overwrite)
        write_json(output / RESOLVED, asdict(recipe))
    barrier()
    if recipe.gradient_checkpointing:
        preparation.checkpoint_layers(retriever)
    if recipe.compile:
        preparation.compile_backbones(retriever)
    preparation.quiet_tokenizers()
    groups = parameter_groups(retriever, recipe.optimiser)
    validation = Validation(held_out, pool, recipe.validation.measure) if held_out else None
    batch = recipe.batch
    numbers = {task: number for number, task in enumerate(examples.tasks)}
    length = retriever.config.query_max_length
    run = Run(
        recipe,
        TrainingModel(
            retriever,
            preparation.objective_of(recipe, retriever),
            batch.chunk_tokens,
            batch.grad_cache,
            teacher,
        ),
        DrawnExamples(examples, batch.negatives, recipe.seed),
        sampler,
        Collator(retriever.tokenizer, length, numbers, batch.accumulation, documents, taught),
        groups,
        validation,
    )
    if rank() == 0:
        console = Console(stderr=True)
        console.print(groups_table(retriever, groups))
        console.print(_summary(run, examples, arguments.world_size), highlight=False)
    trainer = HyperTrainer(run, arguments)
    trainer.train_from_newest()
    return _finished(run, trainer, examples)


def _examples(recipe: Recipe) -> ExampleSet:
    data = recipe.data
    return ExampleSet(data.examples, data.tasks, data.leave_out, data.per_task, recipe.seed)


def _held_out(recipe: Recipe, examples: ExampleSet) -> list[TrainingExample]:
    """A sample of the development queries of the tasks that are trained on."""
    if not recipe.validation.examples:
        return []
    known = ExampleSet(recipe.validation.examples)
    tasks = [task for task in known.tasks if task in examples.tasks]
    if not tasks:
        raise ValueError(
            f"validation.examples: of no task that is trained on ({', '.join(examples.tasks)})"
        )
    chosen = known if tasks == known.tasks else ExampleSet(recipe.validation.examples, tasks)
    return sample_of(chosen, recipe.validation.per_task, recipe.seed)


def _query_lengths(recipe: Recipe, examples: ExampleSet, retriever: Retriever) -> list[int] | None:
    """Each query's tokens, where batches have a token budget."""
    if recipe.batch.token_budget is None:
        return None
    longest = retriever.config.query_max_length
    return [
        len(tokenised(retriever.tokenizer, [example.query], longest)[0]) for example in examples
    ]


def _sampler(
    recipe: Recipe, examples: ExampleSet, lengths: list[int] | None, number: int, of: int
) -> RunSampler:
    batch, optimiser = recipe.batch, recipe.optimiser
    sampler = MixedTaskSampler(
        examples.tasks_of_all(),
        batch.size,
        batch.temperature,
        batch.caps,
        recipe.seed,
        batch.token_budget,
        lengths,
        of if batch.token_budget is not None else 1,
        number,
        of,
    )
    if optimiser.max_steps is not None:
        total = optimiser.max_steps * batch.accumulation
    else:
        total = batches_in(sampler, optimiser.epochs, batch.accumulation)
    return RunSampler(sampler, total)


def _summary(run: Run, examples: ExampleSet, world: int) -> str:
    sizes = ", ".join(f"{task} {size:,}" for task, size in examples.sizes().items())
    batch = run.recipe.batch
    return (
        f"{len(examples):,} examples ({sizes})\n"
        f"{run.steps:,} steps of {batch.size} queries"
        + (f" x {batch.accumulation}" if batch.accumulation > 1 else "")
        + f" with {batch.negatives} negatives each, on {world} process{'es' * (world > 1)}"
    )


def _finished(run: Run, trainer: HyperTrainer, examples: ExampleSet) -> Result:
    """Give the best model (without validation: the last) its card and its name."""
    output, steps = run.output, trainer.state.global_step
    best = trainer.state.best_global_step if run.validation is not None else steps
    scores = {
        name: value
        for each in trainer.state.log_history
        if each.get("step") == best and "validation/mean" in each
        for name, value in sorted(each.items(), key=_place)
        if name == "step" or "/" in name
    }
    if rank() == 0:
        folder = best_folder(output, best)
        if run.validation is None:
            run.model.retriever.save_pretrained(folder, overwrite=True)
        write_card(folder, run.recipe, run.model.retriever, examples.sizes(), scores, steps)
        finish(output, best, steps, scores)
        if scores:
            _tell_best(best, steps)
    barrier()
    return Result(output / MODEL, steps, scores)


def _place(score: tuple[str, float]) -> tuple[bool, str]:
    """The mean comes first; a run that was resumed would have them in another order."""
    return score[0] != "validation/mean", score[0]


def _tell_best(best: int, steps: int) -> None:
    text = f"the best of all validations was at step {best:,} of {steps:,}"
    if not best:
        text = f"warning: {text}: training did not improve on what it started from, which is kept"
    print(text, file=sys.stderr)
