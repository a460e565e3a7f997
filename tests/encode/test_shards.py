from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.encode.documents import OutputConfig
from hyper_ir.encode.shards import (
    PROGRESS,
    Shard,
    ShardFolder,
    ShardPlan,
    missing_shards,
)
from hyper_ir.lucene.staging import require_whole
from hyper_ir.manifest import Manifest, read_manifest, write_manifest

MANIFEST = Manifest(
    "vectors",
    model={"name": "m", "sha256": "1"},
    vocabulary="v",
    quantiser={"factor": 100.0},
    config={"mode": "exact", "shard_id": 0, "shard_num": 1},
    inputs={"corpus": {"source": "c", "files": [{"name": "c", "bytes": 7}]}},
)


def plan(folder: Path, total: int = 10, documents: int = 4, **output: bool) -> ShardPlan:
    return ShardPlan(folder, OutputConfig(**output), documents, total, MANIFEST)  # type: ignore[arg-type]


def passages(number: int = 10, prefix: str = "d") -> Iterator[Passage]:
    return (Passage(f"{prefix}{place}", {"text": f"text {place}"}) for place in range(number))


def encode(made: ShardPlan, shard: Shard) -> None:
    """Stand in for a worker."""
    path = made.path(shard.number)
    path.write_text("".join(f"{passage.id}\n" for passage, _ in shard.items))
    counts = {"documents": len(shard.items), "bytes": path.stat().st_size}
    write_manifest(path, made.shard_manifest(shard, counts))


def test_shards_are_consecutive_and_named_in_their_order(tmp_path: Path) -> None:
    made = plan(tmp_path)
    shards = list(missing_shards(made, passages(), {}))
    assert [[passage.id for passage, _ in shard.items] for shard in shards] == [
        ["d0", "d1", "d2", "d3"],
        ["d4", "d5", "d6", "d7"],
        ["d8", "d9"],
    ]
    assert shards[0].items[1][1] == "text 1"
    assert made.shards == 3
    assert [made.path(shard.number).name for shard in shards] == [
        f"embeddings-0000{number}-of-00003.jsonl" for number in range(3)
    ]
    assert [made.documents_of(number) for number in range(3)] == [4, 4, 2]
    assert str(shards[1]) == "shard 1, documents 5 to 8 (d4 to d7)"
    assert plan(tmp_path, total=4).path(0).name == "embeddings.jsonl"
    assert plan(tmp_path, compress=True).path(2).name == "embeddings-00002-of-00003.jsonl.gz"


def test_shards_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    read = 0

    def counting() -> Iterator[Passage]:
        nonlocal read
        for passage in passages():
            read += 1
            yield passage

    shards = missing_shards(plan(tmp_path), counting(), {})
    assert read == 0
    next(shards)
    assert read == 4
    next(shards)
    assert read == 8


def test_done_shards_are_passed_over_and_what_they_hold_is_checked(tmp_path: Path) -> None:
    made = plan(tmp_path)
    encode(made, list(missing_shards(made, passages(), {}))[1])
    finished = made.finished()
    assert list(finished) == [1]
    left = [shard.number for shard in missing_shards(made, passages(), finished)]
    assert left == [0, 2]
    with pytest.raises(ValueError, match=r"00001-of-00003.jsonl does not hold shard 1.*changed"):
        list(missing_shards(made, passages(prefix="e"), finished))


def test_a_damaged_or_strange_shard_is_not_done(tmp_path: Path) -> None:
    made = plan(tmp_path)
    for shard in missing_shards(made, passages(), {}):
        encode(made, shard)
    assert list(made.finished()) == [0, 1, 2]
    made.path(0).write_text("d0\n")
    made.path(1).with_name(made.path(1).name + ".manifest").unlink()
    assert list(made.finished()) == [2]
    other = replace(made, manifest=replace(MANIFEST, quantiser={"factor": 9.0}))
    assert not other.finished()


def test_a_folder_is_whole_only_when_it_is_finished(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    made = plan(folder)
    with ShardFolder(made) as held:
        assert json.loads((folder / PROGRESS).read_text())["token"] == held.token
        for shard in missing_shards(made, passages(), {}):
            encode(made, shard)
            with pytest.raises(ValueError, match="embeddings is not finished; --resume it"):
                require_whole(folder)
        (folder / ".embeddings-00001-of-00003.jsonl.partial").write_text("of a killed worker")
        manifest = held.finish(skipped=3)
    require_whole(folder)
    size = sum(made.path(number).stat().st_size for number in range(3))
    assert manifest.counts == {"documents": 10, "bytes": size, "skipped": 3}
    assert manifest == read_manifest(folder)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_a_folder_that_lacks_a_shard_is_not_finished(tmp_path: Path) -> None:
    made = plan(tmp_path)
    with ShardFolder(made) as held:
        for shard in list(missing_shards(made, passages(), {}))[:2]:
            encode(made, shard)
        with pytest.raises(ValueError, match=r"00002-of-00003\.jsonl: not there, though"):
            held.finish(0)
    assert (tmp_path / PROGRESS).exists()


def test_what_is_there_is_kept_unless_asked_otherwise(tmp_path: Path) -> None:
    made = plan(tmp_path)
    with ShardFolder(made):
        encode(made, next(missing_shards(made, passages(), {})))
    with pytest.raises(ValueError, match="an interrupted run; --resume"), ShardFolder(made):
        pass
    with ShardFolder(plan(tmp_path, resume=True)):
        assert list(made.finished()) == [0]
    larger = plan(tmp_path, total=11, resume=True)
    with pytest.raises(ValueError, match=r"other settings \(documents\)"), ShardFolder(larger):
        pass
    with ShardFolder(plan(tmp_path, overwrite=True)):
        assert not made.finished()


def test_an_interruption_says_that_only_resuming_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, ShardFolder(plan(tmp_path)):
        raise KeyboardInterrupt
    (note,) = caught.value.__notes__
    assert "--resume" in note
    assert "shards that are missing" in note


def test_a_finished_folder_is_kept(tmp_path: Path) -> None:
    made = plan(tmp_path, total=2)
    with ShardFolder(made) as held:
        encode(made, next(missing_shards(made, passages(2), {})))
        held.finish(0)
    with pytest.raises(ValueError, match="exists already; --overwrite"), ShardFolder(made):
        pass
    with ShardFolder(plan(tmp_path, total=2, resume=True)) as held:
        assert held.finish(0).counts["documents"] == 2


def test_a_part_of_a_run_without_ray_is_not_taken_up(tmp_path: Path) -> None:
    (tmp_path / ".embeddings.jsonl.progress").write_text("{}")
    resumed = plan(tmp_path, resume=True)
    with pytest.raises(ValueError, match="interrupted run without Ray"), ShardFolder(resumed):
        pass


def test_a_broken_progress_file_is_told(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_text('["nothing"]')
    resumed = plan(tmp_path, resume=True)
    with pytest.raises(ValueError, match=r"progress: not readable.*--overwrite"):
        ShardFolder(resumed).__enter__()
    with ShardFolder(plan(tmp_path, overwrite=True)):
        pass


def test_two_runs_cannot_write_one_folder(tmp_path: Path) -> None:
    again = plan(tmp_path, resume=True)
    with (
        ShardFolder(plan(tmp_path)),
        pytest.raises(ValueError, match="another process"),
        ShardFolder(again),
    ):
        pass
