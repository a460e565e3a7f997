from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hyper_ir.training.example_set import ExampleSet, documents_of, sample_of
from tests.training.small_run import write_queries


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return [str(write_queries(tmp_path, name, 12)) for name in ("one", "two")]


def test_files_follow_one_another(files: list[str]) -> None:
    examples = ExampleSet(files)
    assert [example.id for example in examples] == [
        f"{n}{i}" for n in ("one", "two") for i in range(12)
    ]
    assert examples.tasks == ["long", "short"]
    assert examples.tasks_of_all() == [example.task for example in examples]
    assert examples.sizes() == {"long": 16, "short": 8}
    assert [example.id for example in examples[10:14]] == ["one10", "one11", "two0", "two1"]


def test_tasks_are_taken_or_left_out(files: list[str]) -> None:
    assert ExampleSet(files, tasks=["short"]).sizes() == {"short": 8}
    assert ExampleSet(files, leave_out=["short"]).sizes() == {"long": 16}
    with pytest.raises(ValueError, match="'nq' is in none of the examples; there are long, short"):
        ExampleSet(files, leave_out=["nq"])
    with pytest.raises(ValueError, match="no example is left"):
        ExampleSet(files, leave_out=["long", "short"])


def test_few_examples_are_part_of_more_and_follow_the_seed(files: list[str]) -> None:
    few, more = (
        {example.id for example in ExampleSet(files, per_task=count, seed=5)} for count in (2, 5)
    )
    assert len(few) == 4
    assert few < more
    others = {example.id for example in ExampleSet(files, per_task=2, seed=6)}
    assert others != few
    with pytest.raises(ValueError, match="per_task"):
        ExampleSet(files, per_task=0)


def test_a_sample_has_so_many_of_each_task(files: list[str]) -> None:
    sample = sample_of(ExampleSet(files), 3, 1)
    assert Counter(example.task for example in sample) == {"long": 3, "short": 3}


def test_documents_of_examples(files: list[str]) -> None:
    examples = ExampleSet(files, per_task=1)
    wanted = {id for each in examples for id in (*each.positive_ids, *each.negative_ids)}
    assert documents_of([examples], None) == wanted
    assert documents_of([examples], 0) == {id for each in examples for id in each.positive_ids}
