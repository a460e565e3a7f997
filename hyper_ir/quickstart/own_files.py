"""The quickstart over the user's own files: index them twice, and ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.python_docs.writing import DESCRIPTION
from hyper_ir.data.records import Hit, page_of
from hyper_ir.data.runs import read_run
from hyper_ir.data.text_files import find_text_files, path_of
from hyper_ir.files import atomic_text, require_directory
from hyper_ir.lucene.java import find_java
from hyper_ir.models.checkpoint import Checkpoint, find_checkpoint
from hyper_ir.outputs import require_not_input
from hyper_ir.quickstart.backbone import installed_minilm
from hyper_ir.quickstart.plan import (
    BASELINE,
    Plan,
    add_model,
    bm25_step,
    encode_steps,
    encoder_flags,
    model_of,
    weights,
)
from hyper_ir.quickstart.quickstart import print_card
from hyper_ir.quickstart.settings import Settings
from hyper_ir.quickstart.steps import AGAIN, Runner, Step, in_words

QUESTIONS = "questions.tsv"
HITS_SHOWN = 3
WORDS_SHOWN = 24


@dataclass(frozen=True)
class Answer:
    """One question's best files by one system: each file's path and its best passage's words."""

    question: str
    system: str
    files: list[tuple[str, str]]


def search_own_files(
    settings: Settings, folder: Path, questions: Sequence[str] = (), model: str | None = None
) -> list[Answer]:
    """Index a folder's text files for BM25 and for a model, and search them for the questions.

    Parameters
    ----------
    model: a shipped model, a retriever, or an encoder (it gets a lexical head, fitted on these
        files); None takes the installed all-MiniLM-L6-v2.

    Raises ValueError before the first step for anything that is missing, and what a step raises.
    """
    require_directory(folder, "files")
    require_not_input(settings.output, [folder])
    if (settings.docs / DESCRIPTION).is_file():
        raise ValueError(
            f"output: {settings.output} holds a quickstart over documentation; name another folder"
        )
    if not find_text_files(folder):
        raise ValueError(f"files: {folder} holds no text or Markdown files")
    blank = [question for question in questions if not question.split()]
    if blank:
        raise ValueError("ask: a question is empty")
    checkpoint = find_checkpoint(model or installed_minilm())
    java = find_java()
    print(f"model {model_of(checkpoint)}\nJava {java.version}")
    print_card(checkpoint)
    print(f"all output goes to {settings.output}/")
    plan = Plan(())
    model = own_steps(plan, settings, checkpoint, folder, questions)
    runner = Runner(settings.output / "steps", len(plan.steps))
    _write_questions(settings, questions)
    for step in plan.steps:
        runner.run(step)
    answers = _answers(plan, settings, questions) if questions else []
    for answer in answers:
        print(_in_words(answer))
    print(f"\nall steps took {in_words(runner.seconds)}")
    print(_next_command(settings, plan, model))
    return answers


def own_steps(
    plan: Plan, settings: Settings, checkpoint: Checkpoint, folder: Path, questions: Sequence[str]
) -> str:
    """Add the steps to a plan; return what the model is called on a command line."""
    plan.steps += [_collect_step(settings, folder), bm25_step(settings)]
    model = add_model(plan, settings, checkpoint)
    plan.steps += encode_steps(settings, plan.lexical, model, weights(checkpoint.folder))
    plan.systems += [BASELINE, plan.lexical]
    if questions:
        flags = {BASELINE: ("--bm25",), plan.lexical: encoder_flags(plan.lexical, model)}
        for system, what in flags.items():
            plan.steps.append(_search_step(settings, system, what, questions))
    return model


def _collect_step(settings: Settings, folder: Path) -> Step:
    files = {
        str(path.relative_to(folder)): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in find_text_files(folder)
    }
    return Step(
        "collect-files",
        "collect the text and Markdown files",
        "hyper_ir.data.text_files",
        (
            *("--input", str(folder), "--output", str(settings.pages)),
            *("--on-bad-input", "skip", AGAIN),
        ),
        (settings.pages,),
        uses=files,
    )


def _search_step(
    settings: Settings, system: str, what: Sequence[str], questions: Sequence[str]
) -> Step:
    run = settings.run_file(system, "questions")
    return Step(
        f"search-files-{system}",
        f"search the files: {system}",
        "hyper_ir.search",
        (
            *(() if "--bm25" in what else ("--impact",)),
            *what,
            *("--index", str(settings.index(system))),
            *("--topics", str(settings.output / QUESTIONS), "--output", str(run)),
            *("--hits", str(settings.hits), "--threads", str(settings.threads), "--quiet"),
        ),
        (run,),
        uses={"questions": list(questions)},
        quiet=True,
    )


def _write_questions(settings: Settings, questions: Sequence[str]) -> None:
    with atomic_text(settings.output / QUESTIONS) as handle:
        for number, question in enumerate(questions, start=1):
            handle.write(f"{number}\t{' '.join(question.split())}\n")


def _answers(plan: Plan, settings: Settings, questions: Sequence[str]) -> list[Answer]:
    runs = {system: read_run(settings.run_file(system, "questions")) for system in plan.systems}
    best = {
        (number, system): _best_files(runs[system].get(str(number), []))
        for number in range(1, len(questions) + 1)
        for system in plan.systems
    }
    wanted = {hit.doc_id for hits in best.values() for hit in hits}
    corpus = open_corpus(str(settings.pages), format="kilt")
    texts = {each.id: each.fields["text"] for each in corpus if each.id in wanted}
    return [
        Answer(
            questions[number - 1],
            system,
            [(path_of(page_of(hit.doc_id)), _shown(texts[hit.doc_id])) for hit in hits],
        )
        for (number, system), hits in best.items()
    ]


def _best_files(hits: Sequence[Hit]) -> list[Hit]:
    """The best passage of each of the best files."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(page_of(hit.doc_id), hit)
    return list(best.values())[:HITS_SHOWN]


def _shown(text: str) -> str:
    words = text.split()
    return " ".join(words[:WORDS_SHOWN]) + (" …" if len(words) > WORDS_SHOWN else "")


def _in_words(answer: Answer) -> str:
    lines = [f"\n{json.dumps(answer.question, ensure_ascii=False)}, {answer.system}:"]
    for rank, (path, text) in enumerate(answer.files, start=1):
        lines += [f"  {rank}. {path}", f"     {text}"]
    return "\n".join(lines if answer.files else [*lines, "  nothing found"])


def _next_command(settings: Settings, plan: Plan, model: str) -> str:
    encoder = " ".join(map(quote, encoder_flags(plan.lexical, model)))
    return (
        "next: ask something else (the same command with another --ask searches at once), or\n"
        "  printf '1\\tQUESTION\\n' > my-topics.tsv\n"
        f"  python -m hyper_ir.search --impact --index {quote(str(settings.index(plan.lexical)))} "
        f"{encoder} --topics my-topics.tsv --output my-run.trec"
    )
