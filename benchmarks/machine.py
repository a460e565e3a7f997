"""What a benchmark ran on: processor, memory, versions; no names of machines or folders."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
)
"""Instructions that the speed of matrix products depends on."""

PACKAGES = (
    "hyper_ir",
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "pyserini",
    "sentence-transformers",
    "pyseismic-lsr",
)


def described(threads: int, device: str = "cpu") -> dict[str, Any]:
    """The machine, the threads that each contender had, and the packages' versions."""
    return {
        "processor": _field("model name") or platform.processor() or platform.machine(),
        "instructions": _instructions(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(total_memory() / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "device": _device(device),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def in_words(machine: dict[str, Any]) -> str:
    """One line for under a table."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} used; "
        f"{' '.join(machine['instructions'])}; device {machine['device']}; "
        f"load before {machine['load_before']}; Python {machine['python']}, {versions}."
    )


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def total_memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def free_memory() -> int:
    """Bytes that can be had without swapping; half of all where the system does not tell."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return total_memory() // 2


def _instructions() -> list[str]:
    there = set(_field("flags").split())
    return [flag for flag in FLAGS if flag in there]


def _field(name: str) -> str:
    """A field of the first processor, empty where the system does not tell."""
    for line in _lines("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _device(device: str) -> str:
    torch = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None:
        return str(torch.cuda.get_device_name(device))
    return device


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
