"""What the doctor looks at."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from hyper_ir.doctor.check import Check, Status
from hyper_ir.lucene import java, jvm
from hyper_ir.wording import counted

EVAL = 'eval "$(python -m hyper_ir.doctor --shell)"'
TESTED_OPENAI = "openai>=2.12,<2.31"
KEY = "OPENAI_API_KEY"

OLDEST_PYTHON = (3, 11)
GIB = 2**30
PROBE_SECONDS = 300


def all_checks() -> list[Check]:
    """Every check, in the order of the report; those that take seconds run side by side."""
    with ThreadPoolExecutor(2) as pool:
        lucene, torch = pool.submit(probe, "lucene"), pool.submit(probe, "torch")
        quick = [check() for check in (check_python, check_packages, check_java, check_stock)]
        return [
            *quick,
            check_pyserini(lucene.result()),
            check_clause_limit(lucene.result()),
            check_openai(),
            check_torch(torch.result()),
            check_gpu(torch.result()),
            check_cpu(),
            check_memory(),
            *check_disks(),
            check_offline(),
        ]


def probe(what: str) -> dict[str, Any]:
    """What ``hyper_ir.doctor.probe`` found; ``{"error": …}`` where it failed."""
    command = [sys.executable, "-m", "hyper_ir.doctor.probe", what]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {PROBE_SECONDS} s"}
    if done.returncode == 0 and done.stdout.strip():
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return result
    said = (done.stderr.strip() or done.stdout.strip() or "nothing was printed").splitlines()
    return {"error": said[-1][:300]}


def check_python() -> Check:
    """Python 3.11 or later."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "FAIL", found, "use Python 3.11 or later")
    return Check("python", "OK", found)


def check_packages() -> Check:
    """Installed packages against the versions that hyper_ir asks for."""
    try:
        required = [Requirement(line) for line in importlib.metadata.requires("hyper_ir") or []]
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", "WARN", "hyper_ir is not installed", "pip install -e .")
    missing, other = [], []
    for requirement in required:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        wished = f"{requirement.name}{requirement.specifier}"
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(wished)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            other.append((f"{requirement.name} {version}", wished))
    cure = "pip install " + " ".join(f'"{each}"' for each in missing + [w for _, w in other])
    if missing:
        return Check("packages", "FAIL", f"missing: {', '.join(missing)}", cure)
    if other:
        found = ", ".join(f"{have} (tested: {wished})" for have, wished in other)
        return Check("packages", "WARN", found, cure)
    return Check("packages", "OK", f"{len(required)} requirements looked at")


def check_java() -> Check:
    """Which Java hyper_ir uses, and why that one."""
    try:
        found = java.find_java()
    except ValueError as error:
        reason = str(error).removesuffix(f"; {java.CURE}")
        wished = "unset HYPER_IR_JAVA_HOME, or set it to a Java 21 or later"
        return Check("java", "FAIL", reason, java.CURE if reason != str(error) else wished)
    vector = "" if found.has_vector_module else f", without {java.VECTOR_MODULE}"
    return Check(
        "java", "OK", f"{found.version} at {found.home} (found by {found.found_by}{vector})"
    )


def check_stock() -> Check:
    """Whether stock ``python -m pyserini.…`` commands run in this shell as it is."""
    name = "stock shell"
    try:
        needed = stock_environment()
    except ValueError as error:
        return Check(name, "WARN", f"stock pyserini commands cannot run: {error}", "see above")
    missing = [variable for variable in needed if os.environ.get(variable) != needed[variable]]
    default = _default_java()
    if missing == ["JAVA_HOME"] and default is not None and _starts_stock(default):
        missing = []
    if missing:
        there = f"Java {default.version}" if default is not None else "no Java"
        found = f"the shell's default is {there}; stock pyserini needs {', '.join(missing)} set"
        return Check(name, "WARN", found, EVAL)
    return Check(name, "OK", "stock pyserini commands run here")


def _default_java() -> java.Java | None:
    """The Java that pyjnius takes when nobody helps it."""
    if named := os.environ.get("JAVA_HOME"):
        return java.inspect(Path(named), "JAVA_HOME")
    command = shutil.which("javac") or shutil.which("java")
    return java.inspect(Path(command).resolve().parent.parent, "PATH") if command else None


def _starts_stock(found: java.Java) -> bool:
    return found.feature >= java.OLDEST and found.has_vector_module


def stock_environment() -> dict[str, str]:
    """The variables under which stock Pyserini commands run on this machine.

    Raises ValueError where no Java will do.
    """
    variables = java.environment(java.find_java())
    if not os.environ.get(KEY) and not _openai_imports_without_key():
        variables[KEY] = "none"  # Pyserini makes a client when imported, and never calls it
    return variables


def _openai_imports_without_key() -> bool:
    try:
        version = importlib.metadata.version("openai")
    except importlib.metadata.PackageNotFoundError:
        return True
    return Requirement(TESTED_OPENAI).specifier.contains(version, prereleases=True)


def check_openai() -> Check:
    """The version of openai, whose client stock Pyserini 1.6 makes when it is imported."""
    try:
        version = importlib.metadata.version("openai")
    except importlib.metadata.PackageNotFoundError:
        return Check("openai", "WARN", "not installed, Pyserini imports it", "pip install openai")
    if _openai_imports_without_key() or os.environ.get(KEY):
        return Check("openai", "OK", version)
    return Check(
        "openai",
        "WARN",
        f"{version} may refuse Pyserini's import without {KEY}",
        f'pip install "{TESTED_OPENAI}", or {EVAL}',
    )


def check_pyserini(found: dict[str, Any]) -> Check:
    """Whether Pyserini's searchers can be imported, from the probe's answer."""
    if "error" in found:
        return Check("pyserini", "FAIL", found["error"], "mend Java and packages above first")
    version = found["pyserini"]
    wished = "1.6" if sys.version_info < (3, 12) else "2.0 to 2.3"
    if tuple(int(part) for part in version.split(".")[:2]) >= (2, 4):
        return Check(
            "pyserini",
            "WARN",
            f"{version}: stock commands need the network when imported",
            'pip install "pyserini>=2,<2.4" to work offline',
        )
    return Check("pyserini", "OK", f"{version} imports (for this Python: {wished})")


def check_clause_limit(found: dict[str, Any]) -> Check:
    """Whether Lucene's limit on query terms is lifted, from the probe's answer."""
    if "error" in found:
        return Check("clause limit", "FAIL", "the JVM did not start", "mend Java above first")
    limit = found["clause_limit"]
    status: Status = "OK" if limit >= jvm.CLAUSE_LIMIT else "FAIL"
    text = f"{limit:,} query terms in hyper_ir (stock Lucene: 1,024), Java {found['java']} started"
    return Check("clause limit", status, text)


def check_torch(found: dict[str, Any]) -> Check:
    """Whether torch and transformers can be imported, from the probe's answer."""
    if "error" in found:
        cure = "pip install --force-reinstall torch transformers"
        return Check("torch", "FAIL", found["error"], cure)
    text = f"torch {found['torch']}, transformers {found['transformers']}"
    return Check("torch", "OK", f"{text}, {counted(found['threads'], 'thread')}")


def check_gpu(found: dict[str, Any]) -> Check:
    """The GPUs that torch sees; none is fine."""
    gpus = found.get("gpus") or []
    return Check("gpu", "OK", ", ".join(gpus) if gpus else "none; the CPU encodes and trains")


def check_cpu() -> Check:
    """How many CPUs this process may use, and whether libraries are held to fewer threads."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        if name in os.environ
    ]
    return Check("cpu", "OK", f"{cpus} to use" + (f", {', '.join(limits)}" if limits else ""))


def check_memory() -> Check:
    """Physical memory."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return Check("memory", "OK", "unknown on this system")
    found = f"{size / GIB:.1f} GiB"
    if size < 3.5 * GIB:
        return Check("memory", "WARN", found, "smaller batches (--batch-size 8), or more memory")
    return Check("memory", "OK", found)


def check_disks() -> list[Check]:
    """Free space where artefacts and temporary files go."""
    places: list[tuple[str, Callable[[], str]]] = [
        ("disk here", os.getcwd),
        ("disk temp", tempfile.gettempdir),
    ]
    return [check_disk(name, Path(place())) for name, place in places]


def check_disk(name: str, folder: Path) -> Check:
    """Free space of the disk that holds a folder."""
    free = shutil.disk_usage(folder).free
    found = f"{free / GIB:.1f} GiB free in {folder}"
    if free < GIB // 2:
        return Check(name, "FAIL", found, "free some space")
    if free < 5 * GIB:
        return Check(name, "WARN", found, "an index needs about twice its texts: free some space")
    return Check(name, "OK", found)


def check_offline() -> Check:
    """Whether the hub's libraries are told to stay off the network."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
    on = [name for name in names if os.environ.get(name, "").upper() in ("1", "TRUE", "YES", "ON")]
    if on:
        return Check("offline mode", "OK", f"on ({', '.join(on)}): models must be folders on disk")
    return Check("offline mode", "OK", "off: models may be fetched by name")
