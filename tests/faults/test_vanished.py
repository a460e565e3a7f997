"""Vectors that vanish: while they are encoded, before they are indexed, while Lucene reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Harnesses
from tests.faults.jobs import jobs
from tests.faults.kills import contents
from tests.faults.processes import Ended, start


def encode_shard(given: Path, out: Path, shard: int) -> Ended:
    words = jobs(given)["encode"].words(out)
    cut = words.index("encoder")
    shards = ["--shard-id", str(shard), "--shard-num", "2"]
    words = [*words[:cut], *shards, *words[cut:], "--resume"]
    return start(words, out.with_suffix(".log")).ended()


def test_a_shard_that_vanished_is_made_again_and_missed_until_then(
    given: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for shard in (0, 1):
        assert encode_shard(given, out, shard).status == 0
    names = ("v",)
    whole = contents(out, names)
    (out / "v" / "embeddings-00001-of-00002.jsonl").unlink()
    words = ["hyper_ir.search", "--impact", "--engine", "exact", "--index", f"{out}/v"]
    words += ["--topics", str(given / "topics.tsv"), "--encoder", str(given / "start")]
    ended = start([*words, "--output", str(tmp_path / "run")], tmp_path / "log").ended()
    assert "lacks shard 1 of 2" in ended.complaint()
    for shard in (0, 1):
        assert encode_shard(given, out, shard).status == 0
    assert contents(out, names) == whole


def test_what_was_encoded_vanishes_before_it_is_gone_on_with(
    harness: Harnesses, given: Path
) -> None:
    made = harness("encode")
    changes = made.reference[2].changes
    out = made.new_folder()
    start(made.job.words(out), out.with_suffix(".log"), out, changes // 2).ended()
    (out / "v" / ".embeddings.jsonl.partial").unlink()
    words = [*made.job.words(out), "--resume"]
    told = start(words, out.with_suffix(".log")).ended().complaint()
    assert "--overwrite starts anew" in told
    words[-1] = "--overwrite"
    assert start(words, out.with_suffix(".log")).ended().status == 0
    assert not made.unlike_whole(out)


def vanish_when_read(path: str) -> None:
    """Have a file vanish when all is checked and it is about to be read."""

    def vanish(event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and str(details[0]) == path:
            Path(path).unlink(missing_ok=True)

    sys.addaudithook(vanish)


@pytest.mark.jvm
def test_a_file_that_vanishes_while_it_is_indexed(
    harness: Harnesses, given: Path, tmp_path: Path
) -> None:
    made = harness("index --impact")
    _ = made.reference
    file = given / "v" / "embeddings.jsonl"
    content = file.read_bytes()
    out = made.new_folder()
    words, log = made.job.words(out), out.with_suffix(".log")
    try:
        told = start(words, log, prepare=vanish_when_read, arguments=(str(file),)).ended()
        assert str(file) in told.complaint()
    finally:
        file.write_bytes(content)
    assert not (out / "index").exists()
    assert not made.gone_on_with(out)
