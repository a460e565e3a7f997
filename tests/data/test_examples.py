from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from hyper_ir import bounded, files
from hyper_ir.data import examples as examples_module
from hyper_ir.data.examples import (
    ExampleFile,
    TrainingExample,
    read_examples,
    write_examples,
)
from hyper_ir.problems import Problems

GOOD: dict[str, Any] = {
    "id": "q1",
    "query": "who flew first",
    "task": "nq",
    "positive_ids": ["Wing#1", "Wing#2"],
    "negative_ids": ["Flight#0"],
}

BAD: list[tuple[dict[str, Any], str]] = [
    ({"id": None}, "id is missing"),
    ({"id": "a b"}, "white space"),
    ({"query": None}, "query is missing"),
    ({"query": " "}, "query is missing or has no text"),
    ({"task": ""}, "task is empty"),
    ({"positive_ids": []}, "needs a positive"),
    ({"positive_ids": "Wing#1"}, "a list of ids"),
    ({"positive_ids": ["Wing#1", ""]}, "an id of positive_ids is empty"),
    ({"positive_ids": ["Wing#1", "Wing#1"]}, "holds 'Wing#1' twice"),
    ({"negative_ids": ["Wing#2"]}, "'Wing#2' is both a positive and a negative"),
    ({"negative_ids": None}, "negative_ids is missing"),
    ({"gold_ids": ["Wing#7", "Wing#7"]}, "gold_ids holds 'Wing#7' twice"),
    ({"gold_ids": "Wing"}, "gold_ids is of type str"),
]

ids = st.text("abc#é日0", min_size=1, max_size=4)
examples = st.builds(
    lambda id, query, task, all, gold: TrainingExample(
        id, query, task, tuple(all[: 1 + len(all) // 2]), tuple(all[1 + len(all) // 2 :]), gold
    ),
    ids,
    st.text('ab \n\t\u2028"\\é', min_size=1).filter(str.strip),
    ids,
    st.lists(ids, min_size=1, unique=True, max_size=6),
    st.lists(ids, unique=True, max_size=2).map(tuple),
)


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@budget(max_examples=40, deadline=None)
@given(st.lists(examples, min_size=1, max_size=6, unique_by=lambda one: (one.task, one.id)))
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[TrainingExample]
) -> None:
    folder = tmp_path_factory.mktemp("examples")
    for name in ("plain.jsonl", "packed.jsonl.gz"):
        assert write_examples(folder / name, written) == len(written)
        assert [one for _, one in read_examples(folder / name)] == written
    opened = ExampleFile(folder / "plain.jsonl")
    assert list(opened) == written
    assert opened[-1] == written[-1]
    assert opened[1:] == written[1:]
    assert opened.tasks_of_all() == [one.task for one in written]
    assert [opened.task_of(i) for i in range(len(opened))] == opened.tasks_of_all()
    assert opened.tasks == sorted({one.task for one in written})


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_records_are_named_by_file_and_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "e.jsonl", GOOD, {**GOOD, "id": "q2", **change})
    with pytest.raises(ValueError, match=message) as raised:
        list(read_examples(path))
    assert str(raised.value).startswith(f"{path}:2: ")


def test_bad_records_can_be_skipped_and_the_others_keep_their_places(tmp_path: Path) -> None:
    last = {**GOOD, "id": "q9", "query": "é" * 50}
    path = write(tmp_path / "e.jsonl", {}, GOOD, [1], {**GOOD, "query": "again"}, last)
    path.write_text("\ufeff\n" + path.read_text() + "{broken")
    problems = Problems("skip")
    opened = ExampleFile(path, problems)
    assert [one.id for one in opened] == ["q1", "q9"]
    assert opened[1].query == "é" * 50
    assert problems.count == 4
    assert "e.jsonl:5: query q1 of nq stands at" in problems.summary()
    assert "e.jsonl:3 already" in problems.summary()


def test_a_query_id_may_come_again_in_another_task(tmp_path: Path) -> None:
    path = write(tmp_path / "e.jsonl", GOOD, {**GOOD, "task": "hopo"})
    assert len(ExampleFile(path)) == 2


def test_what_would_be_refused_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a positive"):
        write_examples(tmp_path / "e.jsonl", [TrainingExample("q", "text", "t", ())])
    assert list(tmp_path.iterdir()) == []


def test_files_without_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        ExampleFile(tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="no training example"):
        ExampleFile(write(tmp_path / "empty.jsonl"))
    packed = tmp_path / "e.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    with pytest.raises(ValueError, match="gunzip"):
        ExampleFile(packed)


def test_workers_read_their_own_places(tmp_path: Path) -> None:
    path = write(tmp_path / "e.jsonl", *({**GOOD, "id": f"q{i}"} for i in range(50)))
    opened = ExampleFile(path)
    loader: Any = DataLoader(
        opened,  # type: ignore[arg-type]
        batch_size=5,
        num_workers=2,
        collate_fn=list,
    )
    assert [one.id for batch in loader for one in batch] == [f"q{i}" for i in range(50)]
    assert pickle.loads(pickle.dumps(opened))[7].id == "q7"


def test_an_id_twice_among_hundreds_of_thousands_is_found_at_once(tmp_path: Path) -> None:
    ids = [f"d{number}" for number in range(300_000)]
    record = {"id": "1", "query": "q", "task": "t", "positive_ids": ["p"]}
    path = tmp_path / "e.jsonl"
    path.write_text(json.dumps(record | {"negative_ids": [*ids, "d299999"]}) + "\n")
    with pytest.raises(ValueError, match=r"e\.jsonl:1: negative_ids holds 'd299999' twice"):
        list(read_examples(path))


def test_places_of_lines_behind_one_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (bounded, files, examples_module):
        monkeypatch.setattr(module, "LONGEST_LINE", 200)
    record = {"id": "1", "query": "é", "task": "t", "positive_ids": ["p"], "negative_ids": []}
    lines = [json.dumps(record | {"id": str(number)}) for number in range(3)]
    path = tmp_path / "e.jsonl"
    path.write_text("\n".join([lines[0], "x" * 201, "y" * 1000, lines[1], lines[2]]))
    problems = Problems("skip")
    assert [each.id for each in ExampleFile(path, problems)] == ["0", "1", "2"]
    assert problems.count == 2
