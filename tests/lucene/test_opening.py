from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyper_ir.lucene.opening import described, find_indexes
from hyper_ir.lucene.shards import Frequencies, Shard, record
from hyper_ir.manifest import Manifest, write_manifest

MODEL: dict[str, Any] = {
    "model": {"name": "m", "sha256": "1"},
    "vocabulary": "v",
    "quantiser": {"factor": 100},
}


def make_index(path: Path, shard: Shard | None = None, **changes: Any) -> Path:
    """What looks like an impact index."""
    path.mkdir(parents=True)
    (path / "segments_1").touch()
    config = {"impact": True} | changes.pop("config", {}) | (record(shard) if shard else {})
    counts = {"documents": 5}
    write_manifest(path, Manifest("index", **MODEL | changes, config=config, counts=counts))
    return path


def make_shards(folder: Path, collection: str = "c") -> Path:
    names = ["shard-00", "shard-01", "shard-02"]
    for number, name in enumerate(names):
        path = make_index(folder / name, Shard(number, 3, collection))
        Frequencies(15, {"x": 15}, collection).write(path)
    config = {"impact": True, "shards": names}
    write_manifest(folder, Manifest("index", **MODEL, config=config, counts={"documents": 15}))
    return folder


def test_one_index_several_and_a_folder_of_shards(tmp_path: Path) -> None:
    one, other = make_index(tmp_path / "a"), make_index(tmp_path / "b")
    found = find_indexes(one)
    assert found.paths == (one,)
    assert found.manifest is not None
    assert not found.partial
    both = find_indexes([one, str(other)])
    assert both.paths == (one, other)
    assert both.manifest is not None
    assert both.manifest.vocabulary == "v"
    assert both.manifest.counts == {"documents": 10}
    folder = make_shards(tmp_path / "s")
    shards = find_indexes(folder)
    assert [path.name for path in shards.paths] == ["shard-00", "shard-01", "shard-02"]
    assert [shard.number for shard in shards.shards] == [0, 1, 2]
    assert not shards.partial
    assert shards.frequencies() is None
    assert find_indexes([folder, one]).shards == ()


def test_some_shards_bring_the_whole_collections_frequencies(tmp_path: Path) -> None:
    folder = make_shards(tmp_path / "s")
    some = find_indexes([folder / "shard-02", folder / "shard-00"])
    assert some.partial
    assert [shard.number for shard in some.shards] == [0, 2]
    assert described(some) == "2 shards (0, 2) of 3"
    frequencies = some.frequencies()
    assert frequencies is not None
    assert (frequencies.documents, frequencies.counts) == (15, {"x": 15})


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"model": {"name": "n", "sha256": "2"}}, "model"),
        ({"vocabulary": "w"}, "vocabulary"),
        ({"quantiser": {"factor": 50}, "vocabulary": "w"}, "vocabulary and quantiser"),
        ({"config": {"impact": False}}, "kind"),
        ({"config": {"analysis": {"language": "de"}}}, "text analysis"),
    ],
)
def test_an_index_of_another_model_is_refused(
    tmp_path: Path, changes: dict[str, Any], differing: str
) -> None:
    one, other = make_index(tmp_path / "a"), make_index(tmp_path / "b", **changes)
    with pytest.raises(ValueError, match=rf"b \(.*\) is of another {differing} than .*a \(m\)"):
        find_indexes([one, other])


def test_an_index_of_another_tool_is_taken_as_it_is(tmp_path: Path) -> None:
    one, other = make_index(tmp_path / "a"), make_index(tmp_path / "b")
    (other / "hyper_ir.manifest").unlink()
    found = find_indexes([other, one])
    assert found.manifest is not None
    assert (found.manifest.vocabulary, found.manifest.counts) == ("v", {})


def test_what_does_not_belong_together(tmp_path: Path) -> None:
    folder, other = make_shards(tmp_path / "s"), make_shards(tmp_path / "t", "d")
    plain = make_index(tmp_path / "a")
    with pytest.raises(ValueError, match="none is given"):
        find_indexes([])
    with pytest.raises(ValueError, match="shard-01 is given twice"):
        find_indexes([folder, folder / "." / "shard-01"])
    (tmp_path / "copy").mkdir()
    copy = make_index(tmp_path / "copy" / "x", Shard(1, 3, "c"))
    with pytest.raises(ValueError, match=r"copy.x and .*shard-01 are both shard 1 of 3"):
        find_indexes([folder, copy])
    with pytest.raises(ValueError, match="whose shard 1 is not given"):
        find_indexes([folder / "shard-00", plain])
    with pytest.raises(ValueError, match="whose shard 0 is not given"):
        find_indexes([folder, other / "shard-02"])
    assert len(find_indexes([folder, other]).paths) == 6
    (folder / "shard-02" / "segments_1").unlink()
    with pytest.raises(ValueError, match="shard-02 is gone"):
        find_indexes(folder)
    with pytest.raises(ValueError, match="is no Lucene index"):
        find_indexes([plain, folder / "shard-02"])
