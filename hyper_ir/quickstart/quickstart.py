"""The quickstart as a function: check everything, run the steps, show what came out."""

from __future__ import annotations

from typing import Any

from hyper_ir.data.python_docs.kinds import TASKS
from hyper_ir.data.python_docs.reading import find_trees
from hyper_ir.data.python_docs.writing import task_file
from hyper_ir.evaluation.rendering import print_tables
from hyper_ir.lucene.java import find_java
from hyper_ir.models.card import card_of
from hyper_ir.models.card_text import in_words
from hyper_ir.models.checkpoint import Checkpoint, find_checkpoint
from hyper_ir.quickstart.backbone import installed_minilm
from hyper_ir.quickstart.examples import as_json, make_examples
from hyper_ir.quickstart.examples import in_words as example_in_words
from hyper_ir.quickstart.plan import LEXICAL, Plan, collect_step, encoder_flags, make_plan, model_of
from hyper_ir.quickstart.results import read_scores, tables, write_results
from hyper_ir.quickstart.settings import Settings
from hyper_ir.quickstart.steps import Runner
from hyper_ir.quickstart.steps import in_words as time_in_words


def quickstart(settings: Settings, model: str | None = None) -> dict[str, Any]:
    """Run all steps that are not done yet, print tables and examples, return the scores.

    Parameters
    ----------
    model: an encoder (it gets a lexical head), a masked-LM model, or a shipped model
        (``hyper_ir:NAME``); None takes the installed all-MiniLM-L6-v2.

    Raises ValueError before the first step for anything that is missing: Java, the model, the
    packages; and what a step raises.
    """
    if settings.output.is_file():
        raise ValueError(f"output: {settings.output} is a file; a folder is needed")
    trees = find_trees(settings.packages)
    checkpoint = find_checkpoint(model or installed_minilm())
    java = find_java()
    print(f"model {model_of(checkpoint)}\nJava {java.version}")
    print_card(checkpoint)
    print(f"all output goes to {settings.output}/")

    total = 1 + len(make_plan(settings, checkpoint).steps)
    runner = Runner(settings.output / "steps", total)
    runner.run(collect_step(settings, trees))
    tasks = [task for task in TASKS if (settings.docs / task_file(task, "test")).is_file()]
    if not tasks:
        raise ValueError(
            f"packages: {', '.join(settings.packages)} give no test topics; name larger ones"
        )
    plan = make_plan(settings, checkpoint, tasks)
    for step in plan.steps:
        runner.run(step)

    scores = read_scores(settings)
    print()
    print_tables(tables(plan, scores))
    examples = make_examples(plan, settings, lexical_model(plan, settings, checkpoint))
    print("three topics of the test (* answers it):\n" if len(examples) == 3 else "")
    for example in examples:
        print(example_in_words(example) + "\n")
    results = write_results(settings, model_of(checkpoint), scores, runner.done, as_json(examples))
    print(f"all steps took {time_in_words(runner.seconds)}; figures: {results}")
    print(next_commands(settings, plan, checkpoint))
    return scores


def print_card(checkpoint: Checkpoint) -> None:
    """Say what a model was made of and under which licences, where its folder tells."""
    card = card_of(checkpoint.folder)
    if card is not None:
        print(in_words(card))


def lexical_model(plan: Plan, settings: Settings, checkpoint: Checkpoint) -> str:
    """The model that the lexical runs were made with, as a command line names it."""
    grafted = any(step.name == "graft" for step in plan.steps)
    return str(settings.output / "models" / LEXICAL) if grafted else model_of(checkpoint)


def next_commands(settings: Settings, plan: Plan, checkpoint: Checkpoint) -> str:
    """What to do next, as commands."""
    model = lexical_model(plan, settings, checkpoint)
    index = settings.index(plan.lexical)
    encoder = " ".join(encoder_flags(plan.lexical, model))
    return (
        "next: ask something of your own\n"
        "  printf '1\\thow do I merge two tables\\n' > my-topics.tsv\n"
        f"  python -m hyper_ir.search --impact --index {index} {encoder} "
        "--topics my-topics.tsv --output my-run.trec\n"
        "or take a collection of your own (KILT, BEIR, TSV, ir_datasets:NAME)\n"
        f"  python -m hyper_ir.encode input --corpus CORPUS output --embeddings vectors/NAME "
        f"encoder --encoder {model}"
    )
