from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from benchmarks.checkpoints import EXCESS, _pooled, calibrate
from tests.tiny_models import TEXTS, save_checkpoint


def test_a_calibrated_head_lets_few_terms_through(tmp_path: Path) -> None:
    texts = [text for text in TEXTS if text]
    for family in ("bert", "distilbert"):
        folder = save_checkpoint(tmp_path / family, family)
        model = AutoModelForMaskedLM.from_pretrained(folder).eval()
        words = AutoTokenizer.from_pretrained(folder)
        calibrate(model, words, texts, terms=15)
        with torch.inference_mode():
            pooled = torch.stack([_pooled(model, words, text) for text in texts])
        assert abs(float((pooled > 0).sum(1).float().mean()) - 15) < 1
        assert abs(float(pooled[pooled > 0].mean()) - EXCESS) < 0.1
