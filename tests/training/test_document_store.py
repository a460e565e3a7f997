from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.vectors import EMPTY_DOCUMENT
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.tokens import lucene_tokens
from hyper_ir.models.retriever import Retriever
from hyper_ir.training import document_files, document_store
from hyper_ir.training.document_store import DocumentStore
from tests.tiny_models import TEXTS, save_checkpoint

TOKENS = ["a", "b", '"', "##ing", "[token-4]", "é"]
WIDTH = len(TOKENS)
FACTOR = 51.2

SPARSE = st.lists(
    st.dictionaries(st.sampled_from(TOKENS), st.integers(1, 3000), max_size=WIDTH),
    min_size=1,
    max_size=12,
)
NUMBERS = st.floats(-8, 8, width=16)
DENSE = st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=12)


def written(path: Path, vectors: list[Any]) -> Path:
    records = [{"id": f"d{number}", "vector": each} for number, each in enumerate(vectors)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def sparse_store(folder: Path, vectors: list[dict[str, int]]) -> DocumentStore:
    path = written(folder / "v.jsonl", [each or {EMPTY_DOCUMENT: 1} for each in vectors])
    return DocumentStore.build(folder / "s", path, WIDTH, TOKENS, FACTOR, progress=False)


def dense_store(folder: Path, vectors: list[list[float]]) -> DocumentStore:
    path = written(folder / "v.jsonl", vectors)
    return DocumentStore.build(folder / "s", path, 3, None, 1.0, progress=False)


def matrix(vectors: list[dict[str, int]]) -> np.ndarray:
    rows = [[each.get(token, 0) / FACTOR for token in TOKENS] for each in vectors]
    return np.array(rows, dtype=np.float32)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPARSE, st.data(), st.sampled_from([1, 5, 1024]))
def test_sparse_vectors_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    vectors: list[dict[str, int]],
    data: st.DataObject,
    window: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_files, "WINDOW", window)
        store = sparse_store(tmp_path_factory.mktemp("v"), vectors)
    expected = matrix(vectors)
    assert store.sparse
    assert (len(store), store.width) == (len(vectors), WIDTH)
    places = data.draw(st.lists(st.integers(0, len(vectors) - 1), max_size=6))
    ids = [store.id(place) for place in places]
    assert ids == [f"d{place}" for place in places]
    assert [store.place(id) for id in ids] == places
    rows = store.dense(ids)
    assert rows.dtype == torch.float32
    assert np.array_equal(rows.numpy(), expected[places].reshape(-1, WIDTH))
    starts, components, weights = store.rows(np.array(places, dtype=np.int64))
    kinds = [str(array.dtype) for array in (starts, components, weights)]
    assert kinds == ["int64", "int32", "float32"]
    for number, place in enumerate(places):
        own = slice(starts[number], starts[number + 1])
        assert components[own].tolist() == np.flatnonzero(expected[place]).tolist()
        assert weights[own].tolist() == expected[place][expected[place] > 0].tolist()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DENSE, st.data())
def test_dense_vectors_come_back(
    tmp_path_factory: pytest.TempPathFactory, vectors: list[list[float]], data: st.DataObject
) -> None:
    store = dense_store(tmp_path_factory.mktemp("v"), vectors)
    assert not store.sparse
    assert (len(store), store.width) == (len(vectors), 3)
    places = data.draw(st.lists(st.integers(0, len(vectors) - 1), max_size=6))
    rows = store.dense([f"d{place}" for place in places])
    assert rows.dtype == torch.float32
    assert np.array_equal(rows.numpy(), np.array(vectors, np.float32)[places].reshape(-1, 3))
    rows.mul_(2)  # what is handed out is a copy
    with pytest.raises(ValueError, match="dense vectors"):
        store.rows(np.array([0]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(SPARSE, DENSE),
    st.integers(1, 5),
    st.integers(1, 15),
    st.integers(1, 13),
    st.integers(0, 1000),
)
def test_the_best_are_those_of_a_full_product(
    tmp_path_factory: pytest.TempPathFactory,
    vectors: list[Any],
    queries: int,
    k: int,
    block: int,
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("v")
    sparse = isinstance(vectors[0], dict)
    store = sparse_store(folder, vectors) if sparse else dense_store(folder, vectors)
    draw = np.random.default_rng(seed)
    asked = draw.integers(-2, 3, (queries, store.width)).astype(np.float32)
    documents = store.dense([store.id(place) for place in range(len(store))]).numpy()
    exact = asked.astype(np.float64) @ documents.T.astype(np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_store, "QUERIES", 2)
        places, scores = store.top(torch.from_numpy(asked), k, block)
    assert places.shape == scores.shape == (queries, min(k, len(store)))
    assert scores.dtype == np.float32
    for row in range(queries):
        own = places[row]
        assert len(set(own.tolist())) == len(own)
        np.testing.assert_allclose(scores[row], exact[row, own], rtol=1e-5, atol=1e-4)
        left_out = np.delete(exact[row], own)
        assert (left_out <= exact[row, own].min() + 1e-3).all()
        assert all(
            first > second or (first == second and a < b)
            for first, second, a, b in zip(scores[row], scores[row][1:], own, own[1:], strict=False)
        )


def test_ties_are_in_the_order_of_places_over_blocks(tmp_path: Path) -> None:
    store = sparse_store(tmp_path, [{"a": 5}, {"b": 9}, {"a": 5}, {}, {"a": 5}, {"a": 7}])
    query = torch.zeros(1, WIDTH)
    query[0, 0] = 1
    for block in (1, 2, 4, 100):
        places, scores = store.top(query, 4, block)
        assert places.tolist() == [[5, 0, 2, 4]]
        assert scores[0].tolist() == pytest.approx([7 / FACTOR] + [5 / FACTOR] * 3)
    assert store.top(query, 100)[0].tolist() == [[5, 0, 2, 4, 1, 3]]


def test_queries_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    store = sparse_store(tmp_path, [{"a": 5}])
    for wrong in (torch.zeros(1, WIDTH + 1), torch.zeros(WIDTH)):
        with pytest.raises(ValueError, match=rf"\(queries, {WIDTH}\) is needed"):
            store.top(wrong, 1)
    with pytest.raises(ValueError, match="NaN"):
        store.top(torch.full((1, WIDTH), torch.nan), 1)
    with pytest.raises(ValueError, match="k: 0"):
        store.top(torch.zeros(1, WIDTH), 0)
    with pytest.raises(ValueError, match="block: 0"):
        store.top(torch.zeros(1, WIDTH), 1, 0)
    with pytest.raises(ValueError, match="one of its 1 documents"):
        store.rows(np.array([-1]))
    with pytest.raises(ValueError, match="holds no document 'x'"):
        store.dense(["x"])
    assert "d0" in store
    assert "x" not in store


@pytest.mark.parametrize("head", ["lexical", "dense"])
def test_what_was_encoded_is_what_is_read(tmp_path: Path, head: str) -> None:
    folder = save_checkpoint(tmp_path / "model", masked_lm=head == "lexical")
    retriever = Retriever.from_pretrained(folder)
    engine = Engine(retriever, "document", EngineConfig(max_length=32))
    lines = [f'{{"id": "d{i}", "contents": {json.dumps(text)}}}\n' for i, text in enumerate(TEXTS)]
    (tmp_path / "c.jsonl").write_text("".join(line for line in lines if '""' not in line))
    for shard in range(2):
        config = OutputConfig(shard_id=shard, shard_num=2, compress=True)
        corpus = open_corpus(str(tmp_path / "c.jsonl"))
        encode_corpus(engine, corpus, tmp_path / "v", config, False)
    width = retriever.document.head.width
    tokens = lucene_tokens(retriever.vocabulary) if head == "lexical" else None
    store = DocumentStore.build(tmp_path / "s", tmp_path / "v", width, tokens, 100.0, False)
    assert store.sparse == (head == "lexical")
    batch = retriever.tokenizer(TEXTS[:4], padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = retriever(batch["input_ids"], batch["attention_mask"])
    rows = store.dense([f"d{place}" for place in range(4)])
    torch.testing.assert_close(rows, expected, rtol=1e-4, atol=0.0051 if tokens else 1e-4)


def test_a_store_of_the_same_is_opened_and_of_anything_else_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "v.jsonl", [{"a": 1}, {"b": 2}])
    folder = tmp_path / "s"

    def build(factor: float = FACTOR, tokens: list[str] = TOKENS) -> bool:
        """Whether the store was made anew."""
        before = folder.stat().st_ino if folder.exists() else None
        DocumentStore.build(folder, path, len(tokens), tokens, factor, progress=False)
        return folder.stat().st_ino != before

    assert build()
    assert not build()
    assert capsys.readouterr().err == ""
    assert build(factor=100)
    assert "another factor" in capsys.readouterr().err
    assert build(factor=100, tokens=["b", "a"])
    assert "another vocabulary and width" in capsys.readouterr().err
    written(path, [{"a": 1}, {"b": 3}])
    assert build(factor=100, tokens=["b", "a"])
    assert "another files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ('{"id": "a", "vector": {"x": 1}}', r"v\.jsonl:1: token 'x' is not in the model's"),
        (f'{{"id": "a", "vector": {{"{EMPTY_DOCUMENT}": 1, "a": 1}}}}', "token .*empty-document"),
        ('{"id": "a", "vector": {"a": 0}}', r"v\.jsonl:1: weight 0"),
        ('{"id": "a", "vector": [1, 2]}', r"v\.jsonl:1: .*(type list|lists)"),
        ('{"id": "a", "vector": {"a": 1}}\n' * 2, r"v\.jsonl:2: id a stands at"),
        ("", "no vector could be read|is empty"),
    ],
)
def test_bad_vectors_are_named_and_leave_nothing(
    tmp_path: Path, lines: str, complaint: str
) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text(lines + "\n")
    with pytest.raises(ValueError, match=complaint):
        DocumentStore.build(tmp_path / "s", path, WIDTH, TOKENS, FACTOR, progress=False)
    assert list(tmp_path.iterdir()) == [path]


def test_what_contradicts_itself_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text("{broken\n")

    def build(width: int, tokens: list[str], factor: float) -> None:
        DocumentStore.build(tmp_path / "s", path, width, tokens, factor, progress=False)

    with pytest.raises(ValueError, match="6 tokens for vectors of 7 components"):
        build(WIDTH + 1, TOKENS, FACTOR)
    with pytest.raises(ValueError, match="twice"):
        build(2, ["a", "a"], FACTOR)
    for factor in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not a number above 0"):
            build(WIDTH, TOKENS, factor)
    with pytest.raises(ValueError, match="does not exist"):
        DocumentStore.build(tmp_path / "s", tmp_path / "none", 1, None, 1.0)


def test_encodings_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / "model"))
    engine = Engine(retriever, "document", EngineConfig(max_length=32))
    (tmp_path / "c.jsonl").write_text('{"id": "a", "contents": "zebras"}\n' * 1)
    vectors = tmp_path / "v"
    encode_corpus(engine, open_corpus(str(tmp_path / "c.jsonl")), vectors, None, False)
    tokens = lucene_tokens(retriever.vocabulary)

    def build(factor: float = 100.0) -> None:
        DocumentStore.build(tmp_path / "s", vectors, len(tokens), tokens, factor, False)

    with pytest.raises(ValueError, match=r"factor: 50\.0 is asked for; .* quantised with 100"):
        build(50.0)
    progress = vectors / ".embeddings-1.jsonl.progress"
    progress.write_text("{}")
    with pytest.raises(ValueError, match="not finished"):
        build()
    progress.unlink()
    manifest = vectors / "hyper_ir.manifest"
    good = manifest.read_text()
    manifest.write_text(good.replace('"shard_num": 1', '"shard_num": 2'))
    with pytest.raises(ValueError, match="1 files of 2 shards"):
        build()
    manifest.write_text(good.replace('"documents": 1', '"documents": 2'))
    with pytest.raises(ValueError, match="1 documents; its manifest says 2"):
        build()
    assert not (tmp_path / "s").exists()


def test_it_goes_to_other_processes_by_its_folder(tmp_path: Path) -> None:
    store = sparse_store(tmp_path, [{"a": 5}] * 1)
    sent = pickle.dumps(store)
    assert len(sent) < 500
    again = pickle.loads(sent)
    assert torch.equal(again.dense(["d0"]), store.dense(["d0"]))


def test_damaged_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    store = sparse_store(tmp_path / "one", [{"a": 5, "b": 1}])
    other = sparse_store(tmp_path / "two", [{"a": 5}, {}])
    for name in (document_files.STARTS, document_files.COMPONENTS, document_files.WEIGHTS):
        whole = (store.folder / name).read_bytes()
        (store.folder / name).write_bytes((other.folder / name).read_bytes())
        with pytest.raises(ValueError, match="do not fit each other"):
            DocumentStore.open(store.folder)
        (store.folder / name).write_bytes(whole)
    with pytest.raises(ValueError, match="not a folder of document vectors"):
        DocumentStore.open(tmp_path)


def test_gzip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": "a", "vector": {"b": 512}}\n'))
    store = DocumentStore.build(tmp_path / "s", path, WIDTH, TOKENS, FACTOR, progress=False)
    assert store.dense(["a"]).tolist() == [[0, 10, 0, 0, 0, 0]]
