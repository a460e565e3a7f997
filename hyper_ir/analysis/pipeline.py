"""From models, topics and measurements to a report: inputs first, then work, then files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copy2, copytree

from hyper_ir.analysis.advice_file import read_measured
from hyper_ir.analysis.attention_sections import (
    Looked,
    attention_section,
    map_section,
    similar_section,
)
from hyper_ir.analysis.case_study import SHARE, cases, chosen, drawn_bases
from hyper_ir.analysis.grid_sweeps import read_grid
from hyper_ir.analysis.inputs import read_tasks, topics_sources
from hyper_ir.analysis.plan import (
    ATTENTION,
    OF_NO_MODEL,
    SECTIONS,
    Given,
    Plan,
    plan,
    require_attention,
    require_tasks,
)
from hyper_ir.analysis.prefix_section import prefix_section
from hyper_ir.analysis.prefix_timing import PrefixSettings, check_lengths, measure_prefixes
from hyper_ir.analysis.prompt_attention import (
    attention_of_tasks,
    write_attention,
)
from hyper_ir.analysis.report import JSON, files_of, read_report, write_report
from hyper_ir.analysis.section import Section
from hyper_ir.analysis.speed import SpeedPoint
from hyper_ir.analysis.speed_section import speed_section
from hyper_ir.analysis.sweep_section import sweep_section
from hyper_ir.analysis.sweeps import Sweeps, read_sweeps, swept
from hyper_ir.encode.prompt_attention import require_conditional_prompts
from hyper_ir.files import atomic_directory, require_writable_folder
from hyper_ir.locking import sole_writer
from hyper_ir.models.retriever import Retriever
from hyper_ir.outputs import require_own
from hyper_ir.problems import Problems

ATTENTION_FILE = "attention.tsv.gz"

MAX_QUERIES = 300
SEED = 42


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    output: the report's folder.
    model: a model's folder or a hub's name.
    topics: ``[TASK=]SOURCE`` for each task.
    advice: ``[SYSTEM=]SOURCE`` of each measurement of speed.
    sweeps: files of scores by setting.
    grid: folder of ``hyper_ir.reproduce``, whose sweeps are drawn as well.
    only: sections; None for all that can be made.
    max_queries: of each task; None for all.
    max_length: tokens a query is cut to; None takes the model's.
    bases: ``TASK:ID`` of queries for table 6; none draws one of each task.
    share: of all queries, which are near and which far.
    prefixes: what figure 6 times.
    seed: of all draws.
    update: keep the sections of a report that is there and that are not made now.
    overwrite: replace a report that is there.
    command: what made it, in words.
    """

    output: Path
    model: str | None = None
    topics: Sequence[str] = ()
    advice: Sequence[str] = ()
    sweeps: Sequence[Path] = ()
    grid: Path | None = None
    only: Sequence[str] | None = None
    max_queries: int | None = MAX_QUERIES
    max_length: int | None = None
    bases: Sequence[str] = ()
    share: float = SHARE
    prefixes: PrefixSettings = field(default_factory=PrefixSettings)
    seed: int = SEED
    update: bool = False
    overwrite: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share: {self.share} is not from 0 to 1")
        if self.update and self.overwrite:
            raise ValueError("a report is either updated or overwritten")


@dataclass
class _Inputs:
    """What was read before any work; ``there`` is the report that is updated."""

    plan: Plan
    there: list[Section]
    looked: Looked | None = None
    retriever: Retriever | None = None
    advice: list[SpeedPoint] = field(default_factory=list)
    sweeps: Sweeps = field(default_factory=dict)

    @property
    def kept(self) -> list[Section]:
        """The sections that are there and not made now."""
        return [section for section in self.there if section.name not in self.plan.sections]

    def model_of(self, section: str) -> str:
        """What the model of a section is called; empty for a section of none."""
        if self.retriever is None or section in OF_NO_MODEL:
            return ""
        name = self.retriever.config.name or "model"
        return f"{name} ({self.retriever.weights_hash[:12]})"


def analyse(
    request: Request, problems: Problems | None = None, progress: bool = False
) -> tuple[list[Section], list[str]]:
    """Make the report; returns its new sections and what was left out, a sentence each.

    All inputs are read first. Bad records of topics go to ``problems``. Raises ValueError for
    what :func:`~hyper_ir.analysis.plan.plan` refuses, a model whose attention is asked for and
    that has no prompts or static ones, fewer than two tasks, a folder that is there or holds
    something else, and one that another process is writing.
    """
    _check_output(request)
    with sole_writer(request.output):
        inputs = _read(request, problems)
        makers = _makers(request, inputs, progress)
        made = [
            replace(makers[name](), command=request.command, model=inputs.model_of(name))
            for name in inputs.plan.sections
        ]
        kept = inputs.kept
        sections = sorted([*kept, *made], key=lambda section: SECTIONS.index(section.name))
        replaced = request.update or request.overwrite
        with atomic_directory(request.output, replace=replaced) as folder:
            if request.update:
                _carry(request.output, folder, files_of(inputs.there))
            write_report(folder, sections)
            if inputs.looked is not None:
                write_attention(folder / ATTENTION_FILE, inputs.looked.attention)
    there = {section.name for section in kept}
    return made, [why for name, why in inputs.plan.left_out.items() if name not in there]


def _carry(before: Path, folder: Path, own: set[str]) -> None:
    """What else lies in a report's folder stays there: the attention's file, and the user's."""
    for path in sorted(before.iterdir()) if before.is_dir() else []:
        if path.name in own:
            continue
        if path.is_dir():
            copytree(path, folder / path.name, symlinks=True)
        else:
            copy2(path, folder / path.name, follow_symlinks=False)


def _read(request: Request, problems: Problems | None) -> _Inputs:
    given = Given(
        request.model is not None,
        bool(request.topics),
        bool(request.advice),
        bool(request.sweeps) or request.grid is not None,
    )
    there = read_report(request.output) if request.update else []
    inputs = _Inputs(plan(given, request.only), there)
    wanted = inputs.plan.sections
    if "speed" in wanted:
        inputs.advice = [point for text in request.advice for point in read_measured(text)]
    if "sweeps" in wanted:
        inputs.sweeps = swept(point for path in request.sweeps for point in read_sweeps(path))
        inputs.sweeps |= read_grid(request.grid) if request.grid is not None else {}
    attention = any(name in ATTENTION for name in wanted)
    sources = topics_sources(request.topics) if attention else {}
    require_tasks(list(sources), wanted)
    tasks = read_tasks(sources, request.max_queries, request.seed, problems)
    for task in tasks:
        if len(task.topics) < 2:
            raise ValueError(f"task {task.name}: {task.source} has one query; 2 are needed")
    if attention or "prefix-length" in wanted:
        assert request.model is not None
        retriever = inputs.retriever = Retriever.from_pretrained(request.model)
        if attention:
            _require_same_model(inputs)
        if "prefix-length" in wanted:
            check_lengths(retriever, request.prefixes)
        if attention:
            try:
                require_conditional_prompts(retriever)
            except ValueError as error:
                raise require_attention(error, wanted) from error
            seen = attention_of_tasks(retriever, tasks, request.max_length)
            chosen(seen, request.bases)
            inputs.looked = Looked.at(tasks, seen, request.seed)
    return inputs


def _require_same_model(inputs: _Inputs) -> None:
    """Sections of one attention: they share a file of it, and are read as one model's."""
    model = inputs.model_of(ATTENTION[0])
    others = {
        section.model for section in inputs.kept if section.name in ATTENTION and section.model
    }
    if others - {model}:
        names = ", ".join(section.name for section in inputs.kept if section.name in ATTENTION)
        raise ValueError(
            f"output: its sections {names} are of {others.pop()}, not of {model}; make them of "
            "this model too (--only), or give another folder"
        )


def _check_output(request: Request) -> None:
    """Raise ValueError where a report must not be written."""
    require_writable_folder(request.output, "output")
    if request.output.exists() and not (request.update or request.overwrite):
        raise ValueError(
            f"output: {request.output} exists already; --update keeps the sections that are not "
            "made now, --overwrite throws all away"
        )
    require_own(request.output, [JSON], "a report")


def _makers(request: Request, inputs: _Inputs, progress: bool) -> dict[str, Callable[[], Section]]:
    """What makes each section, once its inputs are there."""

    def looked() -> Looked:
        assert inputs.looked is not None
        return inputs.looked

    def similar() -> Section:
        at, seed = looked(), request.seed
        bases = chosen(at.attention, request.bases) or drawn_bases(at.attention, seed)
        found = cases(at.attention, at.divergence, bases, seed, share=request.share)
        return similar_section(at, found, request.share)

    def prefixes() -> Section:
        assert inputs.retriever is not None
        costs = measure_prefixes(inputs.retriever, request.prefixes, progress)
        name = inputs.retriever.config.name or str(request.model)
        return prefix_section(costs, request.prefixes, Path(name).name)

    return {
        "attention": lambda: attention_section(looked()),
        "map": lambda: map_section(looked()),
        "similar": similar,
        "speed": lambda: speed_section(inputs.advice),
        "sweeps": lambda: sweep_section(inputs.sweeps),
        "prefix-length": prefixes,
    }
