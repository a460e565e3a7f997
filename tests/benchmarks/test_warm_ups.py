"""Warm-ups learn what they say, on a tiny model, and refuse what they cannot learn from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import warm_ups
from hyper_ir.models.heads import LexicalHead
from hyper_ir.models.retriever import Retriever
from tests import tiny_models

TEXTS = [text for text in tiny_models.TEXTS if text]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_models.save_checkpoint(tmp_path / "model", masked_lm=True)


def head_of(retriever: Retriever) -> LexicalHead:
    head = retriever.query.head
    assert isinstance(head, LexicalHead)
    return head


def test_logits_of_rows_are_what_the_head_pools(model: Path) -> None:
    head = head_of(Retriever.from_pretrained(str(model)))
    states = torch.randn(2, 5, tiny_models.HIDDEN)
    pooled = torch.log1p(torch.relu(warm_ups.row_logits(head, states))).amax(1)
    torch.testing.assert_close(head(states, torch.ones(2, 5)), pooled)


def test_rows_of_tokens_that_a_head_lacks() -> None:
    head = LexicalHead(torch.zeros(2, 4), torch.zeros(2), torch.tensor([3, 1]), vocabulary_size=5)
    assert warm_ups.row_of_token(head).tolist() == [-100, 1, -100, 0, -100]


def test_batches_go_round_in_new_orders() -> None:
    drawn = warm_ups.batches(list("abcdefg"), 3, 0)
    rounds = [sorted([*next(drawn), *next(drawn)]) for _ in range(3)]
    assert all(len(set(texts)) == 6 for texts in rounds)
    assert len({tuple(texts) for texts in rounds}) > 1


def loss_of(lines: str, step: int) -> float:
    [line] = [line for line in lines.splitlines() if line.startswith(f"step {step} ")]
    return float(line.split()[-1])


def test_masked_words_are_learnt(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, output = tmp_path / "corpus.jsonl", tmp_path / "masked"
    lines = [json.dumps({"id": str(n), "contents": TEXTS[n % len(TEXTS)]}) for n in range(60)]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    words = ["masked-words", "--model", str(model), "--texts", str(corpus), "--steps", "75"]
    warm_ups.main([*words, "--batch", "6", "--rate", "0.003", "--output", str(output)])
    printed = capsys.readouterr()
    assert loss_of(printed.err, 75) < 0.8 * loss_of(printed.err, 25)
    assert f"written: {output}" in printed.out
    Retriever.from_pretrained(str(output))


def off(folder: Path, vectors: dict[str, dict[str, float]]) -> float:
    """1 less the mean cosine between a model's vectors and the wanted ones."""
    loss = warm_ups.published_vectors(Retriever.from_pretrained(str(folder)), vectors, 64)
    with torch.inference_mode():
        return float(loss(list(vectors)))


def test_published_vectors_are_learnt(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = Retriever.from_pretrained(str(model)).tokenizer
    path, output = tmp_path / "vectors.jsonl", tmp_path / "taught"
    vectors = {text: {tokenizer.tokenize(text)[0]: 100.0, "is": 50.0} for text in TEXTS}
    lines = [json.dumps({"id": t, "text": t, "vector": v}) for t, v in vectors.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    words = ["published-vectors", "--model", str(model), "--texts", str(path), "--steps", "200"]
    warm_ups.main([*words, "--batch", "6", "--rate", "0.003", "--output", str(output)])
    assert f"written: {output}" in capsys.readouterr().out
    assert off(model, vectors) > 0.6
    assert off(output, vectors) < 0.4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a"}', "needs a text and a vector"),
        ('{"text": "a", "vector": {}}', "needs a text and a vector"),
        ('{"text": "a", "vector": {"qqq": 1}}', "'qqq' is no word piece"),
    ],
)
def test_lines_that_teach_nothing(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "vectors.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"vectors\.jsonl:1: .*{message}"):
        warm_ups.read_vectors([path], {"a"})


def test_too_few_texts_for_a_batch(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "vectors.jsonl"
    path.write_text('{"text": "a", "vector": {"is": 1}}', encoding="utf-8")
    words = ["published-vectors", "--model", str(model), "--texts", str(path)]
    with pytest.raises(ValueError, match="1 texts are less than a batch of 32"):
        warm_ups.main([*words, "--output", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
