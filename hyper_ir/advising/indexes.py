"""One index for each way to prune documents: built, measured, opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from hyper_ir.advising.grid import IndexSetting
from hyper_ir.advising.inputs import Checked
from hyper_ir.advising.records import Records, fingerprint
from hyper_ir.advising.requantise import write_requantised
from hyper_ir.files import PARTIAL_SUFFIX
from hyper_ir.locking import remove
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.indexing import is_index
from hyper_ir.manifest import manifest_path
from hyper_ir.problems import Problems
from hyper_ir.search.engines import ImpactEngine, plan

VECTORS_SUFFIX = ".vectors"
"""What Lucene is given to index, gone when it has."""


@dataclass(frozen=True, slots=True)
class Size:
    """What an index holds.

    Attributes
    ----------
    documents: how many.
    postings: pairs of a document and a term of it.
    bytes: on disk: Lucene's files, or the gzipped vectors where the exact engine reads those.
    """

    documents: int
    postings: int
    bytes: int

    @property
    def per_document(self) -> float:
        """Bytes a document."""
        return self.bytes / self.documents


class Indexes:
    """The indexes of a grid in a scratch folder; built when first needed, opened once.

    Parameters
    ----------
    checked: the vectors and the engine.
    folder: scratch; what is in it can be built again.
    records: where sizes are remembered, with what they depend on.
    problems: told of bad vectors.
    tell: is given a line for each index that is built.
    """

    def __init__(
        self,
        checked: Checked,
        folder: Path,
        records: Records,
        problems: Problems | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.checked = checked
        self.folder = folder
        self.records = records
        self.problems = problems
        self.tell = tell
        self.source = checked.inputs.vectors_print()
        self._open: dict[IndexSetting, ImpactEngine] = {}

    def mark(self, setting: IndexSetting) -> str:
        """What an index depends on, as one hash."""
        return fingerprint(self.source, self.checked.engine, asdict(setting))

    def size(self, setting: IndexSetting) -> Size:
        """The index's size, from the records where it was built before."""
        value = self.records.get(f"index-{setting.name}", self.mark(setting))
        return Size(**value) if value is not None else self._build(setting)

    def searcher(self, setting: IndexSetting) -> ImpactEngine:
        """The index, open."""
        if setting not in self._open:
            self.size(setting)
            if not self._is_there(setting):
                self._build(setting)
            self._open[setting] = plan(self._path(setting), self.checked.engine).open(
                self.checked.inputs.min_idf, progress=False
            )
        return self._open[setting]

    def path(self, setting: IndexSetting) -> Path | None:
        """Where Lucene's index lies; None where the exact engine reads vectors."""
        return self._path(setting) if self.checked.engine == "lucene" else None

    def tidy(self) -> None:
        """Remove what a killed process left half-made; none may be at work in the folder."""
        for pattern in (f".*{PARTIAL_SUFFIX}", f"*{VECTORS_SUFFIX}"):
            for left in self.folder.glob(pattern):
                remove(left)

    def remove(self) -> None:
        """Delete all indexes; sizes are still remembered."""
        self._open.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, setting: IndexSetting) -> Path:
        return self.folder / setting.name

    def _is_there(self, setting: IndexSetting) -> bool:
        path = self._path(setting)
        return is_index(path) if self.checked.engine == "lucene" else path.is_dir()

    def _build(self, setting: IndexSetting) -> Size:
        """Requantise and index; whatever stands there is of other vectors."""
        self.tell(f"building the index {setting.name}")
        path, lucene = self._path(setting), self.checked.engine == "lucene"
        self.folder.mkdir(parents=True, exist_ok=True)
        vectors = path.with_name(path.name + VECTORS_SUFFIX) if lucene else path
        manifest = write_requantised(
            self.checked.inputs.vectors, vectors, setting, self.checked.own_factor, self.problems
        )
        counts = manifest.counts
        on_disk = counts["bytes"]
        if lucene:
            shutil.rmtree(path, ignore_errors=True)
            build_impact_index(
                vectors, path, threads=self.checked.inputs.threads, optimize=True, progress=False
            )
            shutil.rmtree(vectors)
            on_disk = bytes_of(path)
        size = Size(counts["documents"], counts["terms"], on_disk)
        self.records.put(f"index-{setting.name}", self.mark(setting), asdict(size))
        return size


def bytes_of(index: Path) -> int:
    """The size of a Lucene index, without the manifest of this project."""
    own = manifest_path(index)
    return sum(path.stat().st_size for path in index.iterdir() if path.is_file() and path != own)
