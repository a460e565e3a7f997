from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyper_ir.mining.tasks import MiningTask, read_task
from hyper_ir.problems import Problems
from tests.data.test_irds import Qrel, register
from tests.data.test_irds import Query as TopicOfIrds
from tests.mining.files import kilt_record, write_beir, write_jsonl
from tests.mining.naive import Query, Text


def provenance(page: str, start: object, end: object) -> dict[str, Any]:
    return {"wikipedia_id": page, "start_paragraph_id": start, "end_paragraph_id": end}


def test_a_kilt_task_keeps_what_has_gold(tmp_path: Path) -> None:
    records = [
        kilt_record("a", [["1", "2"], ["3"]], ["Yes", "The U.S.", "the u.s."]),
        kilt_record("b", [], ["answer"]),
        {"id": "c", "input": "without output"},
        kilt_record("d", [["4"]], []),
    ]
    task = read_task("nq", str(write_jsonl(tmp_path / "nq.jsonl", records)))
    assert [query.id for query in task.queries] == ["a", "d"]
    assert (task.total, task.without_gold, task.answers) == (4, 2, "words")
    first = task.queries[0]
    assert first.evidence == (("1", "2"), ("3",))
    assert first.gold == ["1", "2", "3"]
    assert first.answers == (" the u . s . ",)
    assert first.grades == {}
    kept = read_task("nq", str(tmp_path / "nq.jsonl"), ignored=[])
    assert kept.queries[0].answers == (" yes ", " the u . s . ")


def test_labels_are_no_answers(tmp_path: Path) -> None:
    records = [kilt_record(f"q{n}", [["1"]], ["SUPPORTS", "REFUTES"][n % 2 :]) for n in range(30)]
    task = read_task("fever", str(write_jsonl(tmp_path / "f.jsonl", records)), ignored=[])
    assert task.answers == "labels"
    assert not any(query.answers for query in task.queries)


def test_answers_that_are_titles_of_gold_pages(tmp_path: Path) -> None:
    def use(answers: list[str], titles: list[object]) -> str:
        records = []
        for n, (answer, title) in enumerate(zip(answers, titles, strict=True)):
            entry = {"wikipedia_id": "1", "title": title}
            outputs = [{"answer": "other"}, {"answer": answer}, {"provenance": [{**entry}]}]
            records.append({"id": f"q{n}", "input": "text", "output": outputs})
        return read_task("t", str(write_jsonl(tmp_path / "t.jsonl", records))).answers

    words = [f"word {n}" for n in range(40)]
    assert use(words, [word.upper() for word in words]) == "titles"
    assert use(words[:19], [*words[:19]]) == "words"
    assert use(words, [*words[:36], "a", "b", "c", "d"]) == "titles"
    assert use(words, [*words[:35], "a", "b", "c", "d", "e"]) == "words"
    assert use(words, [None] * 40) == "words"
    assert use(words, [*words[:20], *[7] * 20]) == "words"


def test_paragraphs_that_the_provenance_names(tmp_path: Path) -> None:
    entries = [
        provenance("1", 2, 3),
        provenance("1", 3, None),
        provenance("2", 0, 0),
        provenance("3", "1", 1),
        provenance("4", 5, 4),
        provenance("5", 1, 1000),
        {"wikipedia_id": "6"},
        provenance(" 7 ", 1, 1),
    ]
    record = {"id": 17, "input": "text", "output": [{"provenance": entries}]}
    path = str(write_jsonl(tmp_path / "t.jsonl", [record]))
    assert read_task("t", path).queries[0].named == ()
    named = read_task("t", path, paragraphs=True).queries[0]
    assert (named.id, named.named) == ("17", ("1#2", "1#3", "7#1"))


def test_a_beir_folder_gives_its_splits_queries_with_grades(tmp_path: Path) -> None:
    queries = [
        Query("a", [], [], [], {"x": 1, "y": 2, "z": 0}),
        Query("b", [], [], [], {"x": 0}),
        Query("c", [], [], []),
    ]
    folder = str(write_beir(tmp_path / "set", [Text("x", "", "words")], queries))
    task = read_task("set", folder)
    (query,) = task.queries
    assert (query.id, query.text, query.grades) == ("a", "text of a", {"x": 1, "y": 2})
    assert query.evidence == (("x",), ("y",))
    assert (task.total, task.without_gold, task.answers) == (2, 1, "none")
    with pytest.raises(ValueError, match=r"no qrels/dev\.tsv; it has the splits train"):
        read_task("set", folder, split="dev")


def test_a_data_set_of_ir_datasets() -> None:
    judgments = [Qrel("a", "x", 1, "1"), Qrel("a", "x", 2, "2"), Qrel("b", "x", 0, "0")]
    source = register(
        queries=[TopicOfIrds(id, f"text of {id}", "") for id in "abc"], qrels=judgments
    )
    task = read_task("t", source)
    assert [(query.id, query.text, query.grades) for query in task.queries] == [
        ("a", "text of a", {"x": 2})
    ]
    assert (task.total, task.without_gold) == (3, 2)


def test_a_sample_depends_on_the_seed_and_the_name_alone(tmp_path: Path) -> None:
    records = [kilt_record(f"q{n}", [["1"]], []) for n in range(50)]
    path = str(write_jsonl(tmp_path / "t.jsonl", records))

    def drawn(name: str, most: int | None, seed: int) -> list[str]:
        return [query.id for query in read_task(name, path).sample(most, seed).queries]

    every = [f"q{n}" for n in range(50)]
    assert drawn("t", None, 1) == drawn("t", 50, 1) == every
    ten = drawn("t", 10, 1)
    assert ten == drawn("t", 10, 1)
    assert ten == [id for id in every if id in ten]
    assert len(ten) == 10
    assert ten != drawn("t", 10, 2)
    assert ten != drawn("u", 10, 1)
    assert isinstance(read_task("t", path).sample(10, 1), MiningTask)


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({"id": "a b", "input": "x", "output": []}, "white space"),
        ({"id": "q", "input": "x", "output": []}, "id q stands at"),
        ({"id": "r", "input": " ", "output": []}, "query r has no text"),
        ({"id": "r", "input": "x", "output": 7}, "output is not a list"),
        ({"id": "r", "input": "x", "output": [{"provenance": [{}]}]}, "wikipedia_id is missing"),
    ],
)
def test_bad_records_are_named_or_skipped(
    tmp_path: Path, record: dict[str, Any], complaint: str
) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [kilt_record("q", [["1"]], []), record])
    with pytest.raises(ValueError, match=complaint) as caught:
        read_task("t", str(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    problems = Problems("skip")
    assert [query.id for query in read_task("t", str(path), problems=problems).queries] == ["q"]
    assert problems.count == 1


def test_other_sources_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "topics.tsv"
    path.write_text("q\ttext\n")
    with pytest.raises(ValueError, match=r"task t: .*topics\.tsv is no KILT task file"):
        read_task("t", str(path))
    write_jsonl(path, [kilt_record("q", [], ["answer"])])
    with pytest.raises(ValueError, match=r"none of the queries of .* \(1\) has gold"):
        read_task("t", str(path))
    path.write_text("")
    with pytest.raises(ValueError, match="empty"):
        read_task("t", str(path))
