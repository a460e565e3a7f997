"""The cells of the grid searched and scored, and their speed measured, each remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hyper_ir.advising.grid import Grid, Setting
from hyper_ir.advising.indexes import Indexes
from hyper_ir.advising.inputs import Checked
from hyper_ir.advising.records import Records, fingerprint
from hyper_ir.data.records import Hit
from hyper_ir.data.runs import read_run, write_run
from hyper_ir.evaluation.scores import RunScores, TaskScorer
from hyper_ir.lucene.queries import Vector
from hyper_ir.search.encoded_topics import EncodedTopic
from hyper_ir.search.latency import (
    Latency,
    Pass,
    evenly_drawn,
    interleaved,
    one_at_a_time,
    repeated,
    settled,
    timed,
)
from hyper_ir.search.pipeline import Search, stock_order
from hyper_ir.search.pruning import keep_heaviest
from hyper_ir.search.pruning_cost import DEPTHS, mean_overlap

BATCH = 64
TASK = "dev"

Lists = dict[str, list[Hit]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a setting finds.

    Attributes
    ----------
    scores: every judged topic's values.
    overlap: with the lists of the unpruned setting, by depth.
    """

    scores: RunScores
    overlap: dict[int, float]


class Cells:
    """Searches the topics at each setting.

    Parameters
    ----------
    checked: inputs.
    grid: the settings.
    indexes: what they search.
    topics: the judged topics' vectors.
    folder: where runs are kept.
    records: what was done before.
    """

    def __init__(
        self,
        checked: Checked,
        grid: Grid,
        indexes: Indexes,
        topics: Sequence[EncodedTopic],
        folder: Path,
        records: Records,
    ) -> None:
        self.checked = checked
        self.grid = grid
        self.indexes = indexes
        by_id = dict(topics)
        self.topics = [(id, by_id[id]) for id in stock_order(by_id)]
        self.folder = folder
        self.records = records
        self._topics_mark = checked.inputs.topics_print()

    def mark(self, setting: Setting, *more: Any) -> str:
        """What a setting's lists depend on, as one hash."""
        inputs = self.checked.inputs
        return fingerprint(
            self.indexes.mark(setting.index),
            self._topics_mark,
            setting.query_terms,
            asdict(inputs.depth),
            inputs.min_idf,
            *more,
        )

    def run_file(self, setting: Setting) -> Path:
        """Where the setting's run is kept."""
        return self.folder / f"{setting.name}.trec.gz"

    def found(self, progress: bool = True) -> dict[Setting, Found]:
        """Search and score all settings, one index after the other; the unpruned one first."""
        measures = [str(measure) for measure in self.checked.measures]
        unpruned = self.grid.unpruned
        scorer: TaskScorer | None = None
        whole: Lists | None = None
        results: dict[Setting, Found] = {}
        ordered = [each for index in self.grid.indexes for each in self.grid.of(index)]
        for setting in tqdm(ordered, desc="search", unit=" settings", disable=not progress):
            mark = self.mark(setting, self.mark(unpruned), measures)
            value = self.records.get(f"found-{setting.name}", mark)
            if value is None or not self.run_file(setting).is_file():
                if scorer is None:
                    scorer = TaskScorer(TASK, self._judgments(), self.checked.measures)
                lists = self._lists(setting)
                if whole is None:
                    whole = lists if setting == unpruned else read_run(self.run_file(unpruned))
                value = self._value(setting, lists, whole, scorer)
                self.records.put(f"found-{setting.name}", mark, value)
            overlap = {int(depth): share for depth, share in value["overlap"].items()}
            results[setting] = Found(RunScores(**value["scores"]), overlap)
        return {setting: results[setting] for setting in self.grid.settings}

    def latencies(self, progress: bool = True) -> dict[Setting, Latency]:
        """The latency of all settings, measured in turn, one query at a time.

        Each query's figure is its median over the passes. Settings are measured together or not at
        all: with another one in the grid, all anew.
        """
        inputs = self.checked.inputs
        marks = [self.mark(setting) for setting in self.grid.settings]
        mark = fingerprint(marks, inputs.passes, inputs.sample)
        value = self.records.get("speed", mark)
        if value is None:
            sample = evenly_drawn(self.topics, inputs.sample)
            cells = {each: self._pass(each, sample) for each in self.grid.settings}
            passes = interleaved(cells, inputs.passes, progress=progress)
            value = {each.name: asdict(settled(passes[each])) for each in self.grid.settings}
            self.records.put("speed", mark, value)
        return {each: Latency(**value[each.name]) for each in self.grid.settings}

    def _judgments(self) -> list[Any]:
        ids = {id for id, _ in self.topics}
        return [each for each in self.checked.judgments if each.topic_id in ids]

    def _lists(self, setting: Setting) -> Lists:
        search = Search[Vector](
            self.indexes.searcher(setting.index),
            self.checked.inputs.depth,
            BATCH,
            self.checked.inputs.threads,
        )
        lists = dict(search.run(keep_heaviest(self.topics, setting.query_terms), progress=False))
        write_run(self.run_file(setting), lists.items(), setting.name)
        return lists

    def _value(
        self, setting: Setting, lists: Lists, whole: Lists, scorer: TaskScorer
    ) -> dict[str, Any]:
        if not any(lists.values()):
            raise ValueError(f"setting {setting.name}: no topic finds anything; leave it out")
        results = {id: {hit.doc_id: hit.score for hit in hits} for id, hits in lists.items()}
        whole = {id: whole.get(id, []) for id in lists}
        return {
            "scores": asdict(scorer.score(setting.name, results)),
            "overlap": {str(depth): mean_overlap(whole, lists, depth) for depth in DEPTHS},
        }

    def _pass(self, setting: Setting, sample: Sequence[EncodedTopic]) -> Callable[[], Pass]:
        searcher = self.indexes.searcher(setting.index)
        search = Search[Vector](searcher, self.checked.inputs.depth, batch_size=1, threads=1)
        answer = timed(_as_it_is, lambda topic: search.lists([topic]))
        taken = repeated(keep_heaviest(sample, setting.query_terms))
        return partial(one_at_a_time, taken, answer)


def _as_it_is(topic: EncodedTopic) -> EncodedTopic:
    return topic
