from __future__ import annotations

import importlib
import os
import sys
from typing import Any
from urllib.error import URLError

import pytest

from hyper_ir.lucene import jvm, pyserini_api


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Modules by name, or the exception that importing them raises; no JVM."""
    modules: dict[str, Any] = {}

    def import_module(name: str) -> Any:
        found = modules[name]
        if isinstance(found, Exception):
            raise found
        return found() if callable(found) else found

    monkeypatch.setattr(importlib, "import_module", import_module)
    monkeypatch.setattr(jvm, "start", lambda: None)
    monkeypatch.setitem(sys.modules, "pyserini.prebuilt_index_info", sys)
    modules["pyserini.prebuilt_index_info"] = sys
    return modules


def test_without_network_an_empty_catalogue_stands_in(imports: dict[str, Any]) -> None:
    """Pyserini 2.4 downloads it when imported."""
    imports["pyserini.prebuilt_index_info"] = URLError("no network")
    imports["pyserini.encode"] = os
    assert pyserini_api.import_module("pyserini.encode") is os
    stand_in = sys.modules["pyserini.prebuilt_index_info"]
    assert stand_in.TF_INDEX_INFO == {}
    with pytest.raises(AttributeError):
        _ = stand_in.no_constant


@pytest.mark.parametrize("key", [None, "", "secret"])
def test_the_openai_client_gets_a_key_while_it_is_imported(
    imports: dict[str, Any], monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    seen = []
    imports["pyserini.encode"] = lambda: seen.append(os.environ["OPENAI_API_KEY"])
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    pyserini_api.import_module("pyserini.encode")
    assert seen == [key or "none"]
    assert os.environ.get("OPENAI_API_KEY") == key


def test_an_import_that_fails_is_an_error_in_one_line(imports: dict[str, Any]) -> None:
    imports["pyserini.encode"] = RuntimeError("first line\nsecond line")
    with pytest.raises(ValueError, match=r"cannot be imported: RuntimeError: first line; python"):
        pyserini_api.encoder_bases()
