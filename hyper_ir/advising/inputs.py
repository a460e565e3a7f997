"""What an advice is made from, checked before anything is built."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hyper_ir.advising.records import fingerprint, traits_of, traits_of_vectors
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import Judgment
from hyper_ir.evaluation.measures import Measure, parse_measures
from hyper_ir.lucene.java import find_java
from hyper_ir.lucene.staging import require_whole
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.engines import Engine
from hyper_ir.search.pipeline import Depth
from hyper_ir.search.query_checks import say
from hyper_ir.search.query_encoders import ModelSettings

NO_FACTOR = (
    "no manifest says by which factor their weights became integers; --vectors-factor does "
    "(100 for most, 51.2 for what Pyserini's own SPLADE encoder wrote)"
)


@dataclass(frozen=True)
class Inputs:
    """Files and settings.

    Attributes
    ----------
    vectors: a file or folder of sparse vectors.
    topics: texts where there is an ``encoder``, else encoded topics.
    qrels: judgments of the dev set, as ``read_qrels`` takes them.
    measures: their names; the first decides.
    encoder, settings: what encodes the topics, as for ``hyper_ir.search``.
    depth: what is done to lists.
    engine: as for ``hyper_ir.search``; ``auto`` takes Lucene where there is a Java.
    vectors_factor: of vectors whose manifest does not tell it.
    passes, sample: of the measuring, and the topics in it.
    """

    vectors: str
    topics: str
    qrels: str
    measures: tuple[str, ...] = ("nDCG@10",)
    encoder: str | None = None
    settings: ModelSettings = ModelSettings()  # noqa: RUF009 - frozen
    topics_format: str = "auto"
    depth: Depth = Depth(hits=100)  # noqa: RUF009 - frozen
    min_idf: float = 0.0
    engine: Engine = "auto"
    vectors_factor: float | None = None
    threads: int = 1
    passes: int = 7
    sample: int = 100

    def __post_init__(self) -> None:
        for name in ("threads", "passes", "sample"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: at least 1 is needed, not {getattr(self, name)}")

    def vectors_print(self) -> str:
        """What tells these vectors from others."""
        return fingerprint(traits_of_vectors(self.vectors), self.vectors_factor)

    def topics_print(self) -> str:
        """What tells the encoded topics from others: source, model, settings, judged topics."""
        return fingerprint(
            traits_of(self.topics),
            self.topics_format,
            traits_of(self.encoder),
            asdict(self.settings) if self.encoder is not None else None,
            traits_of(self.qrels),
        )


@dataclass(frozen=True)
class Checked:
    """Inputs that were looked at.

    Attributes
    ----------
    judgments, measures: read and parsed.
    manifest: of the vectors, where they have one.
    own_factor: the factor of the vectors.
    engine: which one searches.
    """

    inputs: Inputs
    judgments: list[Judgment]
    measures: list[Measure]
    manifest: Manifest | None
    own_factor: float
    engine: Literal["lucene", "exact"]

    @property
    def judged(self) -> set[str]:
        """Topics with judgments."""
        return {each.topic_id for each in self.judgments}


def check(inputs: Inputs, problems: Problems | None = None) -> Checked:
    """Raise ValueError for whatever can be known to be wrong before work begins.

    Vectors must be sparse and whole, and their factor known; judgments and measures must be;
    Lucene needs a Java. ``problems`` is told of bad judgments.
    """
    measures = parse_measures(inputs.measures)
    traits_of_vectors(inputs.vectors)
    require_whole(Path(inputs.vectors))
    manifest = read_manifest(inputs.vectors)
    if manifest is not None and manifest.kind != "vectors":
        raise ValueError(f"vectors: {inputs.vectors} is of kind {manifest.kind!r}, not vectors")
    return Checked(
        inputs,
        read_qrels(inputs.qrels, problems),
        measures,
        manifest,
        _factor(inputs, manifest),
        _engine(inputs.engine),
    )


def _factor(inputs: Inputs, manifest: Manifest | None) -> float:
    told: Any = manifest.quantiser.get("factor") if manifest is not None else None
    given = inputs.vectors_factor
    if told is not None and given is not None and float(told) != given:
        raise ValueError(
            f"vectors: {inputs.vectors} were made with factor {told:g}, says their manifest, not "
            f"{given:g}"
        )
    factor = told if given is None else given
    if factor is None:
        raise ValueError(f"vectors: {inputs.vectors}: {NO_FACTOR}")
    if not 0 < factor < float("inf"):
        raise ValueError(f"vectors factor: {factor:g} is not a positive number")
    return float(factor)


def _engine(wished: Engine) -> Literal["lucene", "exact"]:
    if wished == "exact":
        return "exact"
    try:
        find_java()
    except ValueError as error:
        if wished == "lucene":
            raise
        say(f"sizes are those of gzipped vectors, and speeds the exact searcher's: {error}")
        return "exact"
    return "lucene"
