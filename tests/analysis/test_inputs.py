from __future__ import annotations

import random
from pathlib import Path

import pytest

from hyper_ir.analysis.inputs import read_tasks, topics_sources
from hyper_ir.problems import Problems
from tests.analysis.small import topics


def test_kilts_files_name_their_task(tmp_path: Path) -> None:
    paths = topics(tmp_path)
    other = tmp_path / "mine.tsv"
    other.write_text("1\tone\n2\ttwo\n", encoding="utf-8")
    test = tmp_path / "hotpotqa-test_without_answers-kilt.jsonl"
    test.write_text(Path(paths[0]).read_text(encoding="utf-8"), encoding="utf-8")
    sources = topics_sources([*paths, str(other), f"x={paths[0]}", str(test)])
    assert list(sources) == ["nq", "wow", "fever", "mine", "x", "hotpotqa"]
    assert sources["wow"] == paths[1]


def test_bad_sources_are_refused(tmp_path: Path) -> None:
    paths = topics(tmp_path)
    with pytest.raises(ValueError, match=r"topics: .*missing\.tsv does not exist"):
        topics_sources([str(tmp_path / "missing.tsv")])
    with pytest.raises(ValueError, match="task 'nq' is that of"):
        topics_sources([paths[0], f"nq={paths[1]}"])
    with pytest.raises(ValueError, match="max queries: 1"):
        read_tasks(topics_sources(paths), 1, 42)


def test_samples_are_seeded_by_task_and_keep_order(tmp_path: Path) -> None:
    sources = topics_sources(topics(tmp_path))
    tasks = read_tasks(sources, 5, 42)
    assert [len(task.topics) for task in tasks] == [5, 5, 5]
    assert [task.total for task in tasks] == [12, 12, 12]
    drawn = sorted(random.Random("42 nq").sample(range(12), 5))
    assert [topic.id for topic in tasks[0].topics] == [f"nq{place}" for place in drawn]
    alone = read_tasks({"fever": sources["fever"]}, 5, 42)
    assert alone[0] == tasks[2]
    assert read_tasks(sources, 5, 43) != tasks
    assert read_tasks(sources, None, 42)[0].topics == read_tasks(sources, 12, 1)[0].topics


def test_bad_records_go_to_problems(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("1\tone\nno tab\n2\ttwo\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"t\.tsv:2: no tab"):
        read_tasks({"t": str(path)}, None, 42)
    problems = Problems("skip")
    assert len(read_tasks({"t": str(path)}, None, 42, problems)[0].topics) == 2
    assert problems.count == 1
