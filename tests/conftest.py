"""Fixtures shared by all tests: real data where it lies beside the project, a Java where found."""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

SHARED_DATA = Path(
    os.environ.get("HYPER_IR_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
)


# What fails here fails at everybody's, every time: Hypothesis draws the same examples in each run
# and asks for no speed. HYPOTHESIS_PROFILE=searching looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def _seed(name: str) -> None:
    """Random numbers are drawn by name, whatever ran before in the same process.

    HYPER_IR_TEST_SEED gives all of them others: a test that fails with some held by luck.
    """
    number = zlib.crc32(f"{os.environ.get('HYPER_IR_TEST_SEED', '')} {name}".encode())
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> None:
    """A fixture that several tests share is the same whichever asks for it first."""
    _seed(f"{fixturedef.baseid} {fixturedef.argname}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """A test's own numbers do not depend on which of its fixtures were there already."""
    _seed(item.nodeid)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real collections beside the project; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data at {SHARED_DATA}")
    return SHARED_DATA
