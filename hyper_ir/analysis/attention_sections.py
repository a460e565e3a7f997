"""The sections about prompt attention: tasks compared, the map, queries alike and unlike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from hyper_ir.analysis.attention_summary import AttentionSummary, summarise
from hyper_ir.analysis.case_study import Case, Neighbour
from hyper_ir.analysis.divergences import pairwise_divergence, task_divergences
from hyper_ir.analysis.heat_maps import prompt_figure, similarity_figure
from hyper_ir.analysis.inputs import TaskQueries
from hyper_ir.analysis.layout import attention_layout
from hyper_ir.analysis.map_plot import map_figure
from hyper_ir.analysis.neighbours import purity
from hyper_ir.analysis.prompt_attention import PromptAttention
from hyper_ir.analysis.section import Section, one_line, row
from hyper_ir.analysis.similarity import TaskSimilarity, task_similarity
from hyper_ir.evaluation.tables import Table
from hyper_ir.figures.picture import drawn
from hyper_ir.figures.style import brief
from hyper_ir.wording import counted


@dataclass(frozen=True)
class Looked:
    """What was looked at.

    Attributes
    ----------
    tasks: the queries.
    attention: their prompt attention.
    divergence: between all pairs of them, ``(n, n)``, nats.
    seed: of all draws.
    """

    tasks: list[TaskQueries]
    attention: PromptAttention
    divergence: np.ndarray
    seed: int

    @classmethod
    def at(cls, tasks: list[TaskQueries], attention: PromptAttention, seed: int) -> Looked:
        """With the divergences of all pairs; ValueError where those are too many."""
        return cls(tasks, attention, pairwise_divergence(attention.shares), seed)

    @property
    def in_words(self) -> str:
        """Of how many queries, for captions."""
        drawn = any(len(task.topics) < task.total for task in self.tasks)
        said = f"{counted(len(self.attention.ids), 'query', 'queries')} of "
        said += counted(len(self.tasks), "task")
        return said + (f", drawn with seed {self.seed}" if drawn else "")


def attention_section(looked: Looked) -> Section:
    """Figure 2, the mean attention of each task, and the figures for all of them."""
    attention = looked.attention
    divergences = task_divergences(looked.divergence, attention.members)
    summary = summarise(attention, divergences)
    similarity = task_similarity(attention.means())
    nearest, best = _nearest_pair(attention.tasks, similarity)
    pictures = [
        drawn(
            "task-similarity",
            "Two heat maps, task by task, of how alike the tasks' mean prompt attention is, by "
            f"divergence and by cosine. Most alike are {nearest} "
            f"(similarity {best:.2f} by divergence).",
            lambda: similarity_figure(attention.tasks, similarity),
        ),
        drawn(
            "task-prompts",
            "Heat map of each task's mean share of each prompt. "
            + "; ".join(f"{brief(each.task)} mostly {each.top[0]}" for each in summary.tasks[:20]),
            lambda: prompt_figure(attention.tasks, attention.means(), similarity.order),
        ),
    ]
    caption = (
        f"Mean prompt attention of {looked.in_words}, task against task (figure 2 of the paper, "
        "which does not say by which similarity: here by divergence and by cosine), tasks in the "
        "order of an average-linkage clustering; below it each task's mean share of each of "
        f"{counted(attention.prompts, 'prompt')}. JSD in nats, 0 to {math.log(2):.3f}."
    )
    numbers = {
        **summary.as_json(),
        "jsd_by_task": divergences.by_task.tolist(),
        "similarity": {
            "tasks": attention.tasks,
            "divergence_based": similarity.divergence_based.tolist(),
            "cosine": similarity.cosine.tolist(),
            "order": [attention.tasks[place] for place in similarity.order],
        },
    }
    title = "Prompt attention, task by task (figure 2)"
    tables = [_task_table(summary, similarity.order)]
    return Section("attention", title, caption, pictures, tables, numbers)


def _nearest_pair(tasks: Sequence[str], similarity: TaskSimilarity) -> tuple[str, float]:
    matrix = similarity.divergence_based.copy()
    np.fill_diagonal(matrix, -1)
    first, second = divmod(int(matrix.argmax()), len(matrix))
    return f"{brief(tasks[first])} and {brief(tasks[second])}", float(matrix[first, second])


def _task_table(summary: AttentionSummary, order: Sequence[int]) -> Table:
    header = [
        "task",
        "queries",
        "entropy",
        "entropy of mean",
        "JSD within",
        "firsts",
        "top prompts",
    ]
    rows = []
    for place in order:
        each = summary.tasks[place]
        top = ", ".join(f"{number} ({each.mean[number]:.0%})" for number in each.top)
        rows.append(
            row(
                one_line(each.task, 40),
                f"{each.queries:,}",
                f"{each.entropy:.3f}",
                f"{each.entropy_of_mean:.3f}",
                f"{each.within:.3f}",
                str(each.firsts),
                top,
            )
        )
    ratio = "no ratio" if summary.ratio is None else f"ratio {summary.ratio:.2f}"
    unused = ", ".join(map(str, summary.unused)) or "none"
    note = (
        f"JSD between queries of one task {summary.within:.3f}, of two tasks {summary.between:.3f} "
        f"nats ({ratio}); entropy as a part of ln {summary.prompts}; firsts: prompts that are "
        "some query's first; prompts with less than a tenth of an equal share in the mean over "
        f"tasks: {unused}"
    )
    return Table("prompt attention by task", header, rows, note)


def map_section(looked: Looked) -> Section:
    """Figure 3, and how many of a query's neighbours are of its own task."""
    attention = looked.attention
    points = attention_layout(attention.shares, looked.divergence, looked.seed)
    near = purity(looked.divergence, attention.members)
    alt = (
        f"Map of {looked.in_words} by their prompt attention, a colour and a sign for each task. "
        f"In the full space {near.overall:.0%} of a query's {near.neighbours} nearest neighbours "
        f"are of its own task; by chance {near.chance:.0%} would be."
    )
    picture = drawn(
        "attention-map", alt, lambda: map_figure(attention.tasks, attention.members, points)
    )
    caption = (
        f"Attention vectors of {looked.in_words} (figure 3 of the paper): t-SNE on the root of "
        "the Jensen-Shannon divergence, a metric between distributions, started from the principal "
        f"components of the roots of the shares; seed {looked.seed}. Purity is measured in the "
        "full space, not on the map."
    )
    rows = [
        row(one_line(task, 40), f"{value:.3f}")
        for task, value in zip(attention.tasks, near.by_task, strict=True)
    ]
    rows.append(row("all queries", f"{near.overall:.3f}", best=True))
    rows.append(row("chance", f"{near.chance:.3f}"))
    title = f"purity of {near.neighbours} neighbours"
    numbers = {
        "purity": {**asdict(near), "tasks": attention.tasks},
        "points": [
            [attention.tasks[member], id, round(float(x), 4), round(float(y), 4)]
            for member, id, (x, y) in zip(attention.members, attention.ids, points, strict=True)
        ],
    }
    note = "share of the nearest queries by attention that are of the query's own task"
    tables = [Table(title, ["task", "purity"], rows, note)]
    return Section("map", "Map of prompt attention (figure 3)", caption, [picture], tables, numbers)


def similar_section(looked: Looked, found: Sequence[Case], share: float) -> Section:
    """Table 6: queries whose attention is like, and unlike, that of one."""
    attention = looked.attention
    header = ["", "task", "id", "JSD", "query"]
    tables, numbers = [], []
    for case in found:
        lines = [("base", Neighbour(case.base, 0.0))]
        lines += [(f"similar {place}", each) for place, each in enumerate(case.similar, 1)]
        lines += [(f"dissimilar {place}", each) for place, each in enumerate(case.dissimilar, 1)]
        rows = []
        for kind, each in lines:
            task = attention.tasks[attention.members[each.place]]
            id, text = attention.ids[each.place], attention.texts[each.place]
            jsd = "" if kind == "base" else f"{each.divergence:.3f}"
            rows.append(row(kind, one_line(task, 40), one_line(id, 40), jsd, one_line(text)))
            numbers.append(
                {
                    "base": attention.ids[case.base],
                    "kind": kind,
                    "task": task,
                    "id": id,
                    "jsd": each.divergence,
                }
            )
        base = one_line(attention.tasks[attention.members[case.base]], 40)
        tables.append(Table(f"a query of {base}", header, rows, words=5))
    which = (
        f"from the nearest and farthest {share:.0%}" if share > 0 else "the nearest and farthest"
    )
    caption = (
        f"Queries of each task with others of similar and dissimilar prompt attention, {which} of "
        f"{looked.in_words} (table 6 of the paper): the similar ones of any task, the dissimilar "
        f"ones of other tasks; draws with seed {looked.seed}. JSD in nats, 0 to {math.log(2):.3f}."
    )
    title = "Queries with similar and dissimilar attention (table 6)"
    return Section("similar", title, caption, [], tables, {"cases": numbers})
