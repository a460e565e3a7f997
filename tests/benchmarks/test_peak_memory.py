from __future__ import annotations

import sys

import pytest

from benchmarks.harness import Contender, Worker

MIB = 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_peaks_are_told_above_the_loaded_and_without_those_before() -> None:
    settings = {"factory": "tests.benchmarks.contenders:hungry", "settings": {}, "limit": 400 * MIB}
    contender = Contender("A", "benchmarks.peak_memory:watched", settings)
    with Worker(contender, threads=1) as worker:
        large = worker.run(bytes=200 * MIB)["bytes"]
        small = worker.run(bytes=50 * MIB)["bytes"]
        too_large = worker.run(bytes=4000 * MIB)
    assert large == pytest.approx(200 * MIB, abs=16 * MIB)
    assert small == pytest.approx(50 * MIB, abs=16 * MIB)
    assert "bytes" not in too_large
