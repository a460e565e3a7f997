"""The encoders beside Pyserini's own: same model, same texts, same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyper_ir.lucene import pyserini_api
from tests.tiny_models import FAMILIES, TEXTS, close, save_checkpoint

pytestmark = pytest.mark.jvm

PYSERINI_FACTOR = 256 / 5
TITLES = ["Search", "Prompts", "Wings", "Animals", "Medicine", "Nothing", "Signs"]


def weights(folder: Path, texts: list[str]) -> torch.Tensor:
    from hyper_ir.models.retriever import Retriever

    retriever = Retriever.from_pretrained(folder)
    batch = retriever.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors: torch.Tensor = retriever(batch["input_ids"], batch["attention_mask"])
    return vectors


def assert_same_but_for_rounding(
    ours: dict[str, int], theirs: dict[str, int], exact: dict[str, float]
) -> None:
    """Equal integers, unless the real weight lies at a half to within float32's error."""
    for token in {*ours, *theirs}:
        difference = abs(ours.get(token, 0) - theirs.get(token, 0))
        if difference:
            scaled = exact[token] * PYSERINI_FACTOR
            assert difference == 1
            assert abs(scaled % 1 - 0.5) < 1e-4, token


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("titled", [False, True])
def test_documents_get_pyserinis_integers(tmp_path: Path, family: str, titled: bool) -> None:
    from hyper_ir.encode import HyperDocumentEncoder

    folder = save_checkpoint(tmp_path / family, family, spare_rows=0)
    theirs = pyserini_api.import_module("pyserini.encode").SpladeDocumentEncoder(
        str(folder), device="cpu"
    )
    texts = [text for text in TEXTS if text]
    titles = TITLES[: len(texts)] if titled else None
    expected = theirs.encode(texts, titles=titles, max_length=32)
    encoder = HyperDocumentEncoder(
        folder, device="cpu", quantization_factor=PYSERINI_FACTOR, max_length=32
    )
    result = encoder.encode(texts, titles=titles)
    joined = texts if titles is None else [f"{a} {b}" for a, b in zip(titles, texts, strict=True)]
    for vector, other, row in zip(result, expected, weights(folder, joined), strict=True):
        assert isinstance(vector, dict)
        exact = dict(zip(encoder.engine.tokens, row.tolist(), strict=True))
        assert_same_but_for_rounding(vector, {k: v for k, v in other.items() if v}, exact)


def test_queries_get_pyserinis_integers(tmp_path: Path) -> None:
    from hyper_ir.encode import HyperQueryEncoder

    folder = save_checkpoint(tmp_path / "bert", spare_rows=0)
    module = pyserini_api.import_module("pyserini.encode")
    theirs = module.SpladeQueryEncoder(str(folder), device="cpu")
    encoder = HyperQueryEncoder(
        folder, device="cpu", quantization_factor=PYSERINI_FACTOR, max_length=32
    )
    assert isinstance(encoder, module.QueryEncoder)
    for text in TEXTS:
        exact = dict(zip(encoder.engine.tokens, weights(folder, [text])[0].tolist(), strict=True))
        vector = encoder.encode(text)
        assert isinstance(vector, dict)
        expected = {k: v for k, v in theirs.encode(text, max_length=32).items() if v}
        assert_same_but_for_rounding(vector, expected, exact)
    assert close(encoder.encode_batch(TEXTS), [encoder.encode(text) for text in TEXTS])


def test_dense_documents_come_as_one_array(tmp_path: Path) -> None:
    from hyper_ir.encode import HyperDocumentEncoder

    folder = save_checkpoint(tmp_path / "dense", masked_lm=False)
    vectors = HyperDocumentEncoder(folder, device="cpu", max_length=32).encode(TEXTS)
    assert isinstance(vectors, np.ndarray)
    assert vectors.shape == (len(TEXTS), 32)
    assert vectors.dtype == np.float32


def test_the_query_encoder_searches_through_pyserinis_own_searcher(tmp_path: Path) -> None:
    from hyper_ir.data.corpus import open_corpus
    from hyper_ir.encode import HyperQueryEncoder
    from hyper_ir.encode.documents import encode_corpus
    from hyper_ir.encode.engine import Engine, EngineConfig
    from hyper_ir.lucene.impact_indexing import build_impact_index
    from hyper_ir.models.retriever import Retriever

    folder = save_checkpoint(tmp_path / "bert")
    lines = [f'{{"id": "d{i}", "contents": "{text}"}}\n' for i, text in enumerate(TEXTS[:4])]
    (tmp_path / "c.jsonl").write_text("".join(lines))
    engine = Engine(Retriever.from_pretrained(folder), "document", EngineConfig(max_length=32))
    encode_corpus(engine, open_corpus(str(tmp_path / "c.jsonl")), tmp_path / "v", None, False)
    build_impact_index(tmp_path / "v", tmp_path / "index")
    encoder = HyperQueryEncoder(folder, device="cpu", max_length=32)
    searcher = pyserini_api.load().LuceneImpactSearcher(
        str(tmp_path / "index"), encoder, min_idf=-1
    )
    hits = searcher.search(TEXTS[2], k=4)
    query = encoder.encode(TEXTS[2])
    assert isinstance(query, dict)
    scores = {}
    for number, vector in enumerate(engine.encode(list(TEXTS[:4]))):
        assert isinstance(vector, dict)
        scores[f"d{number}"] = sum(impact * vector.get(t, 0) for t, impact in query.items())
    assert {hit.docid: hit.score for hit in hits} == pytest.approx(
        {id: score for id, score in scores.items() if score}, abs=1e-3
    )
