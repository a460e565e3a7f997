from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.data.vectors import read_vectors
from hyper_ir.encode.documents import OutputConfig, settings_of
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.encode.shard_encoder import ShardEncoder, Task
from hyper_ir.encode.shards import PROGRESS, Shard, ShardPlan, missing_shards
from hyper_ir.manifest import read_manifest
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import TEXTS, save_checkpoint

CONFIG = EngineConfig(1, 32, "cpu")


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return Retriever.from_pretrained(save_checkpoint(tmp_path_factory.mktemp("models") / "bert"))


def passages() -> Iterator[Passage]:
    return (Passage(f"d{place}", {"text": text}) for place, text in enumerate(TEXTS))


def encoder_of(retriever: Retriever, folder: Path, precision: str = "float32") -> ShardEncoder:
    engine = Engine(retriever, "document", CONFIG)
    manifest = engine.manifest("vectors", settings_of(OutputConfig()) | {"precision": precision})
    plan = ShardPlan(folder, OutputConfig(), 4, len(TEXTS), manifest)
    (folder / PROGRESS).write_text(json.dumps({"token": "word"}))
    return ShardEncoder(Task("document", CONFIG, Quantiser(), 1, plan, "word"), retriever)


def shards(encoder: ShardEncoder) -> list[Shard]:
    return list(missing_shards(encoder.task.plan, passages(), {}))


def test_a_shards_file_has_the_local_engines_vectors(retriever: Retriever, tmp_path: Path) -> None:
    encoder = encoder_of(retriever, tmp_path)
    plan = encoder.task.plan
    for shard in shards(encoder):
        report = encoder.report(shard)
        assert (report.documents, report.wrong) == (len(shard.items), "")
        manifest = read_manifest(plan.path(shard.number))
        assert manifest is not None
        assert manifest.counts["documents"] == len(shard.items)
        assert manifest.config["shard_id"] == shard.number
    assert list(plan.finished()) == [0, 1]
    vectors = {id: vector for id, vector, _ in read_vectors(tmp_path)}
    stream = Engine(retriever, "document", CONFIG).stream(
        list(enumerate(TEXTS)), lambda item: item[1]
    )
    expected = {f"d{place}": vector for (place, _), vector in stream}
    assert {id: vector for id, vector in vectors.items() if expected[id]} == {
        id: vector for id, vector in expected.items() if vector
    }


def test_a_folder_of_the_same_name_on_another_machine_is_told(
    retriever: Retriever, tmp_path: Path
) -> None:
    encoder = encoder_of(retriever, tmp_path)
    shard = shards(encoder)[0]
    for there in ('{"token": "other"}', "{", "[]", None):
        (tmp_path / PROGRESS).unlink(missing_ok=True)
        if there is not None:
            (tmp_path / PROGRESS).write_text(there)
        report = encoder.report(shard)
        assert "a worker does not see the folder" in report.wrong
        assert not report.again
    assert not list(tmp_path.glob("*.jsonl"))


def test_a_worker_of_another_precision_is_told(retriever: Retriever, tmp_path: Path) -> None:
    encoder = encoder_of(retriever, tmp_path, precision="bfloat16")
    report = encoder.report(shards(encoder)[0])
    assert "computes in float32, others in bfloat16; --mode exact" in report.wrong
    assert not report.again


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OSError(28, "No space left"), True),
        (RuntimeError("CUDA"), True),
        (ValueError("NaN"), False),
    ],
)
def test_what_may_pass_is_tried_again(
    retriever: Retriever, tmp_path: Path, error: Exception, again: bool
) -> None:
    encoder = encoder_of(retriever, tmp_path)
    shard, other = shards(encoder)
    encoder.report(other)

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    assert encoder._encoder is not None
    encoder._encoder.engine.arrays = fail  # type: ignore[method-assign]
    report = encoder.report(shard)
    assert str(error) in report.wrong
    assert report.again is again
    assert list(encoder.task.plan.finished()) == [other.number]
    assert not list(tmp_path.glob(".*.partial"))
