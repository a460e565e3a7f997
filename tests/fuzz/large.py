"""``python -m tests.fuzz.large``: the memory and seconds of the worst lines that are not too long.

Every case is a file with a line of 32 MiB, the longest that is read, made of what takes most memory
as Python objects, and is read by a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.reports import table
from hyper_ir.bounded import LONGEST_LINE
from hyper_ir.command import Parser, run
from hyper_ir.files import write_json


def _filled(start: bytes, unit: bytes, end: bytes) -> bytes:
    """``start``, as many of ``unit`` as the longest line has room for, ``end``."""
    room = LONGEST_LINE - len(start) - len(end) - 2
    return start + unit * (room // len(unit)) + end + b"\n"


def _numbered(start: bytes, unit: str, end: bytes) -> bytes:
    """Likewise of units that differ; ``unit`` has one place for a number of eight digits."""
    room = LONGEST_LINE - len(start) - len(end) - 2
    count = room // len(unit.format(0))
    return start + "".join(unit.format(number) for number in range(count)).encode() + end + b"\n"


ID = b'{"id": "1", '

CASES: dict[str, tuple[str, str, Any]] = {
    "a text": ("corpus", "c.jsonl", lambda: _filled(ID + b'"contents": "', b"ab ", b'"}')),
    "4-byte text": (
        "corpus",
        "c.jsonl",
        lambda: _filled(ID + b'"contents": "', "😀 ".encode(), b'"}'),
    ),
    "lists": ("corpus", "c.jsonl", lambda: _filled(ID + b'"contents": [', b"[],", b"[]]}")),
    "objects": ("corpus", "c.jsonl", lambda: _filled(ID + b'"contents": [', b"{},", b"{}]}")),
    "keys": ("corpus", "c.jsonl", lambda: _numbered(ID + b'"a": {', '"{:08}":{{}},', b'"a":1}}')),
    "array of objects": ("corpus", "c.json", lambda: _filled(b"[[", b"{},", b"{}]]")),
    "columns": ("corpus, TSV", "c.tsv", lambda: _filled(b"1\ta", b"\tab", b"")),
    "words of a page": (
        "KILT pages",
        "c.jsonl",
        lambda: _filled(b'{"wikipedia_id": "1", "text": ["T", "', b"ab ", b'"]}'),
    ),
    "paragraphs of a page": (
        "KILT pages",
        "c.jsonl",
        lambda: _filled(b'{"wikipedia_id": "1", "text": ["T"', b',"ab"', b"]}"),
    ),
    "provenance": (
        "KILT task",
        "t.jsonl",
        lambda: _numbered(
            ID + b'"input": "q", "output": [{"provenance": [',
            '{{"wikipedia_id":1{:08}}},',
            b'{"wikipedia_id": 1}]}]}',
        ),
    ),
    "a vector": (
        "vectors",
        "v.jsonl",
        lambda: _numbered(ID + b'"vector": {', '"t{:08}":1,', b'"a": 1}}'),
    ),
    "a dense vector": (
        "dense vectors",
        "v.jsonl",
        lambda: _filled(ID + b'"vector": [', b"0.1,", b"1]}"),
    ),
    "ids of an example": (
        "examples",
        "e.jsonl",
        lambda: _numbered(
            ID + b'"query": "q", "task": "t", "positive_ids": ["p"], "negative_ids": [',
            '"{:08}",',
            b'"q"]}',
        ),
    ),
    "an encoded topic": ("encoded topics", "t.tsv", lambda: _numbered(b"1\t", "t{:08} ", b"")),
    "columns of a run": ("run", "r.trec", lambda: _filled(b"1 Q0 d 1 1.0 tag", b" ab", b"")),
    "columns of qrels": ("qrels", "q.tsv", lambda: _filled(b"1 0 d 1", b" ab", b"")),
    "topics in one object": (
        "topics, auto",
        "t.json",
        lambda: _numbered(b"{", '"{:08}":{{"title":"a"}},', b'"a":{"title":"b"}}'),
    ),
    "a manifest": ("manifest", "hyper_ir.manifest", lambda: _filled(b'{"kind": [', b"{},", b"1]}")),
}


def measured(name: str) -> dict[str, Any]:
    """A case's bytes beyond the start and its seconds, by a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hyper_ir-large-") as folder:
        reader, file, make = CASES[name]
        path = Path(folder) / file
        path.write_bytes(make())
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.large",
            "--reader",
            reader,
            "--file",
            str(path),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        if done.returncode:
            return {"failed": done.stderr[-2000:]}
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def read(reader: str, path: Path) -> dict[str, Any]:
    """Read the file in this process, under the bound."""
    from hyper_ir.problems import Problems
    from tests.fuzz.judging import bound_memory
    from tests.fuzz.targets import TARGETS, consumed

    bound_memory()
    # The peak of what this process has been: written to, it starts from what is held now.
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    start = time.process_time()
    try:
        consumed(TARGETS[reader].read(path, Problems("stop")))
        outcome = "read"
    except ValueError as error:
        outcome = f"refused: {str(error).replace(str(path), path.name)[:60]}"
    seconds = time.process_time() - start
    return {"outcome": outcome, "bytes": _peak() - before, "seconds": round(seconds, 2)}


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all cases, print the table; 1 where one failed."""
    parser = Parser("python -m tests.fuzz.large", __doc__ or "", "python -m tests.fuzz.large")
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--output", type=Path, default=Path("fuzzing"), help="folder of the results"
    )
    arguments = parser.parse_args(argv)
    if arguments.reader:
        print(json.dumps(read(arguments.reader, arguments.file)))
        return 0
    found = {name: measured(name) for name in CASES}
    write_json(arguments.output / "large.json", found)
    rows = [
        [
            f"{name} ({CASES[name][0]})",
            f"{one.get('bytes', 0) / 2**20:.0f}",
            f"{one.get('seconds', 0):.1f}",
            one.get("outcome", "failed"),
        ]
        for name, one in found.items()
    ]
    print(table(["a line of 32 MiB", "MiB", "s", "outcome"], rows))
    return int(any("failed" in one for one in found.values()))


if __name__ == "__main__":
    run(main)
