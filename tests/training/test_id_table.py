from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyper_ir.training import id_table
from hyper_ir.training.id_table import IdTable, IdTableWriter, id_hash

ANY_TEXT = st.text(st.characters(), max_size=6)  # line feeds, NUL and surrogates too

HASHES: list[Callable[[str], int]] = [
    id_hash,
    lambda id: len(id) % 2,
    lambda id: 2**64 - 1,
    lambda id: 2**63 + len(id),
]


def written(folder: Path, ids: list[str], window: int = 3) -> IdTable:
    with IdTableWriter(folder) as writer:
        for start in range(0, len(ids), window):
            writer.extend(ids[start : start + window])
    return IdTable(folder, "passage")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(ANY_TEXT, unique=True, max_size=40),
    st.lists(ANY_TEXT, max_size=10),
    st.sampled_from(HASHES),
    st.sampled_from([1, 4, 1 << 22]),
)
def test_it_is_a_dictionary_even_where_hashes_collide(
    tmp_path_factory: pytest.TempPathFactory,
    ids: list[str],
    others: list[str],
    hash_of: Callable[[str], int],
    at_once: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(id_table, "id_hash", hash_of)
        patch.setattr(id_table, "SORTED_AT_ONCE", at_once)
        table = written(tmp_path_factory.mktemp("table"), ids)
        naive = {id: place for place, id in enumerate(ids)}
        assert len(table) == len(ids)
        assert list(table) == ids
        assert table.places(ids).tolist() == list(range(len(ids)))
        for id in [*ids, *others]:
            assert (id in table) == (id in naive)
            if id in naive:
                assert table.place(id) == naive[id]
                assert table.id(naive[id]) == id
            else:
                with pytest.raises(ValueError, match="holds no passage"):
                    table.place(id)


def test_hashes_lie_in_order_whatever_is_sorted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"{number}#{number % 7}" for number in range(5000)]
    for at_once in (100, 1 << 22):
        monkeypatch.setattr(id_table, "SORTED_AT_ONCE", at_once)
        folder = tmp_path / str(at_once)
        folder.mkdir()
        written(folder, ids, window=999)
        hashes = np.load(folder / id_table.HASHES)
        assert bool((hashes[1:] > hashes[:-1]).all())
        assert hashes[0] == min(map(id_hash, ids))
    for name in (id_table.HASHES, id_table.PLACES):
        first, second = ((tmp_path / part / name).read_bytes() for part in ("100", "4194304"))
        assert first == second
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [id_table.TEXTS, id_table.STARTS, id_table.HASHES, id_table.PLACES]
    )


@pytest.mark.parametrize("hash_of", HASHES)
def test_an_id_that_comes_twice_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hash_of: Callable[[str], int]
) -> None:
    monkeypatch.setattr(id_table, "id_hash", hash_of)
    with pytest.raises(ValueError, match=r"id 'b' is that of records 2 and 5"):
        written(tmp_path, ["a", "b", "c", "d", "b"])


def test_the_hash_is_the_same_for_ever() -> None:
    # As `printf Zebra#3 | b2sum -l 64` prints it, lowest byte first.
    assert id_hash("Zebra#3").to_bytes(8, "little").hex() == "aebd34384f198f5c"
    assert id_hash("").to_bytes(8, "little").hex() == "e4a6a0577479b2b4"


def test_places_out_of_range_and_things_that_are_no_ids(tmp_path: Path) -> None:
    table = written(tmp_path, ["a", "b"])
    for place in (-1, 2):
        with pytest.raises(ValueError, match=f"place {place} of 2 passages"):
            table.id(place)
    assert 3 not in table
    with pytest.raises(ValueError, match=r"holds no passage 'c\\n'"):
        table.places(["a", "c\n"])


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    written(tmp_path, ["a", "b"])
    texts = tmp_path / id_table.TEXTS
    texts.write_bytes(texts.read_bytes() + b"c\n")
    with pytest.raises(ValueError, match=r"ids\.txt: not as long"):
        IdTable(tmp_path)
    texts.unlink()
    with pytest.raises(ValueError, match=r"ids\.txt: not readable"):
        IdTable(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    written(other, ["a", "b", "c"])
    (tmp_path / id_table.HASHES).write_bytes((other / id_table.HASHES).read_bytes())
    texts.write_bytes(b"a\nb\n")
    with pytest.raises(ValueError, match="damaged"):
        IdTable(tmp_path)
