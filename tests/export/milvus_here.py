"""The embedded Milvus, for tests that need it: skipped where the extra is not installed."""

from __future__ import annotations

import pytest


def milvus_or_skip() -> None:
    """Skip the test where pymilvus or milvus-lite is missing."""
    for name in ("pymilvus", "milvus_lite"):
        pytest.importorskip(name, reason="pip install 'hyper_ir[milvus]'")
