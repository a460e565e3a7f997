from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.scale import MIB, Cost, Step, cost_of, main, table
from benchmarks.scale_data import PASSAGES, write_collection, write_task
from hyper_ir.data.qrels import read_qrels

TEXTS = [" ".join(f"w{text}x{place}" for place in range(20)) for text in range(5)]


def test_passages_are_recombined_halves_no_two_alike(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    write_collection(path, TEXTS, 60, words=12)
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [record["id"] for record in records[:5]] == ["0#0", "0#1", "0#2", "0#3", "1#0"]
    assert len({record["contents"] for record in records}) == 60
    words = records[7]["contents"].split()
    assert words[0] == "7"
    assert len(words) == 13
    sources = [word.partition("x")[0] for word in words[1:]]
    assert len(set(sources[:6])) == len(set(sources[6:])) == 1
    again = tmp_path / "again.jsonl"
    write_collection(again, TEXTS, 60, words=12)
    assert again.read_bytes() == path.read_bytes()


def test_the_task_judges_passages_that_are_there(tmp_path: Path) -> None:
    write_task(tmp_path, TEXTS, 40, 10)
    ids = {f"{number // PASSAGES}#{number % PASSAGES}" for number in range(40)}
    for split in ("train", "test"):
        judged = read_qrels(str(tmp_path), split=split)
        assert len({each.topic_id for each in judged}) == 10
        assert {each.doc_id for each in judged} <= ids


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units")
def test_a_steps_peak_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "hungry.py").write_text("x = bytearray(200 * 2**20)\n", encoding="utf-8")
    (tmp_path / "modest.py").write_text("pass\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        hungry, modest = (cost_of(Step(name, [name]), 1) for name in ("hungry", "modest"))
    assert hungry.bytes - modest.bytes == pytest.approx(200 * MIB, abs=8 * MIB)
    assert modest.bytes < 40 * MIB


def test_a_step_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"(?s)broken: status 1: .*No module named no_such_module"):
        cost_of(Step("broken", ["no_such_module"]), 1)


def test_the_table_says_how_memory_grew() -> None:
    found = {
        "encode": {100: Cost(1.2, 400 * MIB), 1000: Cost(11.0, 420 * MIB)},
        "train": {100: Cost(2.0, 1000 * MIB), 1000: Cost(2.0, 2000 * MIB)},
    }
    assert table(found).splitlines()[2:] == [
        "| encode | 1 | 11 | 400 | 420 | 1.05 |",
        "| train | 2 | 2 | 1,000 | 2,000 | 2.00 |",
    ]


def test_sizes_below_the_topics_are_refused() -> None:
    with pytest.raises(ValueError, match="as many passages as topics"):
        main(["--sizes", "10", "--topics", "20"])
