from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.encode.documents import encode_corpus
from hyper_ir.encode.vector_file import HOW_TO_RESUME
from tests.encode.random_corpus import repeated
from tests.encode.small_encoding import done, engine


def command(model: Path, corpus: Path, folder: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "hyper_ir.encode", "input", "--corpus", str(corpus)),
        *("output", "--embeddings", str(folder), "--resume", *more),
        *("encoder", "--encoder", str(model), "--batch-size", "1", "--max-length", "32"),
    ]


ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def kill_and_resume(
    model: Path, corpus: Path, folder: Path, kills: int, seed: int, *more: str
) -> int:
    """Kill an encoding again and again after it began to write; return how many kills hit it."""
    draw = random.Random(seed)
    hits = 0
    for _ in range(kills):
        before = done(folder)
        process = subprocess.Popen(
            command(model, corpus, folder, *more), env=ONE_THREAD, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and done(folder) == before:
            time.sleep(0.001)
        time.sleep(draw.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        hits += process.wait() == -signal.SIGKILL
        if (folder / "embeddings.jsonl").exists():
            break
    whole(model, corpus, folder, *more)
    return hits


def whole(model: Path, corpus: Path, folder: Path, *more: str) -> None:
    """Encode to the end, by as many threads as the killed runs: sums differ between counts."""
    subprocess.run(command(model, corpus, folder, *more), env=ONE_THREAD, check=True)


def test_a_killed_run_is_taken_up_where_it_was(model: Path, corpus: Path, tmp_path: Path) -> None:
    whole(model, corpus, tmp_path / "whole")
    assert kill_and_resume(model, corpus, tmp_path / "killed", 1, seed=1) == 1
    for name in ("embeddings.jsonl", "hyper_ir.manifest", "embeddings.jsonl.manifest"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(list((tmp_path / "killed").iterdir())) == 3


@pytest.mark.slow
@pytest.mark.parametrize("compressed", [False, True])
def test_ten_kills_change_nothing(
    model: Path, corpus: Path, tmp_path: Path, compressed: bool
) -> None:
    large = repeated(corpus, tmp_path / "large.jsonl", 60)
    flags = ["--compress"] if compressed else []
    whole(model, large, tmp_path / "whole", *flags)
    hits = kill_and_resume(model, large, tmp_path / "killed", 10, 7, *flags)
    assert hits == 10
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "killed" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(("windows", "notes"), [(0, []), (2, [HOW_TO_RESUME])])
def test_an_interruption_says_how_to_go_on_once_something_is_safe(
    model: Path, corpus: Path, tmp_path: Path, windows: int, notes: list[str]
) -> None:
    kill = engine(model)
    arrays, number = kill.arrays, itertools.count()

    def interrupted(texts, one_core):  # type: ignore[no-untyped-def]
        if next(number) == windows:
            raise KeyboardInterrupt
        return arrays(texts, one_core)

    kill.arrays = interrupted  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt) as caught:
        encode_corpus(kill, open_corpus(str(corpus)), tmp_path / "v", None, False)
    assert getattr(caught.value, "__notes__", []) == notes
