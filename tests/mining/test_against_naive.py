"""Mining equals the plain description, on small corpora drawn by chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.examples import read_examples
from hyper_ir.mining import evidence
from hyper_ir.mining.first_stage import FromRuns
from hyper_ir.mining.pipeline import MiningReport, mine
from hyper_ir.mining.selection import MiningSettings
from tests.mining import naive
from tests.mining.files import (
    write_beir,
    write_corpus,
    write_kilt,
    write_run,
)
from tests.mining.naive import Query, Text

PAGES = ["P", "Q", "R#x", "S"]
LONG = "one two three four five six seven eight nine ten"
WORDS = st.lists(
    st.sampled_from(["x", "X", "y", "y.", "z", "é", "e\u0301"]), min_size=1, max_size=4
)
SENTENCES = st.one_of(WORDS.map(" ".join), st.sampled_from([LONG, LONG.upper(), LONG + " x", ""]))


@st.composite
def corpora(draw: st.DrawFn) -> list[Text]:
    ids = [f"{page}#{n}" for page in PAGES for n in range(draw(st.integers(0, 3)))]
    ids = draw(st.permutations(ids)) or ["P#0"]
    return [Text(id, draw(WORDS.map(" ".join)), draw(SENTENCES)) for id in ids]


@st.composite
def queries(draw: st.DrawFn, corpus: list[Text], judged: bool) -> list[Query]:
    ids = [text.id for text in corpus]
    found = st.lists(st.sampled_from([*ids, *ids, "gone#0"]), unique=True, max_size=8)
    made = []
    for n in range(draw(st.integers(1, 4))):
        sets, grades = [], {}
        if judged:
            some = st.dictionaries(st.sampled_from([*ids, "gone#1"]), st.integers(1, 2), min_size=1)
            grades = draw(some)
        else:
            pages = st.lists(st.sampled_from([*PAGES, "gone"]), min_size=1, max_size=2, unique=True)
            sets = draw(st.lists(pages, min_size=1, max_size=3, unique_by=frozenset))
        answers = [] if judged else draw(st.lists(WORDS.map(" ".join), max_size=2))
        made.append(Query(f"q{n}", sets, answers, draw(found), grades))
    made[0].found = made[0].found or [ids[0]]
    return made


def run_mine(
    folder: Path, task: Path, made: Sequence[Query], corpus: str, options: MiningSettings
) -> MiningReport:
    run = write_run(folder / "run.trec", made)
    search = FromRuns({"t": run})
    output, report = folder / "out.jsonl", folder / "out.json"
    opened = open_corpus(corpus)
    return mine({"t": str(task)}, opened, search, output, report, options, progress=False)


def check(
    folder: Path, task: Path, made: list[Query], texts: list[Text], corpus: str, most: int
) -> None:
    options = MiningSettings(positives=most, negatives=3, ignored_answers=())
    expected = {query.id: naive.mine(texts, query, most, 3) for query in made}
    good = {id: one for id, one in expected.items() if one[0]}
    found = {id for query in made for id in query.found}
    if not good or not found & {text.id for text in texts}:
        with pytest.raises(ValueError, match=r"no query gives an example|has none of the"):
            run_mine(folder, task, made, corpus, options)
        return
    report = run_mine(folder, task, made, corpus, options).tasks[0]
    examples = [example for _, example in read_examples(folder / "out.jsonl")]
    assert {each.id: (list(each.positive_ids), list(each.negative_ids)) for each in examples} == {
        id: (positives, negatives) for id, (positives, negatives, _) in good.items()
    }
    assert report.dropped == sum((one[2] for one in good.values()), Counter())
    assert report.kept == sum(len(one[1]) for one in good.values())
    assert report.fewest == min(len(one[1]) for one in good.values())
    assert report.without_positive == len(expected) - len(good)
    assert report.positive_found == sum(
        any(id in query.found for id in good[query.id][0]) for query in made if query.id in good
    )
    assert report.candidates == report.kept + report.over + report.dropped.total()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), most=st.integers(1, 4), block=st.integers(1, 3))
def test_pages_and_answers_as_described(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, most: int, block: int
) -> None:
    texts = data.draw(corpora())
    made = data.draw(queries(texts, judged=False))
    folder = tmp_path_factory.mktemp("kilt")
    task = write_kilt(folder / "t.jsonl", made)
    corpus = write_corpus(folder / "corpus.jsonl", texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "BLOCK", block)
        check(folder, task, made, texts, str(corpus), most)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), most=st.integers(1, 4))
def test_judged_documents_as_described(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, most: int
) -> None:
    texts = data.draw(corpora())
    made = data.draw(queries(texts, judged=True))
    folder = tmp_path_factory.mktemp("beir")
    task = write_beir(folder / "set", texts, made)
    check(folder, task, made, texts, str(task), most)
