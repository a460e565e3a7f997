from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.lucene.shards import (
    FREQUENCIES,
    Frequencies,
    Shard,
    is_sharded,
    record,
    run_shards,
    shard_folders,
    shard_in,
    shard_names,
    shard_of,
)
from hyper_ir.manifest import Manifest, write_manifest


def test_a_documents_shard_is_the_same_everywhere() -> None:
    """Changing the rule would part documents of one collection indexed at two times."""
    ids = ["d1", "PAGE#2", "é", "😀", "12345", "\u2028"]
    assert [shard_of(id, 16) for id in ids] == [7, 9, 15, 0, 1, 12]
    assert {shard_of(id, 1) for id in ids} == {0}


@pytest.mark.parametrize("shards", [2, 3, 7, 16])
def test_shards_are_about_equal(shards: int) -> None:
    counts = [0] * shards
    for number in range(8_000):
        counts[shard_of(f"{number // 4}#{number % 4}", shards)] += 1
    assert min(counts) > 0.8 * 8_000 / shards
    assert max(counts) < 1.2 * 8_000 / shards


def test_names_sort_as_their_numbers_do() -> None:
    assert shard_names(3) == ["shard-00", "shard-01", "shard-02"]
    assert shard_names(101)[-1] == "shard-100"
    assert sorted(shard_names(101)) == shard_names(101)


def test_a_shard_in_a_manifest() -> None:
    shard = Shard(2, 4, "abc")
    assert shard_in(Manifest("index", config=record(shard))) == shard
    assert shard_in(Manifest("index")) is None
    assert shard_in(None) is None
    assert str(shard) == "shard 2 of 4 (numbered from 0)"
    assert run_shards([]) == {}
    told = run_shards([shard, Shard(3, 4, "abc")])
    assert told == {"shards": {"collection": "abc", "of": 4, "numbers": [2, 3]}}


def test_a_folder_of_shards_and_one_that_vanished(tmp_path: Path) -> None:
    assert not is_sharded(tmp_path)
    write_manifest(tmp_path, Manifest("index"))
    assert not is_sharded(tmp_path)
    write_manifest(tmp_path, Manifest("index", config={"shards": ["shard-00", "shard-01"]}))
    assert is_sharded(tmp_path)
    for name in ("shard-00", "shard-01"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "segments_1").touch()
    assert shard_folders(tmp_path) == [tmp_path / "shard-00", tmp_path / "shard-01"]
    (tmp_path / "shard-01" / "segments_1").unlink()
    with pytest.raises(ValueError, match="is made of 2 shards, and shard-01 is gone"):
        shard_folders(tmp_path)


def test_frequencies_come_back_and_damage_is_told(tmp_path: Path) -> None:
    frequencies = Frequencies(9, {"a": 3, "é.%": 9}, "abc")
    frequencies.write(tmp_path)
    assert Frequencies.read(tmp_path, "abc") == frequencies
    with pytest.raises(ValueError, match="of another collection"):
        Frequencies.read(tmp_path, "abd")
    for text in ("", "[]", "{}", '{"documents": 1, "counts": 3, "collection": "abc"}'):
        (tmp_path / FREQUENCIES).write_text(text)
        with pytest.raises(ValueError, match="cannot be read"):
            Frequencies.read(tmp_path, "abc")
    (tmp_path / FREQUENCIES).unlink()
    with pytest.raises(ValueError, match="copy the shard again"):
        Frequencies.read(tmp_path, "abc")
