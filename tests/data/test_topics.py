from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Topic
from hyper_ir.data.topics import read_topics, write_topics_jsonl, write_topics_tsv
from hyper_ir.problems import Problems


def topics_of(path: Path, content: str, format: str = "auto") -> list[tuple[str, str]]:
    path.write_text(content, encoding="utf-8")
    return [(topic.id, topic.text) for topic in read_topics(path, format)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.tsv", "07\tfirst query\nq2\tsecond\n"),
        ("t.txt", "\ufeff07\tfirst query\r\n\nq2\tsecond\r\n"),
        ("t.jsonl", '{"_id": "07", "text": "first query"}\n{"_id": "q2", "text": "second"}\n'),
        ("t.jsonl", '{"id": "07", "contents": "first query"}\n{"qid": "q2", "query": "second"}\n'),
        ("t.jsonl", '{"id": "07", "input": "first query"}\n{"id": "q2", "input": "second"}\n'),
        ("t.json", '{"07": {"title": "first query"},\n "q2": {"title": "second"}}\n'),
        ("t.json", '{"_id": "07", "text": "first query"}\n{"_id": "q2", "text": "second"}\n'),
    ],
)
def test_every_format_gives_the_same_topics(tmp_path: Path, name: str, content: str) -> None:
    expected = [("07", "first query"), ("q2", "second")]
    assert topics_of(tmp_path / name, content) == expected
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert [(topic.id, topic.text) for topic in read_topics(packed)] == expected


def test_a_beir_folder_is_its_queries(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "a", "metadata": {}}\n')
    assert read_topics(tmp_path) == [Topic("q", "a")]
    assert read_topics(str(tmp_path), "beir") == [Topic("q", "a")]


def test_a_kilt_dialogue_keeps_its_lines_and_markers(tmp_path: Path) -> None:
    text = "Hi!\nDo you know [START_ENT] it [END_ENT] ?"
    content = json.dumps({"id": "1", "input": text}) + "\n"
    assert topics_of(tmp_path / "dev.jsonl", content) == [("1", text)]


def test_a_tab_in_the_text_of_a_tsv_topic_stays(tmp_path: Path) -> None:
    assert topics_of(tmp_path / "t.tsv", "1\ta\tb\n") == [("1", "a\tb")]


def test_a_query_of_5000_words_passes(tmp_path: Path) -> None:
    text = " ".join(f"word{number}" for number in range(5_000))
    assert topics_of(tmp_path / "t.tsv", f"1\t{text}\n") == [("1", text)]
    write_topics_tsv(tmp_path / "u.tsv", [Topic("1", text)])
    assert read_topics(tmp_path / "u.tsv") == [Topic("1", text)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\ta\n1\tb\n", ":2: topic 1 stands at .*:1 already"),
        ("1\ta\n2\t \n", ":2: topic 2 has no text"),
        ("1\ta\nno tab\n", ":2: no tab; a topic is id TAB text"),
        ("1\ta\n\ttext\n", ":2: id is empty"),
        ("1\ta\n2 3\ttext\n", ":2: id '2 3' holds white space"),
        ("1\ta\n2\tte\0xt\n", ":2: text holds a NUL"),
        ('{"_id": "1", "text": "a"}\n{"_id": "2"}\n', ":2: topic 2 has no text"),
        ('{"_id": "1", "text": "a"}\n{"text": "b"}\n', ":2: _id is missing"),
        ('{"_id": "1", "text": "a"}\n{"_id": "2", "text": ["b"]}\n', ":2: text is of type list"),
        ('{"_id": "1", "text": "a"}\n{"_id": "2", "te\n', ":2: not a JSON object"),
        ('{"_id": "1", "text": "a"}\n[]\n', ":2: not a JSON object"),
    ],
)
def test_a_bad_topic_is_named_and_skipped(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "topics"
    with pytest.raises(ValueError, match=f"topics{message}"):
        topics_of(path, content)
    problems = Problems("skip")
    assert read_topics(path, problems=problems) == [Topic("1", "a")]
    assert problems.count == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n", "the file is empty"),
        ("no tab\n", "no topic could be read\nskipped 1 bad record:\n .*:1: no tab"),
        ("{broken\n", "no topic could be read\nskipped 1"),
    ],
)
def test_a_file_without_any_topic_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "topics").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_topics(tmp_path / "topics", problems=Problems("skip"))


def test_what_is_no_topics_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a folder; a file is needed"):
        read_topics(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_topics(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match="format: 'trec' is none of auto, tsv"):
        read_topics(tmp_path, "trec")


def test_bad_titles_inside_one_json_object_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"1": {"title": "a"}, "2": {"title": 3}, "3": {"title": ""}}')
    with pytest.raises(ValueError, match=r"t.json: topic 2: title is of type int"):
        read_topics(path)
    problems = Problems("skip")
    assert read_topics(path, problems=problems) == [Topic("1", "a")]
    assert problems.count == 2


IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=5)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
TOPICS = st.dictionaries(IDS, TEXTS.filter(str.strip), min_size=1, max_size=5).map(
    lambda each: [Topic(id, text) for id, text in each.items()]
)


@given(topics=TOPICS, suffix=st.sampled_from([".jsonl", ".jsonl.gz"]))
def test_jsonl_keeps_every_text(
    topics: list[Topic], suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("topics") / f"t{suffix}"
    write_topics_jsonl(path, topics)
    assert read_topics(path) == topics


@given(topics=TOPICS, suffix=st.sampled_from([".tsv", ".tsv.gz"]))
def test_tsv_has_one_line_a_topic_for_every_reader(
    topics: list[Topic], suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("topics") / f"t{suffix}"
    changed = write_topics_tsv(path, topics)
    raw = gzip.decompress(path.read_bytes()) if suffix == ".tsv.gz" else path.read_bytes()
    lines = raw.decode().splitlines()
    assert [line.split("\t")[0] for line in lines] == [topic.id for topic in topics]
    assert all(line.count("\t") == 1 for line in lines)
    words = [" ".join(line.split("\t")[1].split()) for line in lines]
    assert words == [" ".join(topic.text.split()) for topic in topics]
    written = [line.split("\t")[1] for line in lines]
    assert changed == sum(new != old.text for new, old in zip(written, topics, strict=True))


def test_writers_refuse_what_they_cannot_hold_and_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    write_topics_tsv(path, [Topic("1", "a")])
    for bad in (Topic("1\t2", "a"), Topic("1", "\ud800"), Topic("", "a")):
        with pytest.raises(ValueError, match=r"id|text"):
            write_topics_tsv(path, [bad])
        with pytest.raises(ValueError, match=r"id|text"):
            write_topics_jsonl(path, [bad])
    assert read_topics(path) == [Topic("1", "a")]
    assert list(tmp_path.iterdir()) == [path]
