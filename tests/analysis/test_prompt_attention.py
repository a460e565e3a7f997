from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hyper_ir.analysis.inputs import TaskQueries, read_tasks, topics_sources
from hyper_ir.analysis.prompt_attention import attention_of_tasks, write_attention
from hyper_ir.data.records import Topic
from hyper_ir.encode import prompt_attention as module
from tests.analysis.small import CONFIG, attention, retriever, topics


def test_it_is_the_towers_own_for_every_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 5)
    model = retriever(tmp_path / "m")
    tasks = read_tasks(topics_sources(topics(tmp_path)), None, 42)
    found = attention_of_tasks(model, tasks, max_length=32)
    assert found.tasks == ["nq", "wow", "fever"]
    assert found.members.tolist() == [0] * 12 + [1] * 12 + [2] * 12
    assert found.prompts == 5
    assert found.shares.sum(axis=1) == pytest.approx(np.ones(36), abs=1e-12)
    for place in (0, 11, 12, 35):
        batch = model.tokenizer(
            [found.texts[place]], return_tensors="pt", truncation=True, max_length=32
        )
        with torch.inference_mode():
            one = model.query.encode(batch["input_ids"], batch["attention_mask"]).prompt_attention
        assert one is not None
        assert found.shares[place] == pytest.approx(one[0].numpy(), abs=1e-6)
    assert np.ptp(found.shares, axis=0).max() > 0.05
    assert found.means()[1] == pytest.approx(found.of(1).mean(axis=0))


def test_models_without_attention_to_look_at_are_refused(tmp_path: Path) -> None:
    tasks = [TaskQueries("t", "", [Topic("1", "one")], 1)]
    with pytest.raises(ValueError, match="no prompts"):
        attention_of_tasks(retriever(tmp_path / "a", None), tasks)
    static = replace(CONFIG, query_conditional=False)
    with pytest.raises(ValueError, match="static"):
        attention_of_tasks(retriever(tmp_path / "b", static), tasks)


def test_a_query_without_a_token_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "tokenised", lambda *_: [[1, 2], []])
    tasks = [TaskQueries("t", "", [Topic("1", "one"), Topic("2", "two")], 2)]
    with pytest.raises(ValueError, match="the query 'two' has no token"):
        attention_of_tasks(retriever(tmp_path), tasks)


def test_the_table_holds_every_share_and_is_the_same_every_time(tmp_path: Path) -> None:
    some = attention()
    write_attention(tmp_path / "a.tsv.gz", some)
    write_attention(tmp_path / "b.tsv.gz", some)
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()
    lines = gzip.decompress((tmp_path / "a.tsv.gz").read_bytes()).decode().splitlines()
    assert lines[0].split("\t") == ["task", "id", *(f"prompt_{n}" for n in range(6))]
    assert len(lines) == 17
    task, id, *shares = lines[6].split("\t")
    assert (task, id) == ("task1", "q5")
    assert [float(share) for share in shares] == pytest.approx(some.shares[5], rel=1e-5)
