"""Awkward ids and texts from end to end: encode, index (real Lucene), search, evaluate.

What may not enter is refused with its line, or skipped and counted; all else comes out as it
went in, and Lucene finds what the exact searcher finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.runs import read_run
from hyper_ir.data.vectors import read_vectors
from hyper_ir.encode.documents import encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.evaluate import main as evaluate
from hyper_ir.lucene.searching import ImpactSearcher
from hyper_ir.models.retriever import Retriever
from hyper_ir.problems import Problems
from hyper_ir.search.__main__ import main as search
from hyper_ir.search.exact import ExactSearcher
from tests.java_here import java_or_skip
from tests.search.test_parity import index_here
from tests.tiny_models import TEXTS, save_checkpoint

pytestmark = pytest.mark.jvm

MEGABYTE = 1 << 20

GOOD_IDS = st.sampled_from(
    [
        *("a", 'q"uote', "it's", "back\\slash", "%s%n", "PAGE#1", "C##2", "#", "##", "<b>&amp;"),
        *("😀", "𝔘nicode#3", "שלום#0", "مرحبا", "e\u0301", "\u202eevil", "\u200b", "\ufeff", "中"),
        *("../../etc/passwd", "$(reboot)", "`id`", ";", "|", "Q0", "-1", "x" * 300, "a\u00adb"),
        *("\ufffe", "\U0010ffff", "!!python", "*", "NaN", "null", "[empty-document]"),
    ]
)
BAD_IDS = st.sampled_from(
    ["", " ", "a b", "tab\tid", "line\nid", "a\r", "nul\0", "\ud800", "\u2028", "\u00a0", "a\x1f"]
)
SOME = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40
).filter(lambda text: bool(text.strip()))
GOOD_TEXTS = st.one_of(
    st.sampled_from([text for text in TEXTS if text]),
    st.sampled_from(
        [
            *("שלום עולם", "مرحبا بالعالم vectors", "\u202eprompts\u202c pool", "😀 zebras 😀"),
            *("vectors\ttabs\nlines\r\nand\u2028more\u2029", "\u200b\u200czebras", "!", "#"),
            *("\"quotes\" \\ and 'more'", "{}[]", "e\u0301" * 50, "\ufffe\uffff", "\x01\x7f\x9f"),
            *("zebras " * 300, "x" * 5_000, "<script>alert(1)</script>", "[MASK] [SEP] [CLS]"),
        ]
    ),
    SOME,
)
BAD_TEXTS = st.sampled_from(["", " \n\t", "nul\0inside", "\0", "half \ud83d a pair", "\udfff"])
RECORDS = st.lists(
    st.tuples(GOOD_IDS | BAD_IDS, GOOD_TEXTS | BAD_TEXTS, st.booleans()), min_size=1, max_size=12
)

NOT_IN_ID = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
NOT_IN_TEXT = re.compile(r"[\0\ud800-\udfff]")


def accepted(records: list[tuple[str, str, bool]]) -> dict[str, str]:
    """What of the records is good, naively: the first of each id."""
    good: dict[str, str] = {}
    for id, text, _ in records:
        fits = id and text.strip() and not NOT_IN_ID.search(id) and not NOT_IN_TEXT.search(text)
        if fits and id not in good:
            good[id] = text
    return good


def write_corpus(path: Path, records: list[tuple[str, str, bool]]) -> Path:
    """JSON Lines, some with escapes and some with the characters themselves."""
    with open(path, "w", encoding="utf-8", newline="\n") as handle:
        for id, text, plain in records:
            record = {"id": id, "contents": text}
            escaped = not plain or bool(re.search("[\ud800-\udfff]", id + text))
            handle.write(json.dumps(record, ensure_ascii=escaped) + "\n")
    return path


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    java_or_skip()
    return save_checkpoint(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Engine:
    return Engine(Retriever.from_pretrained(model_folder), "document", EngineConfig(4, 32, "cpu"))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder for each example."""
    base = tmp_path_factory.mktemp("hostile")
    return (base / str(number) for number in range(10_000))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(records=RECORDS)
@example(records=[('q"#1', "\u202eשלום 😀 zebras\u2028\tgraze", True), ("a\tb", "x", True)])
@example(records=[("😀#2", "zebras graze. " * (MEGABYTE // 14), True), ("b", "a\0b", False)])
def test_what_goes_in_comes_out(
    engine: Engine, places: Iterator[Path], records: list[tuple[str, str, bool]]
) -> None:
    folder = next(places)
    folder.mkdir()
    source = write_corpus(folder / "corpus.jsonl", records)
    good = accepted(records)
    problems = Problems("skip")
    corpus = open_corpus(str(source), format="pyserini", problems=problems)
    if not good:
        with pytest.raises(ValueError, match=r"corpus\.jsonl: no passage could be read"):
            encode_corpus(engine, corpus, folder / "vectors", progress=False)
        return
    encode_corpus(engine, corpus, folder / "vectors", progress=False)
    assert problems.count == len(records) - len(good)
    if len(good) < len(records):
        strict = open_corpus(str(source), format="pyserini")
        with pytest.raises(ValueError, match=r"corpus\.jsonl:\d+: "):
            encode_corpus(engine, strict, folder / "none", progress=False)
    vectors = {id: vector for id, vector, _ in read_vectors(folder / "vectors")}
    assert list(vectors) == list(good)
    index_here(folder / "vectors", folder / "index")
    queries = [(f"q{number}", vector) for number, vector in enumerate(vectors.values())]
    lucene = ImpactSearcher(folder / "index", min_idf=-1).search(queries, 20)
    exact = ExactSearcher(vectors.items(), min_idf=-1).search(queries, 20)
    assert lucene == exact
    for (query, vector), id in zip(queries, vectors, strict=True):
        own = float(sum(weight * weight for weight in vector.values()))
        assert id in [hit.doc_id for hit in lucene[query] if hit.score >= own * 0.999]


IDS = ['q"1', "it's#2", "😀#3", "שלום#4", "back\\slash", "../5", "#", "C##7"]
TEXTS_OF = [
    "zebras graze. " * (MEGABYTE // 14),
    "\u202eSparse vectors\u202c are searched",
    "😀" * 20_000 + " prompts",
    "שלום עולם influenza",
    "tab\there\nand\r\nthere\u2028 boundary layer",
    "numbers 12 1998",
    '"$%&" symbols',
    "x" * MEGABYTE,
]


def test_the_verbs_from_texts_to_scores(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hyper_ir.encode.__main__ import main as encode
    from hyper_ir.index import main as index

    model = str(model_folder)
    records = [(id, text, True) for id, text in zip(IDS, TEXTS_OF, strict=True)]
    source = write_corpus(tmp_path / "corpus.jsonl", records)
    with open(source, "a", encoding="utf-8") as handle:
        handle.write('{"id": "tab\\tid", "contents": "a"}\n{"id": "n", "contents": "\\u0000"}\n')
    given = ["input", "--corpus", str(source), "--format", "pyserini"]
    rest = ["output", "--embeddings", str(tmp_path / "v"), "encoder", "--encoder", model]
    rest += ["--device", "cpu", "--workers", "1"]
    with pytest.raises(ValueError, match=r"corpus\.jsonl:9: id 'tab\\tid' holds white space"):
        encode([*given, *rest])
    encode([*given, "--on-bad-input", "skip", *rest])
    index(["--impact", "--input", str(tmp_path / "v"), "--index", str(tmp_path / "i"), "--quiet"])
    topics = [{"_id": f"{id}?", "text": text} for id, text, _ in records]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, topics)))
    (tmp_path / "q.qrels").write_text("".join(f"{id}? 0 {id} 1\n" for id in IDS), encoding="utf-8")
    for engine_name in ("lucene", "exact"):
        where = tmp_path / ("i" if engine_name == "lucene" else "v")
        search(
            [
                *("--impact", "--index", str(where), "--encoder", model, "--device", "cpu"),
                *("--engine", engine_name, "--topics", str(tmp_path / "queries.jsonl")),
                *("--output", str(tmp_path / f"{engine_name}.trec"), "--min-idf", "-1"),
                *("--tag", "t", "--quiet"),
            ]
        )
    run = read_run(tmp_path / "lucene.trec")
    assert set(run) == {f"{id}?" for id in IDS}
    assert {hit.doc_id for hits in run.values() for hit in hits} == set(IDS)
    assert (tmp_path / "lucene.trec").read_bytes() == (tmp_path / "exact.trec").read_bytes()
    capsys.readouterr()
    qrels, trec = str(tmp_path / "q.qrels"), str(tmp_path / "lucene.trec")
    evaluate(["--qrels", qrels, "--runs", trec, "--measures", "R@10", "nDCG@10"])
    printed = capsys.readouterr().out
    assert "1.000" in printed
    evaluate(["--qrels", qrels, "--runs", trec, "--measures", "KILTRprec", "--pages"])
