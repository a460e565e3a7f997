"""A grid: which systems are trained, on what, and what they are tested on, as typed settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hyper_ir.reproduction.cost_config import CostConfig

PARTS = (
    "bm25",
    "zero",
    "main",
    "ablations",
    "cross-domain",
    "leave-one-out",
    "few-shot",
    "fine-tuned",
    "prompts",
    "cpr",
    "length",
    "initialisation",
    "released",
)
"""What a grid consists of, in the order in which it is worked off."""

TASK = "{task}"
"""Stands for a task's name in the names of files."""

CORPUS = "corpus"
"""What the knowledge source is called among the collections; the others have their own names."""

TRAINED_SIDES = ("splade", "dpr")

SEEDS = 2**32
"""A seed is below this: numpy takes no other."""


def _require_different(key: str, values: Sequence[object], what: str = "numbers") -> None:
    if not values or len(set(values)) < len(values):
        raise ValueError(f"{key}: {list(values)}: different {what} are needed, at least one")


@dataclass(frozen=True)
class GridData:
    """What is trained and tested on.

    Attributes
    ----------
    corpus: the knowledge source, in KILT's format or another.
    tasks: names of the tasks.
    train, dev: files of the tasks' records, with ``{task}`` where their names stand.
    train_only: what is trained on beside the tasks and not tested, by name: topics with judgments
        of the corpus, such as the folders of ``python -m hyper_ir.data pairs``.
    examples: mined training examples, if there are any; else they are mined from ``train`` and
        ``train_only``.
    index: a BM25 index of the corpus, if there is one; else it is made.
    corpus_format, corpus_words: as in ``python -m hyper_ir.encode input``.
    document_length: tokens that a document is cut to.
    mining_depth: hits that negatives are mined from.
    mining_from: whose hits: BM25's, or those of a side's backbone as it is, which are harder.
    mining_negatives: the most that an example gets.
    mining_queries: the most of a task's training queries that are mined for; null for all.
    zero_shot: collections without training data by name: BEIR folders or ``ir_datasets:NAME``.
    split: of the zero-shot collections.
    without_query: zero-shot collections that hold their queries, which are not to find themselves.
    """

    corpus: str
    tasks: list[str]
    train: str
    dev: str
    train_only: dict[str, str] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    index: str | None = None
    corpus_format: str = "auto"
    corpus_words: int = 100
    document_length: int = 256
    mining_depth: int = 100
    mining_from: Literal["bm25", "splade", "dpr"] = "bm25"
    mining_negatives: int = 100
    mining_queries: int | None = None
    zero_shot: dict[str, str] = field(default_factory=dict)
    split: str = "test"
    without_query: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _require_different("data.tasks", self.tasks, "names")
        for name in ("train", "dev"):
            if TASK not in getattr(self, name):
                raise ValueError(f"data.{name}: {getattr(self, name)} has no {TASK} in it")
        if self.mining_queries is not None and self.mining_queries < 1:
            raise ValueError(f"data.mining_queries: {self.mining_queries} is not a positive number")
        taken = {*self.tasks, CORPUS, "average"} & set(self.zero_shot)
        if taken:
            raise ValueError(f"data.zero_shot: {min(taken)} is the name of something else")
        if taken := {*self.tasks, *self.zero_shot} & set(self.train_only):
            raise ValueError(f"data.train_only: {min(taken)} is the name of something else")
        if self.train_only and self.examples:
            raise ValueError(
                "data.train_only is mined together with data.train, and data.examples takes the "
                "place of both: mine them together, or leave one out"
            )
        for name in self.without_query:
            if name not in self.zero_shot:
                raise ValueError(f"data.without_query: {name} is no zero-shot collection")
        for name in [*self.tasks, *self.train_only, *self.zero_shot]:
            if not isinstance(name, str) or name.split() != [name] or "/" in name:
                raise ValueError(f"data: {name!r} cannot be a name; give one word without /")

    @property
    def training(self) -> dict[str, str]:
        """Where the queries of what is trained on are read from, by name, the tasks first."""
        return {task: self.train.replace(TASK, task) for task in self.tasks} | self.train_only

    def source(self, collection: str) -> str:
        """Where a collection is read from."""
        return self.corpus if collection == CORPUS else self.zero_shot[collection]


@dataclass(frozen=True)
class SideConfig:
    """One backbone and what is trained of it.

    Attributes
    ----------
    model: the backbone, a folder or hub name; null leaves the side out.
    recipe: of its training: a shipped recipe's name, or a file.
    settings: what is changed of the recipe, by dotted keys.
    vectors: ready vectors by collection (``corpus`` is the knowledge source), made with the model.
    """

    model: str | None = None
    recipe: str = "mini-kilt"
    settings: dict[str, Any] = field(default_factory=dict)
    vectors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FewShotConfig:
    """Training on with a few examples of a task that was left out.

    Attributes
    ----------
    examples: how many examples of the new task.
    tasks: the tasks that are new in turn; null for all.
    steps: optimiser steps.
    """

    examples: list[int] = field(default_factory=lambda: [16, 64, 256])
    tasks: list[str] | None = None
    steps: int = 50

    def __post_init__(self) -> None:
        if self.steps < 1 or any(count < 1 for count in self.examples):
            raise ValueError("few_shot: examples and steps are positive numbers")
        _require_different("few_shot.examples", self.examples)
        if self.tasks is not None:
            _require_different("few_shot.tasks", self.tasks, "names")


@dataclass(frozen=True)
class SweepConfig:
    """What one setting of HypeR is varied over.

    Attributes
    ----------
    prompts: N, how many prompts.
    cpr: λ_c, the weight of CPR.
    lengths: m, positions of a prompt.
    initialisations: how prompts start.
    """

    prompts: list[int] = field(default_factory=lambda: [2, 5, 10, 20, 30, 50])
    cpr: list[float] = field(default_factory=lambda: [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5])
    lengths: list[int] = field(default_factory=lambda: [5, 10, 20, 50, 100, 200])
    initialisations: list[str] = field(
        default_factory=lambda: ["kmeans", "words", "normal", "uniform"]
    )

    def __post_init__(self) -> None:
        for name in ("prompts", "cpr", "lengths", "initialisations"):
            values = getattr(self, name)
            if values:
                _require_different(f"sweep.{name}", values, "values")


@dataclass(frozen=True)
class Grid:
    """All that is trained and tested for the tables.

    Attributes
    ----------
    output: folder of the grid: cells, prepared collections, tables.
    parts: what is wanted of the grid; they are worked off in the order of its definition.
    seeds: of the main rows; everything else is trained with the first.
    seeded: parts that are trained with all seeds.
    steps: optimiser steps of every training run; null as the recipe says.
    fine_tuning_steps: of the models of one task; null as all others.
    measures: of the tasks, by ir-measures' names; tables show the first.
    zero_shot_measures: of the zero-shot collections.
    queries: the most of a test, at equal distances in its file; null for all.
    hits: passages searched for a topic.
    depth: pages, or documents, kept of them in a run.
    engine: ``"exact"`` searches vectors in memory, with Lucene's scores; ``"lucene"`` an index.
    keep: trained models that stay: ``"all"``, or those that are ``"needed"``: the main rows' and
        what other cells start from.
    launcher: what starts training instead of this process, as [torchrun, --nproc-per-node, "8"].
    device: what is trained and encoded on.
    threads: topics searched at a time, and of indexing.
    """

    output: str
    data: GridData
    splade: SideConfig = field(default_factory=SideConfig)
    dpr: SideConfig = field(default_factory=SideConfig)
    parts: list[str] = field(default_factory=lambda: list(PARTS))
    seeds: list[int] = field(default_factory=lambda: [42, 43, 44])
    seeded: list[str] = field(default_factory=lambda: ["main"])
    steps: int | None = None
    fine_tuning_steps: int | None = None
    few_shot: FewShotConfig = field(default_factory=FewShotConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    measures: list[str] = field(default_factory=lambda: ["KILTRprec", "nDCG@10"])
    zero_shot_measures: list[str] = field(default_factory=lambda: ["nDCG@10"])
    queries: int | None = None
    hits: int = 100
    depth: int = 20
    engine: Literal["exact", "lucene"] = "exact"
    keep: Literal["all", "needed"] = "needed"
    launcher: list[str] = field(default_factory=list)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1
    cost: CostConfig = field(default_factory=CostConfig)

    def __post_init__(self) -> None:
        if not self.output:
            raise ValueError("output: the name of a folder is needed")
        for key in ("parts", "seeded"):
            for part in getattr(self, key):
                if part not in PARTS:
                    raise ValueError(f"{key}: {part!r}; known are {', '.join(PARTS)}")
        _require_different("parts", self.parts, "names")
        _require_different("seeds", self.seeds)
        for seed in self.seeds:
            if not 0 <= seed < SEEDS:
                raise ValueError(f"seeds: {seed} is not from 0 to below {SEEDS:,}")
        for key in ("steps", "fine_tuning_steps", "queries", "hits", "depth", "threads"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ValueError(f"{key}: {value} is not a positive number")
        _require_different("measures", self.measures, "names")
        if self.data.zero_shot:
            _require_different("zero_shot_measures", self.zero_shot_measures, "names")
        for task in self.few_shot.tasks or ():
            if task not in self.data.tasks:
                raise ValueError(f"few_shot.tasks: {task} is none of {', '.join(self.data.tasks)}")
        if self.splade.model is None and self.dpr.model is None and set(self.parts) != {"bm25"}:
            raise ValueError("splade.model, dpr.model: at least one backbone is needed")
        hits = self.data.mining_from
        if hits != "bm25" and self.side(hits).model is None and not self.data.examples:
            raise ValueError(f"data.mining_from: {hits}: it has no backbone; give {hits}.model")
        for side in TRAINED_SIDES:
            for name in self.side(side).vectors:
                if name != CORPUS and name not in self.data.zero_shot:
                    raise ValueError(f"{side}.vectors: there is no collection {name}")

    def side(self, name: str) -> SideConfig:
        """``splade`` or ``dpr``."""
        return self.splade if name == "splade" else self.dpr

    @property
    def sides(self) -> list[str]:
        """The sides that have a backbone."""
        return [side for side in TRAINED_SIDES if self.side(side).model is not None]

    def seeds_of(self, part: str) -> list[int]:
        """The seeds that a part's models are trained with."""
        return self.seeds if part in self.seeded else self.seeds[:1]
