"""Anserini's IndexCollection, the class behind ``python -m pyserini.index.lucene``, as a process.

A process of its own, so that its log can be kept, its memory comes back, and Ctrl-C ends it; on
Linux it also ends with a parent that is killed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from hyper_ir.lucene.java import Java, anserini_jar, file_name_locale, java_executable
from hyper_ir.lucene.with_parent import tied
from hyper_ir.wording import counted

MAIN_CLASS = "io.anserini.index.IndexCollection"
LARGEST_BUFFER = 4096  # MB; Anserini's own default, whatever the heap is

_DONE = re.compile(r"Indexing Complete! ([\d,]+) documents indexed")
_SO_FAR = re.compile(r"([\d,]+) documents indexed")
# Lucene's remarks on the Java it runs on stand in every log.
_WARNING = re.compile(r"^\S+ \S+ WARN +\[[^]]*\] (?!store\.|vectorization\.)", re.M)
_TROUBLE = re.compile(r"^\S+ \S+ ERROR |^Error: |OutOfMemoryError|^Exception in thread", re.M)


def index_collection(
    java: Java, arguments: Sequence[str], documents: int, log: Path, progress: bool
) -> None:
    """Run IndexCollection and see to it that it indexed all ``documents``.

    The log is written to ``log``, and removed when all went well or the work was interrupted;
    where there were warnings it stays, and a line on stderr names it. Raises ValueError with the
    first complaint of the log when the process fails, logs an error (Anserini goes on after
    one), or indexes another number of documents; the log then ends with that.
    """
    command = [
        *_java_command(java),
        *("-memoryBuffer", str(_buffer_megabytes(java))),
        *arguments,
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        status, indexed = _run(command, documents, log, progress)
    except BaseException:
        log.unlink(missing_ok=True)  # it tells of nothing that Lucene did wrong
        raise
    text = log.read_text(encoding="utf-8")
    if status or _TROUBLE.search(text) or _DONE.search(text) is None or indexed != documents:
        complaint = (
            f"Lucene indexed {indexed:,} of {counted(documents, 'document')}: "
            f"{_first_complaint(text, status)}"
        )
        with open(log, "a", encoding="utf-8") as kept:
            kept.write(f"hyper_ir: the index was not kept. {complaint}\n")
        raise ValueError(f"{complaint}; the whole log is {log}")
    if warnings := len(_WARNING.findall(text)):
        print(f"notice: Lucene logged {counted(warnings, 'warning')}: {log}", file=sys.stderr)
    else:
        log.unlink()


def _run(command: Sequence[str], documents: int, log: Path, progress: bool) -> tuple[int, int]:
    """The process's exit status, and the number of documents that it says it indexed."""
    indexed = 0
    with (
        open(log, "w", encoding="utf-8") as kept,
        tqdm(desc="index", unit=" docs", total=documents, disable=not progress) as bar,
        subprocess.Popen(
            tied(command),
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
        return process.wait(), indexed


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


def _first_complaint(log: str, status: int) -> str:
    lines = [line.strip() for line in log.splitlines()]
    for line in lines:
        if re.search(r"Exception|Error|ERROR", line):
            return line[:300]
    if not status:
        return "it logged no error, so what it read is not what was counted"
    if status < 0:
        name = signal.Signals(-status).name
        return f"Java was ended by {name}, perhaps for want of memory; run it again"
    return lines[-1][:300] if lines else "Java printed nothing"
