"""Where a run's documents come from: texts to be encoded, or vectors of frozen documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.data.examples import TrainingExample
from hyper_ir.encode.crews import CrewConfig
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.tokens import lucene_tokens
from hyper_ir.manifest import model_name, read_manifest
from hyper_ir.models.retriever import Retriever
from hyper_ir.problems import Problems
from hyper_ir.training.batches import TeacherInputs
from hyper_ir.training.document_store import DocumentStore
from hyper_ir.training.documents import DocumentTexts, DocumentVectors
from hyper_ir.training.example_set import ExampleSet, documents_of
from hyper_ir.training.gathering import barrier, rank
from hyper_ir.training.model import is_lexical
from hyper_ir.training.output import DOCUMENTS, TEACHER_PREFIX, TEACHER_QUERIES, VECTORS
from hyper_ir.training.query_vectors import QueryVectors
from hyper_ir.training.recipe import Recipe
from hyper_ir.training.teacher import Teacher
from hyper_ir.training.token_store import TokenStore
from hyper_ir.training.validation import EncodedPool, Pool, StoredPool
from hyper_ir.training.word_match import WordMatch
from hyper_ir.wording import counted


def documents_and_pool(
    recipe: Recipe,
    retriever: Retriever,
    examples: ExampleSet,
    held_out: list[TrainingExample],
    overwrite: bool = False,
) -> tuple[DocumentTexts | DocumentVectors, Pool]:
    """What batches take their documents from, and what validation searches.

    ``overwrite``: vectors that lie in OUTPUT and are another recipe's are thrown away.
    """
    output = Path(recipe.output)
    candidates = recipe.validation.candidates
    wanted = documents_of([examples], None) | documents_of([held_out], candidates)
    if recipe.freeze != "none":
        store = _vectors(recipe, "data", recipe.data.vectors, retriever, wanted, overwrite)
        return DocumentVectors(store), StoredPool(store)
    corpus = corpus_of(recipe)
    length = retriever.config.document_max_length
    arguments = (output / DOCUMENTS, corpus, retriever.tokenizer, length, wanted)
    if rank() == 0:
        TokenStore.build(*arguments)
    barrier()
    tokens = TokenStore.open(output / DOCUMENTS)
    pool = sorted(documents_of([held_out], candidates))
    padding = retriever.tokenizer.pad_token_id or 0
    return DocumentTexts(tokens, padding), EncodedPool(tokens, pool)


def teacher_of(
    recipe: Recipe,
    examples: ExampleSet,
    device: torch.device,
    overwrite: bool = False,
    seen: int = 0,
) -> tuple[Teacher, TeacherInputs] | tuple[None, None]:
    """The recipe's teacher with its documents' vectors, and what it needs of a batch.

    ``seen``: queries that the run trains on, repeats counted. A dense teacher encodes its queries
    beforehand where that is more than there are.

    Raises ValueError where it cannot be loaded, or its vectors are another model's.
    """
    settings = recipe.teacher
    if settings is None:
        return None, None
    retriever = Retriever.from_pretrained(settings.model, settings.head, settings.dense_pooling)
    retriever.to(device)
    wanted = documents_of([examples], None)
    store = _vectors(recipe, "teacher", settings.vectors, retriever, wanted, overwrite)
    match = _word_match(recipe, wanted) if settings.bm25 else None
    chunk_tokens = recipe.batch.chunk_tokens
    teacher = Teacher(
        retriever, settings.weight, settings.temperature, chunk_tokens, match, settings.bm25
    )
    length = retriever.config.query_max_length
    queries = _query_vectors(recipe, retriever, examples, device, seen)
    inputs = TeacherInputs(retriever.tokenizer, length, DocumentVectors(store), match, queries)
    return teacher, inputs


def _query_vectors(
    recipe: Recipe, retriever: Retriever, examples: ExampleSet, device: torch.device, seen: int
) -> QueryVectors | None:
    """A dense teacher's vectors of queries, where they are there or are worth making."""
    folder = Path(recipe.output) / TEACHER_QUERIES
    if is_lexical(retriever):
        return None
    if rank() == 0 and (folder.is_dir() or seen > len(examples)):
        texts = (example.query for example in examples)
        QueryVectors.build(folder, retriever, texts, str(device))
    barrier()
    return QueryVectors(folder) if folder.is_dir() else None


def _word_match(recipe: Recipe, wanted: set[str]) -> WordMatch:
    passages = list(only(corpus_of(recipe), wanted))
    require_all(wanted, (passage.id for passage in passages), recipe.data.corpus or "")
    return WordMatch(passages)


def _vectors(
    recipe: Recipe,
    part: Literal["data", "teacher"],
    given: str | None,
    retriever: Retriever,
    wanted: set[str],
    overwrite: bool,
) -> DocumentStore:
    """The vectors of frozen documents, encoded here unless they are given."""
    prefix = "" if part == "data" else TEACHER_PREFIX
    output = Path(recipe.output)
    folder = output / (prefix + DOCUMENTS)
    names = lucene_tokens(retriever.vocabulary) if is_lexical(retriever) else None
    width = retriever.document.head.width
    if rank() == 0:
        vectors = Path(given) if given else output / (prefix + VECTORS)
        if given is None:
            # Moving the engine's tower moves both where they are one; the device is the run's.
            device = str(retriever.document.backbone.word_embeddings.device)
            engine = Engine(retriever, "document", EngineConfig(device=device))
            corpus = only(corpus_of(recipe), wanted)
            require_all(wanted, (passage.id for passage in corpus), recipe.data.corpus or "")
            again = OutputConfig(resume=not overwrite, overwrite=overwrite)
            encode_corpus(engine, corpus, vectors, again, crew=CrewConfig())
        check_vectors(vectors, retriever, f"{part}.vectors")
        store = DocumentStore.build(folder, vectors, width, names, factor_of(vectors))
        require_all(wanted, (id for id in wanted if id in store), str(vectors))
    barrier()
    return DocumentStore.open(folder)


def require_all(wanted: set[str], there: Iterable[str], where: str) -> None:
    """Raise ValueError unless all documents that the examples name are there."""
    missing = sorted(wanted.difference(there))
    if missing:
        raise ValueError(
            f"{where}: it lacks {counted(len(missing), 'document')} that the examples name; the "
            f"first is {missing[0]}"
        )


def check_vectors(vectors: Path, retriever: Retriever, name: str = "data.vectors") -> None:
    """Raise ValueError for vectors whose manifest says that another document encoder made them."""
    manifest = read_manifest(vectors)
    made_by = manifest.model.get("document") if manifest is not None else None
    if manifest is not None and made_by not in (None, retriever.document_hash):
        raise ValueError(
            f"{name}: {vectors} was made by {model_name(manifest)}, whose document encoder "
            f"is not the recipe's; encode with the recipe's model, or leave {name} out"
        )


def factor_of(vectors: Path) -> float:
    """What the weights of these vectors were multiplied by, as their manifest says; else 100."""
    manifest = read_manifest(vectors)
    quantiser = manifest.quantiser if manifest is not None else {}
    return float(quantiser.get("factor", 100.0))


def corpus_of(recipe: Recipe) -> Corpus:
    """The recipe's collection; ValueError where it names none."""
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
