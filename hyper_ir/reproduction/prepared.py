"""What cells share: indexes, mined examples, the frozen documents' vectors. Made once.

``prepared/NAME-KEY/`` holds one of them, with ``made.json`` written last. The key is a hash of
what it is made of, as a cell's is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.data.vectors import vector_files
from hyper_ir.files import write_json
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.indexing import build_bm25_index
from hyper_ir.mining.first_stage import FirstStageConfig, FromIndex
from hyper_ir.mining.pipeline import mine
from hyper_ir.mining.selection import MiningSettings
from hyper_ir.models.retriever import Retriever
from hyper_ir.problems import Problems
from hyper_ir.reproduction.claims import Claims
from hyper_ir.reproduction.collection_vectors import build_store, encode_collection
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.reproduction.identity import Identities, hash_of_file, hash_of_topics, key_of
from hyper_ir.reproduction.own_hits import FromBackbone
from hyper_ir.reproduction.query_side import QuerySide
from hyper_ir.reproduction.searchers import Kind, open_searcher
from hyper_ir.training.document_sources import check_vectors
from hyper_ir.training.example_set import ExampleSet
from hyper_ir.training.model import is_lexical
from hyper_ir.training.query_vectors import QueryVectors
from hyper_ir.training.recipe import Recipe, TeacherConfig

MADE = "made.json"


class Prepared:
    """The shared parts of a grid, each made when it is first asked for.

    Parameters
    ----------
    recipes: each side's.
    root: folder of what is made.
    claims: of all processes that share the grid.
    """

    def __init__(
        self,
        grid: Grid,
        recipes: Mapping[str, Recipe],
        identities: Identities,
        root: Path,
        claims: Claims,
    ) -> None:
        self.grid = grid
        self.recipes = recipes
        self.identities = identities
        self.root = root
        self.claims = claims
        self._checked: set[tuple[str, str]] = set()

    def corpus(self, collection: str) -> Corpus:
        """A collection, to be read from its beginning.

        Bad records end the work where it is the knowledge source; elsewhere (Cranfield has two
        documents without a text) they are left out.
        """
        data = self.grid.data
        own = collection == CORPUS
        return open_corpus(
            data.source(collection),
            format=data.corpus_format if own else "auto",
            words=data.corpus_words,
            problems=Problems("stop" if own else "skip"),
        )

    def examples(self) -> list[str]:
        """Files of training examples."""
        ready = self.grid.data.examples
        return list(ready) if ready else [str(self._once("examples", *self._mining()))]

    def examples_made(self) -> list[str] | None:
        """The same where they are there already, else None."""
        ready = self.grid.data.examples
        if ready:
            return list(ready)
        identity, file, _ = self._mining()
        folder = self._folder("examples", identity)
        return [str(folder / file)] if (folder / MADE).exists() else None

    def _mining(self) -> tuple[dict[str, Any], str, Callable[[Path], None]]:
        data = self.grid.data
        sources = data.training
        settings = MiningSettings(
            depth=data.mining_depth,
            negatives=data.mining_negatives,
            max_queries=data.mining_queries,
        )
        identity = {
            "tasks": {task: hash_of_topics(source) for task, source in sources.items()},
            "corpus": self.identities.corpus(CORPUS),
            "settings": asdict(settings),
        }
        if (side := data.mining_from) != "bm25":
            identity["hits"] = self.identities.backbone(side, self.recipes[side])

        def make(path: Path) -> None:
            search = self._first_stage()
            report = path.with_name("examples.leaks.json")
            mined = mine(
                sources, self.corpus(CORPUS), search, path, report, settings, overwrite=True
            )
            for line in mined.all_notes():
                print(f"mining: {line}")
            without = [task.task for task in mined.tasks if not task.written]
            if without:
                path.unlink()
                raise ValueError(
                    f"mining: no example of {', '.join(without)}: the corpus has none of the "
                    f"documents that are judged, or no negative is left; {report} tells more"
                )

        return identity, "examples.jsonl", make

    def _first_stage(self) -> FirstStageConfig:
        """What finds the candidates that negatives are chosen from."""
        side, threads = self.grid.data.mining_from, self.grid.threads
        if side == "bm25":
            return FromIndex(str(self.index(CORPUS)), threads=threads)

        def opened() -> tuple[QuerySide, Any]:
            length = self.recipes[side].batch.query_length
            queries = QuerySide(self.backbone(side), length, self.grid.device)
            kind = queries.kind(self.grid.engine)
            return queries, open_searcher(kind, self.searched(kind, side, CORPUS))

        return FromBackbone(opened, self.identities.backbone(side, self.recipes[side]), threads)

    def searched(self, kind: Kind, side: str, collection: str) -> Path:
        """What a searcher of this kind opens for a side's vectors of a collection."""
        make = {"vectors": self.vectors, "impact": self.impact_index, "dense": self.store}[kind]
        return make(side, collection)

    def index(self, collection: str) -> Path:
        """A BM25 index of a collection."""
        if collection == CORPUS and self.grid.data.index is not None:
            return Path(self.grid.data.index)
        identity = {"bm25": self.identities.corpus(collection)}

        def make(path: Path) -> None:
            threads = self.grid.threads
            build_bm25_index(self.corpus(collection), path, threads=threads, overwrite=True)

        return self._once(f"bm25-{collection}", identity, "index", make)

    def backbone(self, side: str) -> Retriever:
        """A side's backbone."""
        recipe = self.recipes[side]
        return Retriever.from_pretrained(recipe.model, recipe.head, recipe.dense_pooling)

    def vectors(self, side: str, collection: str) -> Path:
        """A collection's vectors by a side's backbone.

        Raises ValueError for ready ones that another document encoder made.
        """
        ready = self.grid.side(side).vectors.get(collection)
        if ready is not None:
            if (side, collection) not in self._checked:
                check_vectors(Path(ready), self.backbone(side))
                self._checked.add((side, collection))
            return Path(ready)

        def make(path: Path) -> None:
            length = self.grid.data.document_length
            encode_collection(self.backbone(side), self.corpus(collection), path, self.grid, length)

        identity = self.identities.vectors(side, collection)
        return self._once(f"{side}-{collection}", identity, "vectors", make)

    def has_vectors(self, side: str, collection: str) -> bool:
        """Whether a collection's vectors by a side's backbone are there, given or made.

        Not where an input is missing that they follow from.
        """
        if collection in self.grid.side(side).vectors:
            return True
        try:
            identity = self.identities.vectors(side, collection)
        except (ValueError, OSError):
            return False
        return (self._folder(f"{side}-{collection}", identity) / MADE).exists()

    def store(self, side: str, collection: str) -> Path:
        """The same vectors as arrays on disk."""
        vectors = self.vectors(side, collection)

        def make(path: Path) -> None:
            build_store(self.backbone(side), vectors, path)

        identity = {"store": self.identities.vectors(side, collection)}
        return self._once(f"{side}-{collection}-store", identity, "store", make)

    def teacher_vectors(self, teacher: TeacherConfig) -> Path:
        """The collection's vectors by a teacher."""
        if teacher.vectors is not None:
            return Path(teacher.vectors)

        def make(path: Path) -> None:
            encode_collection(_model_of(teacher), self.corpus(CORPUS), path, self.grid)

        identity = {**self._made_by(teacher), "corpus": self.identities.corpus(CORPUS)}
        return self._once("teacher-corpus", identity, "vectors", make)

    def teacher_store(self, teacher: TeacherConfig) -> Path:
        """The same vectors as arrays on disk."""
        vectors = self.teacher_vectors(teacher)

        def make(path: Path) -> None:
            model = _model_of(teacher)
            check_vectors(vectors, model, "teacher.vectors")
            build_store(model, vectors, path)

        files = [(path.name, path.stat().st_size) for path in vector_files(vectors)]
        identity = {**self._made_by(teacher), "files": files}
        return self._once("teacher-corpus-store", identity, "store", make)

    def teacher_queries(self, teacher: TeacherConfig) -> Path | None:
        """A dense teacher's vectors of all training queries; None for a lexical one."""
        model = _model_of(teacher)
        if is_lexical(model):
            return None
        files = self.examples()

        def make(path: Path) -> None:
            texts = (example.query for example in ExampleSet(files))
            QueryVectors.build(path, model, texts, self.grid.device)

        examples = [hash_of_file(file) for file in files]
        identity = {**self._made_by(teacher), "examples": examples}
        return self._once("teacher-queries", identity, "queries", make)

    def _made_by(self, teacher: TeacherConfig) -> dict[str, Any]:
        """What a teacher's vectors follow from."""
        settings = self.identities.teacher(teacher)
        return {name: settings[name] for name in ("model", "head", "dense_pooling")}

    def impact_index(self, side: str, collection: str) -> Path:
        """The same vectors as a Lucene index."""
        vectors = self.vectors(side, collection)

        def make(path: Path) -> None:
            build_impact_index(vectors, path, threads=self.grid.threads, overwrite=True)

        identity = {"impacts": self.identities.vectors(side, collection)}
        return self._once(f"{side}-{collection}-index", identity, "index", make)

    def _folder(self, name: str, identity: Mapping[str, Any]) -> Path:
        return self.root / f"{name}-{key_of(identity)}"

    def _once(
        self, name: str, identity: Mapping[str, Any], artefact: str, make: Callable[[Path], None]
    ) -> Path:
        folder = self._folder(name, identity)
        path = folder / artefact
        if (folder / MADE).exists():
            return path
        with self.claims.awaited(folder.name):
            if not (folder / MADE).exists():
                folder.mkdir(parents=True, exist_ok=True)
                start = time.perf_counter()
                make(path)
                seconds = round(time.perf_counter() - start, 1)
                write_json(folder / MADE, {"made_of": identity, "seconds": seconds})
        return path


def _model_of(teacher: TeacherConfig) -> Retriever:
    return Retriever.from_pretrained(teacher.model, teacher.head, teacher.dense_pooling)
