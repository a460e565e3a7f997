"""A recipe: all that a training run follows from, as typed settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hyper_ir.models.config import HeadKind
from hyper_ir.models.heads import DensePooling
from hyper_ir.models.prompt_config import PRESETS, PromptConfig
from hyper_ir.training.batch_config import BatchConfig
from hyper_ir.training.objectives import ObjectiveConfig

Freeze = Literal["none", "document", "backbone"]
Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class DataConfig:
    """What is trained on.

    Attributes
    ----------
    examples: files of ``python -m hyper_ir.mine`` (JSONL).
    corpus: the collection whose ids the examples name; needed where documents are encoded.
    corpus_format: the collection's format, as in ``python -m hyper_ir.encode input``.
    corpus_words: words of a passage where pages are cut, as in ``python -m hyper_ir.encode
        input``; format and words must be those that the ids were made with.
    vectors: folder of the collection's vectors, made by ``python -m hyper_ir.encode`` with the
        recipe's model, for frozen documents; None encodes the examples' documents into OUTPUT.
    tasks: train on these tasks alone; None for all.
    leave_out: train on all tasks but these.
    per_task: keep so many examples of a task, drawn by the seed (few-shot); None for all.
    """

    examples: list[str] = field(default_factory=list)
    corpus: str | None = None
    corpus_format: str = "auto"
    corpus_words: int = 100
    vectors: str | None = None
    tasks: list[str] | None = None
    leave_out: list[str] = field(default_factory=list)
    per_task: int | None = None


@dataclass(frozen=True)
class PromptSettings:
    """A published form of the prompts, and what of it is changed.

    Attributes
    ----------
    preset: the published form, which gives all settings that are None here; see
        :class:`~hyper_ir.models.prompt_config.PromptConfig`.
    queries: how many training queries a start from k-means, activations or quiet looks at.
    """

    preset: Literal["paper", "released", "prefix-tuning"] = "paper"
    prompts: int | None = None
    length: int | None = None
    query_hidden: int | None = None
    prefix_hidden: int | None = None
    temperature: float | None = None
    mix: Literal["prompt", "prefix"] | None = None
    pool: Literal["before", "after"] | None = None
    activation: Literal["gelu", "silu", "relu", "tanh"] | None = None
    layer_norm: bool | None = None
    bias: bool | None = None
    scale_scores: bool | None = None
    query_conditional: bool | None = None
    dropout: float | None = None
    initialisation: Literal["normal", "uniform", "words", "kmeans"] | None = None
    initialisation_scale: float | None = None
    prefix_initialisation: Literal["random", "activations", "quiet"] | None = None
    queries: int = 2000

    def resolved(self) -> PromptConfig:
        """The prompts' configuration; raises ValueError for settings that do not go together.

        Prompts that are not query-conditional have no queries to cluster: unless another start
        is asked for, they then begin as words.
        """
        changes = {
            name: value
            for name, value in vars(self).items()
            if value is not None and name not in ("preset", "queries")
        }
        if self.preset == "prefix-tuning" and self.prompts not in (None, 1):
            raise ValueError(
                f"prompts.prompts: {self.prompts}; prefix-tuning has one static prefix"
            )
        if self.query_conditional is False and self.initialisation is None:
            changes["initialisation"] = "words"
        return PromptConfig.preset(self.preset, **changes)

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"prompts.preset: {self.preset!r}; known are {', '.join(PRESETS)}")
        if self.queries < 1:
            raise ValueError(f"prompts.queries: {self.queries} is not a positive number")


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW with linear warm-up and decay.

    Attributes
    ----------
    backbone_rate: learning rate of the transformer with its head.
    prompt_rate: learning rate of the prompts and their maps.
    prefix_rate: of the maps from a mixed prompt to keys and values; None as ``prompt_rate``. What
        decides which prompts a query attends to can stay slow so.
    weight_decay: weight decay of matrices; biases, layer norms and prompts have none.
    warmup: share of the steps over which the rates rise.
    epochs: how often the examples are gone through; fractions are fine.
    max_steps: optimiser steps to train for instead; it wins over ``epochs`` where given.
    clip: greatest norm of the gradient; 0 for none.
    """

    backbone_rate: float = 2e-5
    prompt_rate: float = 1e-3
    prefix_rate: float | None = None
    weight_decay: float = 0.01
    warmup: float = 0.06
    epochs: float = 10
    max_steps: int | None = None
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("backbone_rate", "prompt_rate", "prefix_rate", "epochs"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"optimiser.{name}: {value} is not above 0")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"optimiser.warmup: {self.warmup} is not from 0 to below 1")
        for name in ("weight_decay", "clip"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"optimiser.{name}: {getattr(self, name)} is negative")
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError(f"optimiser.max_steps: {self.max_steps} is not a positive number")


@dataclass(frozen=True)
class ValidationConfig:
    """Retrieval on held-out queries while training; the best model is kept.

    Attributes
    ----------
    examples: files of ``python -m hyper_ir.mine`` over development queries; empty for none.
    per_task: queries of a task, drawn by the seed.
    every: optimiser steps between two validations; also before the first and after the last.
    measure: a measure of ir-measures, over pages; its mean over tasks decides which model is best.
    candidates: how many candidates of each query make the pool that is searched, where documents
        are trained; frozen documents are searched all.
    """

    examples: list[str] = field(default_factory=list)
    per_task: int = 100
    every: int = 500
    measure: str = "nDCG@10"
    candidates: int = 20

    def __post_init__(self) -> None:
        for name in ("per_task", "every", "candidates"):
            if getattr(self, name) < 1:
                raise ValueError(f"validation.{name}: {getattr(self, name)} is not positive")


@dataclass(frozen=True)
class TeacherConfig:
    """A retriever whose scores of a batch the trained one's are to follow.

    Attributes
    ----------
    model: folder or hub name, as ``hyper_ir.encode --encoder`` takes it.
    vectors: folder of the collection's vectors, made with the teacher; None encodes the examples'
        documents into OUTPUT.
    head, dense_pooling: as the recipe's own.
    weight: of the divergence from the teacher in the objective.
    temperature: divides the teacher's scores: about 0.05 for unit vectors, 1 for a SPLADE model.
    bm25: what the batch's best match of a query's words, by BM25, adds to its score (others add as
        their BM25 is to the best): 0.3 beside unit vectors is a teacher better than either.
    """

    model: str
    vectors: str | None = None
    head: HeadKind | None = None
    dense_pooling: DensePooling | None = None
    weight: float = 1.0
    temperature: float = 0.05
    bm25: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.bm25 < float("inf"):
            raise ValueError(f"teacher.bm25: {self.bm25} is not a number from 0")
        for name in ("weight", "temperature"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"teacher.{name}: {getattr(self, name)} is not a number above 0")


@dataclass(frozen=True)
class LogConfig:
    """What is told and kept on the way.

    Attributes
    ----------
    every: optimiser steps between two lines of the log.
    save_every: optimiser steps between two checkpoints to resume from; None: as validation.
    keep: how many checkpoints are kept.
    tensorboard: also log to TensorBoard.
    wandb: also log to Weights & Biases.
    """

    every: int = 50
    save_every: int | None = None
    keep: int = 1
    tensorboard: bool = False
    wandb: bool = False

    def __post_init__(self) -> None:
        for name in ("every", "keep"):
            if getattr(self, name) < 1:
                raise ValueError(f"log.{name}: {getattr(self, name)} is not a positive number")
        if self.save_every is not None and self.save_every < 1:
            raise ValueError(f"log.save_every: {self.save_every} is not a positive number")


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes
    ----------
    model: what it starts from: a folder or hub name, as ``hyper_ir.encode --encoder`` takes it.
    output: folder for the trained model, checkpoints, and log.
    head: the kind of vectors, for a model that could be either; None takes what it is.
    dense_pooling: what of a dense model's output is the vector; None takes what the model has.
    prompts: the prompts' settings; None trains without prompts. Of a model that has prompts they
        are kept and trained on.
    freeze: ``"none"`` trains all; ``"document"`` leaves the document encoder as it is and trains
        a query encoder of its own; ``"backbone"`` trains the prompts alone.
    freeze_vocabulary: leave word embeddings and the head as they are and train the layers between
        them: a query encoder that shares both with the documents' is a third of the size.
    separate: two encoders, one for queries and one for documents, where both are trained.
    teacher: a retriever to learn from besides the examples; None for none.
    precision: of the arithmetic; ``"bf16"`` and ``"fp16"`` by autocast.
    gradient_checkpointing: compute each layer again for the gradient, which saves memory.
    compile: torch.compile the transformer.
    device: what it trains on; ``"auto"`` takes a GPU where there is one.
    seed: of all that is drawn at random; the same seed draws the same.
    """

    model: str
    output: str
    data: DataConfig = field(default_factory=DataConfig)
    head: HeadKind | None = None
    dense_pooling: DensePooling | None = None
    prompts: PromptSettings | None = field(default_factory=PromptSettings)
    freeze: Freeze = "none"
    freeze_vocabulary: bool = False
    separate: bool = False
    teacher: TeacherConfig | None = None
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    log: LogConfig = field(default_factory=LogConfig)
    precision: Precision = "fp32"
    gradient_checkpointing: bool = False
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.data.examples:
            raise ValueError("data.examples: no file of training examples is named")
        if self.seed < 0:
            raise ValueError(f"seed: {self.seed} is negative")
        if self.prompts is not None:
            self.prompts.resolved()
        if self.freeze == "none" and self.data.corpus is None:
            raise ValueError("data.corpus: the texts are needed to train the document encoder")
        if self.freeze != "none" and not (self.data.corpus or self.data.vectors):
            raise ValueError("data.corpus or data.vectors: documents are needed")
        if self.teacher is not None and not (self.data.corpus or self.teacher.vectors):
            raise ValueError("data.corpus or teacher.vectors: the teacher's documents are needed")
        if self.teacher is not None and self.teacher.bm25 and not self.data.corpus:
            raise ValueError("data.corpus: teacher.bm25 needs the documents' texts")
        if self.freeze != "none" and self.separate:
            raise ValueError("separate: with frozen documents the encoders are separate anyway")
        both = set(self.data.tasks or ()).intersection(self.data.leave_out)
        if both:
            raise ValueError(f"data: task {min(both)} is both taken and left out")
