"""Anserini's IndexCollection, the class behind ``python -m pyserini.index.lucene``, as a process.

A process of its own, so that its log can be kept, its memory comes back, and Ctrl-C ends it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from hyper_ir.lucene.java import Java, anserini_jar, file_name_locale, java_executable

MAIN_CLASS = "io.anserini.index.IndexCollection"
LARGEST_BUFFER = 4096  # MB; Anserini's own default, whatever the heap is

_DONE = re.compile(r"Indexing Complete! ([\d,]+) documents indexed")
_SO_FAR = re.compile(r"([\d,]+) documents indexed")
_TROUBLE = re.compile(r"^\S+ \S+ ERROR |^Error: |OutOfMemoryError|^Exception in thread", re.M)


def index_collection(
    java: Java, arguments: Sequence[str], documents: int, log: Path, progress: bool
) -> None:
    """Run IndexCollection and see to it that it indexed all ``documents``.

    The log is written to ``log`` and removed when all went well. Raises ValueError with the
    first complaint of the log when the process fails, logs an error (Anserini goes on after
    one), or indexes another number of documents.
    """
    command = [
        *_java_command(java),
        *("-memoryBuffer", str(_buffer_megabytes(java))),
        *arguments,
    ]
    indexed = 0
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        open(log, "w", encoding="utf-8") as kept,
        tqdm(desc="index", unit=" docs", total=documents, disable=not progress) as bar,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **file_name_locale()},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                kept.write(line)
                if (match := _DONE.search(line) or _SO_FAR.search(line)) is not None:
                    indexed = int(match.group(1).replace(",", ""))
                    bar.update(indexed - bar.n)
        except BaseException:
            process.kill()
            raise
        status = process.wait()
    text = log.read_text(encoding="utf-8")
    if status or _TROUBLE.search(text) or _DONE.search(text) is None or indexed != documents:
        raise ValueError(
            f"Lucene indexed {indexed:,} of {documents:,} documents: {_first_complaint(text)}; "
            f"the whole log is {log}"
        )
    log.unlink()


def _java_command(java: Java) -> list[str]:
    executable = java_executable(java.home)
    if executable is None:
        raise ValueError(f"{java.home} holds no java")
    # Counts in the log are read back: not 1.000 for 1,000.
    english = ["-Duser.language=en", "-Duser.country=US"]
    return [str(executable), *english, "-cp", str(anserini_jar()), MAIN_CLASS]


def _buffer_megabytes(java: Java) -> int:
    """How much memory Lucene may fill before it writes a segment: half of the JVM's heap."""
    executable = java_executable(java.home)
    done = subprocess.run(
        [str(executable), "-XX:+PrintFlagsFinal", "-version"],
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.search(r"MaxHeapSize\s*=\s*(\d+)", done.stdout)
    if match is None:
        return 256
    return max(16, min(LARGEST_BUFFER, int(match.group(1)) // 2**20 // 2))


def _first_complaint(log: str) -> str:
    lines = [line.strip() for line in log.splitlines()]
    for line in lines:
        if re.search(r"Exception|Error|ERROR", line):
            return line[:300]
    return lines[-1][:300] if lines else "Java printed nothing"
