from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.__main__ import main
from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.pairs import PairSettings, make_pairs, write_pairs
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import Passage
from hyper_ir.data.topics import read_topics

COMMON = "the of and in to a is was for on with as"


def passage(number: int) -> Passage:
    rare = " ".join(f"rare{number}x{i}" for i in range(8))
    return Passage(f"p{number}", {"title": f"Title{number}", "text": f"{COMMON} {rare}."})


def corpus_of(folder: Path, count: int) -> Path:
    path = folder / "corpus.jsonl"
    with open(path, "w", encoding="utf-8") as handle:
        for number in range(count):
            one = passage(number)
            record = {"id": one.id, "contents": "\n".join(one.fields.values())}
            handle.write(json.dumps(record) + "\n")
    return path


def test_a_query_holds_words_of_its_passage_in_their_order() -> None:
    passages = {f"p{n}": passage(n) for n in range(40)}
    pairs = list(make_pairs(passages.values(), PairSettings(count=40)))
    assert sorted(pair.passage for pair in pairs) == sorted(passages)
    for pair in pairs:
        words = re.findall(r"\w+", " ".join(passages[pair.passage].fields.values()))
        rest = iter(words)
        assert all(word in rest for word in pair.query.split()), pair


def test_spans_are_neighbours_and_keywords_are_rare() -> None:
    passages = [passage(n) for n in range(200)]
    spans = list(make_pairs(passages, PairSettings(count=200, spans=1, drop=0)))
    for pair in spans:
        text = " ".join(passages[int(pair.passage[1:])].fields.values())
        assert pair.query in text.replace(".", "")
        assert 4 <= len(pair.query.split()) <= 16
    keywords = list(make_pairs(passages, PairSettings(count=200, spans=0)))
    counts = Counter(
        word.startswith(("rare", "Title")) for pair in keywords for word in pair.query.split()
    )
    # 9 of 21 words are rare; drawn by chance alone, 43 % would be.
    assert counts[True] > 0.75 * counts.total()
    assert all(2 <= len(pair.query.split()) <= 6 for pair in keywords)


def test_passages_are_drawn_from_all_over_and_the_seed_decides() -> None:
    passages = [passage(n) for n in range(300)]
    settings = PairSettings(count=60)
    first = list(make_pairs(passages, settings))
    assert first == list(make_pairs(passages, settings))
    other = list(make_pairs(passages, PairSettings(count=60, seed=1)))
    assert {pair.passage for pair in first} != {pair.passage for pair in other}
    thirds = Counter(int(pair.passage[1:]) // 100 for pair in first)
    assert len(first) == 60
    assert min(thirds[third] for third in range(3)) >= 8


@given(st.lists(st.text(max_size=60), max_size=20), st.integers(0, 3))
def test_hostile_texts_make_queries_with_text_or_an_error(texts: list[str], seed: int) -> None:
    passages = [Passage(str(n), {"text": text}) for n, text in enumerate(texts)]
    settings = PairSettings(count=5, seed=seed, least_words=3, span_words=(2, 3), keywords=(1, 3))
    if all(len(re.findall(r"\w+", text)) < 3 for text in texts):
        with pytest.raises(ValueError, match="no passage"):
            list(make_pairs(passages, settings))
        return
    try:
        pairs = list(make_pairs(passages, settings))
    except ValueError:  # "a.b.c" is one word
        return
    assert pairs
    assert all(pair.query.strip() for pair in pairs)


def test_the_folder_is_read_as_beir(tmp_path: Path) -> None:
    corpus = open_corpus(str(corpus_of(tmp_path, 30)))
    output = tmp_path / "pairs"
    assert write_pairs(corpus, output, PairSettings(count=10), progress=False) == 10
    topics = {topic.id: topic.text for topic in read_topics(str(output))}
    judgments = read_qrels(str(output), split="train")
    assert len(topics) == len(judgments) == 10
    assert all(j.topic_id.endswith(f"-{j.doc_id}") and j.topic_id in topics for j in judgments)
    with pytest.raises(ValueError, match="pairs"):
        write_pairs(corpus, output, PairSettings(), progress=False)


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = corpus_of(tmp_path, 20)
    output = tmp_path / "pairs"
    main(["pairs", "--corpus", str(source), "--output", str(output), "--count", "7"])
    assert "7 pairs written to" in capsys.readouterr().out
    short = tmp_path / "short.jsonl"
    short.write_text('{"id": "1", "contents": "too short"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="no passage has 16 words"):
        main(["pairs", "--corpus", str(short), "--output", str(tmp_path / "none")])
    assert not (tmp_path / "none").exists()


def test_the_verb_makes_spans_as_long_as_asked(tmp_path: Path) -> None:
    output = tmp_path / "pairs"
    words = [f"w{number}" for number in range(25)]
    texts = {"long": " ".join(words), "short": " ".join(words[:23])}
    lines = [json.dumps({"id": id, "contents": text}) for id, text in texts.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    verb = ["pairs", "--corpus", str(tmp_path / "corpus.jsonl"), "--output", str(output)]
    main([*verb, "--spans", "1", "--drop", "0", "--span-words", "24", "24"])
    (line,) = (output / "queries.jsonl").read_text().splitlines()
    query = json.loads(line)
    assert query["_id"] == "span-long"
    assert query["text"] in (" ".join(words[:24]), " ".join(words[1:]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count"),
        ({"spans": 1.5}, "spans"),
        ({"drop": -0.1}, "drop"),
        ({"keywords": (3, 2)}, "keywords"),
        ({"span_words": (4, 40)}, "span_words"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairSettings(**changes)  # type: ignore[arg-type]
