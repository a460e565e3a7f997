from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hyper_ir.models.backbone import Backbone, load_model
from hyper_ir.models.grafting import GraftConfig, graft_lexical_head, idf_share
from hyper_ir.models.heads import CosineTransform, LexicalHead
from tests.tiny_models import TEXTS, save_checkpoint, tokenizer

CONFIG = GraftConfig(ridge=1e-2, threshold=0.2, anchor=0.5, scale=5.0, idf_power=1.0)


def batch_of(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    batch = tokenizer("bert")(texts, padding=True, return_tensors="pt")
    return batch["input_ids"], batch["attention_mask"]


@pytest.fixture
def backbone(tmp_path: Path) -> Backbone:
    return Backbone(load_model(save_checkpoint(tmp_path / "encoder", masked_lm=False), False))


def frequencies(size: int) -> torch.Tensor:
    ids, mask = batch_of(TEXTS)
    counts = torch.zeros(size, dtype=torch.long)
    for row, real in zip(ids, mask, strict=True):
        counts[row[real.bool()].unique()] += 1
    return counts


def test_the_regression_is_the_textbook_ridge_solution(backbone: Backbone) -> None:
    special = tokenizer("bert").all_special_ids
    counts = frequencies(len(backbone.word_embeddings))
    batches = [batch_of(TEXTS[:4]), batch_of(TEXTS[4:])]
    graft = graft_lexical_head(backbone, batches, counts, len(TEXTS), special, CONFIG)

    table = backbone.word_embeddings.detach()
    centred = table - table.mean(0)
    states, targets = [], []
    for ids, mask in batches:
        with torch.inference_mode():
            output = backbone(ids, mask)
        for text, position in (mask > 0).nonzero().tolist():
            token = int(ids[text, position])
            if token not in special:
                states.append(output[text, position].double())
                targets.append(centred[token].double())
    x, y = torch.stack(states), torch.stack(targets)
    mean_x, mean_y = x.mean(0), y.mean(0)
    penalty = CONFIG.ridge * x.var(0, unbiased=False).mean() * len(x)
    gram = (x - mean_x).T @ (x - mean_x) + penalty * torch.eye(x.shape[1], dtype=torch.float64)
    solution = torch.linalg.inv(gram) @ (x - mean_x).T @ (y - mean_y)
    assert isinstance(graft.head.transform, CosineTransform)
    assert graft.tokens == len(x)
    torch.testing.assert_close(
        graft.head.transform.weight, solution.T.float(), rtol=1e-3, atol=1e-4
    )
    expected_bias = (mean_y - mean_x @ solution).float()
    torch.testing.assert_close(graft.head.transform.bias, expected_bias, rtol=1e-3, atol=1e-4)


def test_logits_are_scaled_cosines_above_the_threshold(backbone: Backbone) -> None:
    counts = frequencies(len(backbone.word_embeddings))
    special = tokenizer("bert").all_special_ids
    graft = graft_lexical_head(backbone, [batch_of(TEXTS)], counts, len(TEXTS), special, CONFIG)
    ids, mask = batch_of(TEXTS[:1])
    with torch.inference_mode():
        states = backbone(ids, mask)
        weights = graft.head(states, mask, ids)[0]
        assert graft.head.transform is not None
        mapped = graft.head.transform(states)[0]
    table = backbone.word_embeddings.detach()
    centred = table - table.mean(0)
    share = idf_share(counts, len(TEXTS))
    for token in range(len(table)):
        cosine = torch.nn.functional.cosine_similarity(mapped, centred[token][None]).max()
        if token in ids[0].tolist():
            cosine = cosine.clamp(min=CONFIG.anchor)
        logit = CONFIG.scale * share[token] * (cosine - CONFIG.threshold)
        seen = counts[token] > 0 and token not in special
        expected = torch.log1p(torch.relu(logit)) if seen else torch.tensor(0.0)
        torch.testing.assert_close(weights[token], expected, rtol=1e-3, atol=1e-4)


def test_special_and_unseen_tokens_get_no_row(backbone: Backbone) -> None:
    counts = frequencies(len(backbone.word_embeddings))
    special = tokenizer("bert").all_special_ids
    head = graft_lexical_head(backbone, [batch_of(TEXTS)], counts, len(TEXTS), special, CONFIG).head
    assert isinstance(head, LexicalHead)
    assert head.tokens is not None
    rows = set(head.tokens.tolist())
    assert not rows & set(special)
    assert rows == set(counts.nonzero().flatten().tolist()) - set(special)


def test_idf_share_runs_from_nothing_to_one() -> None:
    share = idf_share(torch.tensor([1, 10, 999, 1000]), 1000)
    assert share[0] == 1
    assert share[0] > share[1] > share[2] >= share[3] >= 0


def test_too_little_text_is_refused(backbone: Backbone) -> None:
    counts = frequencies(len(backbone.word_embeddings))
    with pytest.raises(ValueError, match="too few"):
        graft_lexical_head(backbone, [batch_of(["zebras"])], counts, 1, [0, 2, 3], CONFIG)


@pytest.mark.parametrize(
    "settings",
    [{"ridge": 0}, {"threshold": 1}, {"anchor": 3}, {"scale": -1}, {"idf_power": -0.1}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        GraftConfig(**settings)
