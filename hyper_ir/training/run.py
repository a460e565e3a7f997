"""A recipe carried out: everything checked, documents prepared, trained, validated, saved."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch.distributed as dist
from rich.console import Console

from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.data.examples import TrainingExample
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.tokens import lucene_tokens
from hyper_ir.files import write_json
from hyper_ir.models.retriever import Retriever
from hyper_ir.problems import Problems
from hyper_ir.training import preparation
from hyper_ir.training.batches import Collator, DrawnExamples, RunSampler, batches_in, query_tokens
from hyper_ir.training.document_store import DocumentStore
from hyper_ir.training.documents import DocumentTexts, DocumentVectors
from hyper_ir.training.example_set import ExampleSet, documents_of, sample_of
from hyper_ir.training.gathering import rank, ranks
from hyper_ir.training.model import TrainingModel, is_lexical
from hyper_ir.training.model_card import write_card
from hyper_ir.training.parameter_groups import groups_table, parameter_groups
from hyper_ir.training.recipe import Recipe
from hyper_ir.training.sampler import MixedTaskSampler
from hyper_ir.training.token_store import TokenStore
from hyper_ir.training.trainer import (
    CHECKPOINTS,
    HyperTrainer,
    Run,
    arguments_of,
    best_folder,
    keep_best,
)
from hyper_ir.training.validation import EncodedPool, Pool, StoredPool, Validation

MODEL = "model"
RESOLVED = "recipe.json"
RESULT = "result.json"


@dataclass(frozen=True)
class Result:
    """What a run gave.

    Attributes
    ----------
    model: folder of the trained retriever, the best by validation.
    steps: optimiser steps trained in all.
    scores: the best validation, and the step it was found at; empty without validation.
    """

    model: Path
    steps: int
    scores: dict[str, float]


def train(recipe: Recipe, resume: bool = False, overwrite: bool = False) -> Result:
    """Carry a recipe out, or go on with what an interrupted run left.

    Start it in each process of ``torchrun`` alike. OUTPUT then holds ``model/``, ``recipe.json``
    (the resolved recipe), ``log.jsonl``, and ``checkpoints/``.

    Raises
    ------
    ValueError
        Before training, for anything wrong with the recipe, its files or its model; for output
        that is there already (without ``resume`` or ``overwrite``); for a loss that is no number.
    """
    output = Path(recipe.output)
    device = preparation.chosen_device(recipe.device)
    preparation.check_loggers(recipe)
    _check_output(recipe, output, resume, overwrite)
    finished = _finished_before(output)
    if finished is not None and resume:
        return finished
    examples = _examples(recipe)
    held_out = _held_out(recipe, examples)
    retriever = preparation.prepared(recipe, examples)
    total = _sampler(recipe, examples, retriever, 0, 1)
    arguments = arguments_of(recipe, total.total // recipe.batch.accumulation, device)
    if rank() == 0:
        _clear(output, overwrite)
        write_json(output / RESOLVED, asdict(recipe))
    _barrier()
    sampler = _sampler(recipe, examples, retriever, arguments.process_index, arguments.world_size)
    retriever.to(arguments.device)
    documents, pool = _documents(recipe, retriever, examples, held_out)
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
        ),
        DrawnExamples(examples, batch.negatives, recipe.seed),
        sampler,
        Collator(retriever.tokenizer, length, numbers, batch.accumulation, documents),
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


def _check_output(recipe: Recipe, output: Path, resume: bool, overwrite: bool) -> None:
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other")
    if output.is_file():
        raise ValueError(f"output: {output} is a file; a folder is needed")
    if not (output / RESOLVED).is_file():
        if output.is_dir() and any(output.iterdir()):
            raise ValueError(f"output: {output} holds something that is no training run")
        return
    if overwrite:
        return
    if not resume:
        raise ValueError(
            f"output: {output} holds a run already; --resume goes on with it, --overwrite starts "
            "anew"
        )
    before = json.loads((output / RESOLVED).read_text(encoding="utf-8"))
    now = json.loads(json.dumps(asdict(recipe)))
    differing = _differing(before, now)
    if differing:
        raise ValueError(
            f"{output / RESOLVED}: the interrupted run had another {', '.join(differing)}; give "
            "the same recipe, or another --output"
        )


FREE_TO_CHANGE = ("output", "log", "device", "data.vectors")
"""Settings that a resumed run may change: its numbers do not follow from them."""


def _differing(before: dict[str, Any], now: dict[str, Any], path: str = "") -> list[str]:
    found: list[str] = []
    for name in sorted({*before, *now}):
        place = f"{path}{name}"
        first, second = before.get(name), now.get(name)
        if place in FREE_TO_CHANGE or first == second:
            continue
        if isinstance(first, dict) and isinstance(second, dict):
            found += _differing(first, second, f"{place}.")
        else:
            found.append(place)
    return found


def _clear(output: Path, overwrite: bool) -> None:
    output.mkdir(parents=True, exist_ok=True)
    if overwrite:
        (output / RESULT).unlink(missing_ok=True)
        for name in (CHECKPOINTS, MODEL, "documents", "vectors"):
            shutil.rmtree(output / name, ignore_errors=True)
        keep_best(output, None)


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
    chosen = ExampleSet(recipe.validation.examples, tasks)
    return sample_of(chosen, recipe.validation.per_task, recipe.seed)


def _sampler(
    recipe: Recipe, examples: ExampleSet, retriever: Retriever, number: int, of: int
) -> RunSampler:
    batch, optimiser = recipe.batch, recipe.optimiser
    lengths = None
    if batch.token_budget is not None:
        longest = retriever.config.query_max_length
        lengths = [
            len(query_tokens(retriever.tokenizer, [example.query], longest)[0])
            for example in examples
        ]
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


def _documents(
    recipe: Recipe,
    retriever: Retriever,
    examples: ExampleSet,
    held_out: list[TrainingExample],
) -> tuple[DocumentTexts | DocumentVectors, Pool]:
    """What batches take their documents from, and what validation searches."""
    output = Path(recipe.output)
    candidates = recipe.validation.candidates
    wanted = documents_of([examples], None) | documents_of([held_out], candidates)
    if recipe.freeze != "none":
        store = _vectors(recipe, retriever, wanted)
        return DocumentVectors(store), StoredPool(store)
    corpus = _corpus(recipe)
    length = retriever.config.document_max_length
    arguments = (output / "documents", corpus, retriever.tokenizer, length, wanted)
    if rank() == 0:
        TokenStore.build(*arguments)
    _barrier()
    tokens = TokenStore.open(output / "documents")
    pool = sorted(documents_of([held_out], candidates))
    padding = retriever.tokenizer.pad_token_id or 0
    return DocumentTexts(tokens, padding), EncodedPool(tokens, pool)


def _vectors(recipe: Recipe, retriever: Retriever, wanted: set[str]) -> DocumentStore:
    """The frozen documents' vectors, encoded here unless they are there."""
    output = Path(recipe.output)
    folder = output / "documents"
    names = lucene_tokens(retriever.vocabulary) if is_lexical(retriever) else None
    width = retriever.document.head.width
    if rank() == 0:
        vectors = Path(recipe.data.vectors) if recipe.data.vectors else output / "vectors"
        if recipe.data.vectors is None:
            # Moving the engine's tower moves both where they are one; the device is the run's.
            device = str(retriever.document.backbone.word_embeddings.device)
            engine = Engine(retriever, "document", EngineConfig(device=device))
            corpus = only(_corpus(recipe), wanted)
            encode_corpus(engine, corpus, vectors, OutputConfig(resume=True))
        store = DocumentStore.build(folder, vectors, width, names, factor_of(vectors))
        missing = sorted(id for id in wanted if id not in store)
        if missing:
            raise ValueError(
                f"{vectors}: {len(missing):,} documents of the examples have no vector there; the "
                f"first is {missing[0]}"
            )
    _barrier()
    return DocumentStore.open(folder)


def factor_of(vectors: Path) -> float:
    """What the weights of these vectors were multiplied by, as their manifest says; else 100."""
    from hyper_ir.manifest import read_manifest

    manifest = read_manifest(vectors)
    quantiser = manifest.quantiser if manifest is not None else {}
    return float(quantiser.get("factor", 100.0))


def _corpus(recipe: Recipe) -> Corpus:
    data = recipe.data
    if data.corpus is None:
        raise ValueError("data.corpus: the documents' texts are needed")
    return open_corpus(
        data.corpus, format=data.corpus_format, words=data.corpus_words, problems=Problems()
    )


def only(corpus: Corpus, wanted: set[str]) -> Corpus:
    """The corpus with these passages alone; it says so where it describes itself."""
    digest = hashlib.sha256("\n".join(sorted(wanted)).encode()).hexdigest()

    def read(problems: Problems) -> Iterator[Any]:
        for record_id, passages in corpus.read(problems):
            kept = [passage for passage in passages if passage.id in wanted]
            if kept:
                yield record_id, kept

    groups: Any = read
    settings = {**corpus.settings, "only": digest}
    return replace(corpus, settings=settings, read=groups)


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
        for name, value in each.items()
        if name == "step" or "/" in name
    }
    result = Result(output / MODEL, steps, scores)
    if rank() == 0:
        folder = best_folder(output, best)
        if run.validation is None:
            run.model.retriever.save_pretrained(folder, overwrite=True)
        write_card(folder, run.recipe, examples.sizes(), scores, steps)
        shutil.rmtree(output / MODEL, ignore_errors=True)
        os.replace(folder, output / MODEL)
        write_json(output / RESULT, {"steps": steps, "scores": scores})
    _barrier()
    return result


def _finished_before(output: Path) -> Result | None:
    """The result of a run that was finished, or None."""
    if not ((output / RESULT).is_file() and (output / MODEL).is_dir()):
        return None
    value = json.loads((output / RESULT).read_text(encoding="utf-8"))
    return Result(output / MODEL, int(value["steps"]), value["scores"])


def _barrier() -> None:
    if ranks() > 1:
        dist.barrier()
