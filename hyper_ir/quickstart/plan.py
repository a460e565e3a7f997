"""What the quickstart does, step by step, and which runs its table compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyper_ir.data.python_docs.kinds import TASKS, Task
from hyper_ir.data.python_docs.packages import SourceTree
from hyper_ir.data.python_docs.writing import DESCRIPTION, task_file
from hyper_ir.models.checkpoint import Checkpoint
from hyper_ir.models.pretrained import PREFIX
from hyper_ir.quickstart.backbone import DISTRIBUTION, MINILM
from hyper_ir.quickstart.settings import Settings
from hyper_ir.quickstart.steps import AGAIN, EACH, Step
from hyper_ir.quickstart.training import TRAINED, mine_step, train_step

BASELINE = "BM25"
LEXICAL = "lexical"
PRETRAINED = "pretrained"
GRAFT_TOKENS = 60_000
"""Tokens that the grafted head is fitted on: over 100 for each component of MiniLM's states."""

MEASURES = ("KILTRprec", "nDCG@10")

IDF_POWER = "0.5"
"""What the shipped model's queries are fitted to a collection by; see docs/results.md."""


@dataclass
class Plan:
    """Kinds of topics, steps in order, and the systems that the table compares, baseline first.

    ``lexical`` is the system that searches without training.
    """

    tasks: tuple[Task, ...]
    steps: list[Step] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)
    lexical: str = LEXICAL


def make_plan(settings: Settings, checkpoint: Checkpoint, tasks: Sequence[Task] = TASKS) -> Plan:
    """The steps after the collection, for the kinds of topics that it has.

    A further system adds its steps and its name in front of the last step.
    """
    plan = Plan(tuple(tasks))
    add_bm25(plan, settings)
    model = add_lexical(plan, settings, checkpoint)
    if settings.steps:
        add_trained(plan, settings, model)
    plan.steps.append(evaluate_step(plan, settings))
    return plan


def collect_step(settings: Settings, trees: list[SourceTree]) -> Step:
    """The documentation installed here, as pages and topics."""
    return Step(
        "collect",
        "collect the Python documentation installed here: pages, topics, judgments",
        "hyper_ir.data.python_docs",
        (
            *("--output", str(settings.docs), "--packages", *settings.packages),
            *("--words", str(settings.words), "--max-topics", str(settings.max_topics)),
            *("--seed", str(settings.seed), AGAIN),
        ),
        (settings.docs / DESCRIPTION,),
        uses={tree.package: tree.version for tree in trees},
    )


def add_bm25(plan: Plan, settings: Settings) -> None:
    """BM25 through Lucene: index, then search."""
    plan.steps.append(bm25_step(settings))
    what = ("--bm25", "--index", str(settings.index(BASELINE)))
    plan.steps.append(search_step(plan, settings, BASELINE, what))
    plan.systems.append(BASELINE)


def bm25_step(settings: Settings) -> Step:
    """Index the pages' words."""
    index = settings.index(BASELINE)
    return Step(
        "index-bm25",
        "index the pages' words with Lucene",
        "hyper_ir.index",
        (
            *("--input", str(settings.pages), "--format", "kilt", "--index", str(index)),
            *("--threads", str(settings.threads), AGAIN),
        ),
        (index,),
    )


def add_lexical(plan: Plan, settings: Settings, checkpoint: Checkpoint) -> str:
    """A lexical model without training: graft a head where there is none, encode, index, search.

    Returns the model's folder, or the name of a shipped one.
    """
    model = add_model(plan, settings, checkpoint)
    add_encoded(plan, settings, plan.lexical, model, weights(checkpoint.folder))
    return model


def add_model(plan: Plan, settings: Settings, checkpoint: Checkpoint) -> str:
    """The model as a command line names it; where it has no lexical head, one is grafted first."""
    model, plan.lexical = model_of(checkpoint), system_of(checkpoint)
    if checkpoint.layout == "encoder":
        grafted = settings.output / "models" / LEXICAL
        plan.steps.append(
            Step(
                "graft",
                f"give {model_name(checkpoint)} a lexical head, fitted on these pages",
                "hyper_ir.encode.graft",
                (
                    *("--encoder", model, "--corpus", str(settings.pages), "--format", "kilt"),
                    *("--output", str(grafted), "--tokens", str(GRAFT_TOKENS), AGAIN),
                ),
                (grafted,),
                uses=weights(checkpoint.folder),
            )
        )
        model = str(grafted)
    return model


def system_of(checkpoint: Checkpoint) -> str:
    """What the untrained lexical system is called."""
    return PRETRAINED if checkpoint.name.startswith(PREFIX) else LEXICAL


def model_of(checkpoint: Checkpoint) -> str:
    """How the model is named on a command line."""
    return checkpoint.name if checkpoint.name.startswith(PREFIX) else str(checkpoint.folder)


def add_trained(plan: Plan, settings: Settings, model: str) -> None:
    """Query encoders trained on the train topics; they search the lexical model's index."""
    vectors, index = settings.output / "vectors" / plan.lexical, settings.index(plan.lexical)
    for split in ("train", "dev"):
        plan.steps.append(mine_step(settings, plan.tasks, split))
    for system in TRAINED:
        plan.steps.append(train_step(settings, system, model, str(vectors)))
        trained = str(settings.output / "training" / system / "model")
        plan.steps.append(
            search_step(
                plan,
                settings,
                system,
                ("--impact", "--index", str(index), "--encoder", trained),
            )
        )
        plan.systems.append(system)


def add_encoded(
    plan: Plan, settings: Settings, system: str, model: str, uses: dict[str, Any]
) -> None:
    """Encode the pages with a lexical model, index the impacts, and search with the model."""
    plan.steps += encode_steps(settings, system, model, uses)
    what = ("--impact", "--index", str(settings.index(system)), *encoder_flags(system, model))
    plan.steps.append(search_step(plan, settings, system, what))
    plan.systems.append(system)


def encoder_flags(system: str, model: str) -> tuple[str, ...]:
    """How queries are encoded: a shipped model was not trained on the user's texts."""
    fitted = ("--idf-power", IDF_POWER) if system == PRETRAINED else ()
    return ("--encoder", model, *fitted)


def encode_steps(settings: Settings, system: str, model: str, uses: dict[str, Any]) -> list[Step]:
    """Encode the pages with a lexical model and index the impacts."""
    vectors, index = settings.output / "vectors" / system, settings.index(system)
    return [
        Step(
            f"encode-{system}",
            "encode the pages: text to weighted terms",
            "hyper_ir.encode",
            (
                *("input", "--corpus", str(settings.pages), "--format", "kilt"),
                *("output", "--embeddings", str(vectors), AGAIN),
                *("encoder", "--encoder", model),
            ),
            (vectors / "embeddings.jsonl",),
            uses=uses,
            resume="--resume",
        ),
        Step(
            f"index-{system}",
            "index the weighted terms with Lucene",
            "hyper_ir.index",
            (
                *("--impact", "--input", str(vectors), "--index", str(index)),
                *("--threads", str(settings.threads), AGAIN),
            ),
            (index,),
        ),
    ]


def search_step(plan: Plan, settings: Settings, system: str, what: tuple[str, ...]) -> Step:
    """Search the test topics of every kind; passages collapse to pages."""
    return Step(
        f"search-{system}",
        f"search the test topics of every kind: {system}",
        "hyper_ir.search",
        (
            *what,
            *("--topics", str(settings.docs / task_file(EACH, "test"))),
            *("--output", str(settings.run_file(system, EACH))),
            *("--hits", str(settings.hits), "--max-passage"),
            *("--max-passage-hits", str(settings.hits)),
            *("--threads", str(settings.threads), "--quiet"),
        ),
        tuple(settings.run_file(system, task) for task in plan.tasks),
        each=plan.tasks,
        quiet=True,
    )


def evaluate_step(plan: Plan, settings: Settings) -> Step:
    """Score all runs on all kinds, and compare them with the baseline."""
    return Step(
        "evaluate",
        "score the runs, with paired tests against BM25",
        "hyper_ir.evaluate",
        (
            "--qrels",
            *(f"{task}={settings.docs / task_file(task, 'test')}" for task in plan.tasks),
            "--runs",
            *(f"{system}={settings.run_file(system, '{task}')}" for system in plan.systems),
            *("--measures", *MEASURES, "--baseline", plan.systems[0]),
            *("--json", str(settings.output / "scores.json")),
        ),
        (settings.output / "scores.json",),
        always=True,
        quiet=True,
    )


def model_name(checkpoint: Checkpoint) -> str:
    """What to call a model: its folder's name, but the published name of the default one."""
    name = checkpoint.folder.resolve().name
    return MINILM if DISTRIBUTION.replace("-", "_") in checkpoint.folder.parts else name


def weights(folder: Path) -> dict[str, Any]:
    """What tells a model's files from others of the same name: their sizes and times."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in files
        if path.suffix in (".safetensors", ".json", ".txt")
    }
