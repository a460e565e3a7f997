"""A real Ray of two workers on this machine; skipped where Ray is not installed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.data.records import Passage
from hyper_ir.data.vectors import read_vectors
from hyper_ir.encode import ray_workers
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.ray_cluster import ClusterConfig
from hyper_ir.encode.ray_engine import encode_corpus_on_ray
from hyper_ir.encode.shards import HOW_TO_RESUME
from hyper_ir.lucene.staging import require_whole
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.models.retriever import Retriever
from tests.encode.dying import DEADLY, DiesAlways, DiesOnce
from tests.encode.random_corpus import repeated, write_random_corpus

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")

PASSAGES = 60
DOCUMENTS = 8
SHARDS = 8
WORKERS = 2

TWO = ClusterConfig(workers=WORKERS, threads=1, device="cpu", documents=DOCUMENTS)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    return write_random_corpus(path, PASSAGES)


@pytest.fixture(scope="module")
def connected() -> Iterator[None]:
    """One cluster for all tests of this file: it takes seconds to start."""
    from hyper_ir.encode.ray_cluster import cluster

    with cluster(replace(TWO, address="local")):
        yield


@pytest.fixture(scope="module")
def local(model: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the local engine makes."""
    folder = tmp_path_factory.mktemp("local") / "v"
    encode_corpus(engine(model), open_corpus(str(source)), folder, progress=False)
    return folder


def engine(model: Path) -> Engine:
    """Windows of four texts."""
    return Engine(Retriever.from_pretrained(model), "document", EngineConfig(1, 32, "cpu"))


def encode(model: Path, corpus: Path | Corpus, folder: Path, **settings: Any) -> Manifest:
    opened = corpus if isinstance(corpus, Corpus) else open_corpus(str(corpus))
    config = OutputConfig(**settings)
    return encode_corpus_on_ray(engine(model), opened, folder, config, TWO, progress=False)


def lines(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("embeddings*.jsonl")))


def vectors(folder: Path) -> dict[str, dict[str, int]]:
    return {id: vector for id, vector, _ in read_vectors(folder)}


def same(folder: Path, local: Path) -> None:
    """The folder is whole, has the local engine's vectors, and nothing else in it."""
    require_whole(folder)
    assert len(list(folder.glob("embeddings*.jsonl"))) == SHARDS
    assert vectors(folder) == vectors(local)
    assert lines(folder) == lines(local)
    assert len(list(folder.iterdir())) == 2 * SHARDS + 1


class Interrupted(Corpus):
    """A corpus whose second reading is cut short by Ctrl-C; counts what is read of it."""

    read_now = 0
    passes = 0
    stop_at = PASSAGES + 1

    def __iter__(self) -> Iterator[Passage]:
        self.passes += 1
        self.read_now = 0
        for passage in super().__iter__():
            if self.passes > 1 and self.read_now == self.stop_at:
                raise KeyboardInterrupt
            self.read_now += 1
            yield passage


def interrupted(source: Path, stop_at: int = PASSAGES + 1) -> Interrupted:
    opened = open_corpus(str(source))
    made = Interrupted(**{name: getattr(opened, name) for name in opened.__dataclass_fields__})
    made.stop_at = stop_at
    return made


@pytest.mark.usefixtures("connected")
def test_the_local_engines_vectors_from_a_bounded_share_of_the_corpus(
    model: Path, source: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = interrupted(source)
    seen: list[tuple[int, int]] = []
    received = ray_workers.Workers._received
    done = 0

    def watched(self: Any, result: Any) -> Any:
        nonlocal done
        seen.append((corpus.read_now, done))
        answer = received(self, result)
        done += answer[1].documents
        return answer

    monkeypatch.setattr(ray_workers.Workers, "_received", watched)
    mine = encode(model, corpus, tmp_path / "v")
    assert len(seen) == SHARDS
    assert done == PASSAGES
    assert max(read - before for read, before in seen) == (WORKERS + 1) * DOCUMENTS
    same(tmp_path / "v", local)
    theirs = read_manifest(local)
    assert theirs is not None
    assert mine == read_manifest(tmp_path / "v")
    cut = {"shard_num": SHARDS, "documents_per_shard": DOCUMENTS}
    assert mine == replace(theirs, config={**theirs.config, **cut})


@pytest.mark.slow
@pytest.mark.usefixtures("connected")
def test_a_worker_killed_in_mid_shard_is_replaced(
    model: Path, source: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_workers, "ShardEncoder", DiesOnce)
    encode(model, source, tmp_path / "v")
    assert (tmp_path / "v.deaths").read_text() == "x"
    same(tmp_path / "v", local)


@pytest.mark.slow
@pytest.mark.usefixtures("connected")
def test_a_shard_that_kills_is_told_and_the_rest_is_safe(
    model: Path, source: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "v"
    with monkeypatch.context() as patched:
        patched.setattr(ray_workers, "ShardEncoder", DiesAlways)
        wrong = rf"shard {DEADLY}, documents 9 to 16 \(d8 to d15\): given up after 3 attempts: its"
        with pytest.raises(ValueError, match=wrong):
            encode(model, source, folder)
    assert (tmp_path / "v.deaths").read_text() == "xxx"
    done = {path: path.stat().st_ino for path in folder.glob("embeddings*.jsonl")}
    assert done
    assert not any("00001-of" in path.name for path in done)
    with pytest.raises(ValueError, match="is not finished"):
        require_whole(folder)
    encode(model, source, folder, resume=True)
    assert all(path.stat().st_ino == number for path, number in done.items())
    same(folder, local)


@pytest.mark.slow
@pytest.mark.usefixtures("connected")
def test_ctrl_c_leaves_what_is_done_and_resume_does_the_rest(
    model: Path, source: Path, local: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "v"
    with pytest.raises(KeyboardInterrupt):
        encode(model, interrupted(source, 45), folder)
    done = {path: path.stat().st_ino for path in folder.glob("embeddings*.jsonl")}
    assert 1 <= len(done) < SHARDS
    with pytest.raises(ValueError, match="interrupted run; --resume"):
        encode(model, source, folder)
    moved = tmp_path / "corpus.jsonl"
    moved.write_text(source.read_text().replace('"d0"', '"dX"'))
    with pytest.raises(ValueError, match=r"does not hold shard 0, .*\(dX to d7\) of the corpus"):
        encode(model, moved, folder, resume=True)
    encode(model, source, folder, resume=True)
    assert all(path.stat().st_ino == number for path, number in done.items())
    same(folder, local)
    with pytest.raises(ValueError, match="exists already"):
        encode(model, source, folder)
    before = lines(folder)
    (folder / f"embeddings-00003-of-0000{SHARDS}.jsonl").write_text("damaged\n")
    encode(model, source, folder, resume=True)
    assert lines(folder) == before


@pytest.mark.usefixtures("connected")
def test_a_folder_of_another_run_is_refused(
    model: Path, source: Path, local: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"another configuration \(documents_per_shard, shard_num"):
        encode(model, source, local, resume=True)
    with pytest.raises(ValueError, match="Ray cuts the corpus into shards by itself"):
        encode(model, source, tmp_path / "v", shard_id=0, shard_num=2)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_verb_ends_with_a_hint_and_resumes(
    model: Path, source: Path, tmp_path: Path, number: int, status: int
) -> None:
    large = repeated(source, tmp_path / "large.jsonl", 100)
    folder = tmp_path / "v"
    command = [
        *(sys.executable, "-m", "hyper_ir.encode", "--engine", "ray", "--ray-address", "local"),
        *("--ray-shard-size", "200", "input", "--corpus", str(large)),
        *("output", "--embeddings", str(folder), "--resume", "encoder", "--encoder", str(model)),
        *("--batch-size", "1", "--max-length", "32", "--workers", "2", "--threads", "1"),
    ]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's "&" leaves it ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        while process.poll() is None and not list(folder.glob("embeddings*.jsonl")):
            time.sleep(0.001)
        process.send_signal(number)
        said = process.stderr.read()
    assert process.returncode == status, said
    assert said.splitlines()[-1].endswith(HOW_TO_RESUME)
    assert "Traceback" not in said
    done = {path: path.stat().st_ino for path in folder.glob("embeddings*.jsonl")}
    assert 1 <= len(done) < 30
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("6,000 documents, ")
    assert all(path.stat().st_ino == number for path, number in done.items())
    require_whole(folder)
    assert len(vectors(folder)) == 6000


def test_ray_is_not_imported_unless_asked_for(model: Path, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "a", "contents": "zebras graze"}\n')
    words = ["input", "--corpus", str(tmp_path / "c.jsonl"), "output", "--embeddings"]
    words += [str(tmp_path / "v"), "encoder", "--encoder", str(model), "--max-length", "32"]
    code = (
        "import sys; from hyper_ir.encode.__main__ import main; "
        f"main({words!r}); print('ray' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
