"""A checkpoint folder that tries to run code: whatever lies in it, only numbers are read.

Each exploit would write a file. It is tried first by what it is made for (``pickle.load``, an
import), so that a test fails where its exploit does not work.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import runpy
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from hyper_ir.models.retriever import Retriever
from hyper_ir.search.query_encoders import ModelSettings, open_encoder
from tests.tiny_models import save_checkpoint


class Exploit:
    """Writes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"open({str(self.proof)!r}, 'w').close()",)


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    """What an exploit writes."""
    return tmp_path / "proof"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "model")


def change(path: Path, **changes: Any) -> None:
    """Change keys of a JSON object in a file."""
    value = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(value | changes), encoding="utf-8")


def write_module(path: Path, proof: Path, *classes: str) -> None:
    """A Python file that writes the proof when it is imported."""
    lines = [f"open({str(proof)!r}, 'w').close()"]
    lines += [f"class {name}: pass" for name in classes]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    runpy.run_path(str(path))
    assert proof.exists()
    proof.unlink()


def pickled(proof: Path) -> bytes:
    """What ``torch.load`` without its guard, and ``pickle.load``, run."""
    buffer = io.BytesIO()
    torch.save({"weight": Exploit(proof)}, buffer)
    buffer.seek(0)
    torch.load(buffer, weights_only=False)
    assert proof.exists()
    proof.unlink()
    return buffer.getvalue()


def refused(model: Path, message: str) -> None:
    """Whoever loads the folder gets a ValueError."""
    for load in (Retriever.from_pretrained, lambda path: open_encoder(str(path), ModelSettings())):
        with pytest.raises(ValueError, match=message):
            load(model)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "adapter_model.bin"])
def test_pickled_weights_alone_are_refused(model: Path, proof: Path, name: str) -> None:
    (model / "model.safetensors").unlink()
    (model / name).write_bytes(pickled(proof))
    refused(model, "no .*safetensors")
    assert not proof.exists()


def test_pickles_beside_safetensors_are_left_alone(model: Path, proof: Path) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "head.bin"):
        (model / name).write_bytes(pickled(proof))
    index = {"metadata": {}, "weight_map": {"cls.predictions.bias": "pytorch_model.bin"}}
    (model / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    Retriever.from_pretrained(model)
    assert not proof.exists()


def test_a_pickle_that_is_called_safetensors_is_refused(model: Path, proof: Path) -> None:
    (model / "model.safetensors").write_bytes(pickled(proof))
    refused(model, "not a model that can be loaded")
    (model / "model.safetensors").write_bytes(pickle.dumps(Exploit(proof)))
    refused(model, "not a model that can be loaded")
    assert not proof.exists()


@pytest.mark.parametrize("name", ["weights.bin", "../evil.safetensors", "/etc/passwd", 7])
def test_an_index_of_weights_names_safetensors_of_the_folder_alone(
    model: Path, proof: Path, name: object
) -> None:
    (model / "weights.bin").write_bytes(pickled(proof))
    shutil.move(model / "model.safetensors", model / "other.safetensors")
    (model / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": {"cls.predictions.bias": name}})
    )
    refused(model, r"index\.json: its weights must be \*\.safetensors files beside it")
    assert not proof.exists()


def test_sharded_safetensors_are_loaded(model: Path) -> None:
    whole = Retriever.from_pretrained(model)
    from safetensors.torch import load_file, save_file

    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, inside in parts.items():
        save_file({name: weights[name] for name in inside}, model / file, {"format": "pt"})
    places = {name: file for file, inside in parts.items() for name in inside}
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert Retriever.from_pretrained(model).weights_hash == whole.weights_hash


@pytest.mark.parametrize("known", [True, False])
def test_code_beside_a_model_is_not_imported(model: Path, proof: Path, known: bool) -> None:
    write_module(model / "evil.py", proof, "EvilConfig", "EvilModel")
    auto = dict.fromkeys(("AutoModel", "AutoModelForMaskedLM"), "evil.EvilModel")
    change(model / "config.json", auto_map={"AutoConfig": "evil.EvilConfig", **auto})
    if known:  # transformers' own class is taken, as without the map
        Retriever.from_pretrained(model)
    else:
        change(model / "config.json", model_type="evil")
        refused(model, "not a model that can be loaded")
    assert not proof.exists()


@pytest.mark.parametrize("kind", ["EvilTokenizer", "BertTokenizer"])
def test_code_beside_a_tokenizer_is_not_imported(model: Path, proof: Path, kind: str) -> None:
    write_module(model / "evil.py", proof, "EvilTokenizer", "EvilTokenizerFast")
    change(
        model / "tokenizer_config.json",
        tokenizer_class=kind,
        auto_map={"AutoTokenizer": ["evil.EvilTokenizer", "evil.EvilTokenizerFast"]},
    )
    with suppress(ValueError):  # transformers refuses, or takes a class of its own
        Retriever.from_pretrained(model)
    assert not proof.exists()


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize("value", ["someone/kernel", {"text_config": "someone/kernel"}])
def test_attention_code_of_a_hub_is_refused(model: Path, key: str, value: object) -> None:
    change(model / "config.json", **{key: value})
    refused(model, f"{key} is code from a hub")


@pytest.mark.parametrize(
    "where", ["../outside", "/tmp", "a/../../outside", "a\0b", "a\ud800", 7, None]
)
def test_a_module_outside_the_folder_is_refused(model: Path, where: object) -> None:
    shutil.copytree(model, model.parent / "outside")
    modules = [{"path": where, "type": "sentence_transformers.models.Transformer"}]
    (model / "modules.json").write_text(json.dumps(modules))
    refused(model, r"modules\.json: a module's path")


def test_a_module_of_another_kind_is_not_imported(
    model: Path, proof: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_module(model / "evil.py", proof, "Transformer", "Pooling")
    monkeypatch.syspath_prepend(str(model))
    modules = [{"path": "", "type": "evil.Transformer"}, {"path": "", "type": "evil.Pooling"}]
    (model / "modules.json").write_text(json.dumps(modules))
    with suppress(ValueError):
        Retriever.from_pretrained(model)
    assert not proof.exists()


def test_our_own_files_hold_numbers_alone(model: Path, proof: Path) -> None:
    saved = model.parent / "saved"
    Retriever.from_pretrained(model).save_pretrained(saved)
    for name in ("prompts.safetensors", "head.safetensors"):
        folder = saved / ("query" if name.startswith("prompts") else "document")
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(pickled(proof))
        with pytest.raises(ValueError, match=name.replace(".", r"\.")):
            Retriever.from_pretrained(saved)
        (folder / name).unlink()
    assert not proof.exists()


def test_training_arrays_and_checkpoints_hold_numbers_alone(tmp_path: Path, proof: Path) -> None:
    import numpy as np

    from hyper_ir.training.array_file import mapped
    from hyper_ir.training.checkpoints import PARAMETERS, load_parameters

    np.save(tmp_path / "a.npy", np.array([Exploit(proof)], dtype=object), allow_pickle=True)
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert proof.exists()
    proof.unlink()
    with pytest.raises(ValueError, match=r"a\.npy: not an array"):
        mapped(tmp_path / "a.npy")
    (tmp_path / PARAMETERS).write_bytes(pickled(proof))
    with pytest.raises(ValueError, match="not readable"):
        load_parameters(torch.nn.Linear(2, 2), tmp_path)
    assert not proof.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": "wide"},
        {"num_attention_heads": 7},
        {"vocab_size": -1},
        {"architectures": 5},
        {"num_hidden_layers": {}},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_a_value_error(
    model: Path, changes: dict[str, Any]
) -> None:
    change(model / "config.json", **changes)
    refused(model, "model")


HUB = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

NAMES = ["config.json", "../../../../../evil.json", "/tmp/evil.json", "a/../../../evil.txt"]

class Hub(BaseHTTPRequestHandler):
    def do_GET(self, body=True):
        content = b"{}"
        if "/api/models/" in self.path:
            files = [{"rfilename": name} for name in NAMES]
            if "/tree/" in self.path:
                content = json.dumps(
                    [{"type": "file", "path": n, "size": 2, "oid": "0" * 40} for n in NAMES]
                ).encode()
            else:
                content = json.dumps(
                    {"id": "a/b", "modelId": "a/b", "sha": "0" * 40, "siblings": files,
                     "private": False, "downloads": 0, "tags": []}
                ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"abc"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def do_HEAD(self):
        self.do_GET(body=False)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Hub)
print(server.server_port, flush=True)
server.serve_forever()
"""

DOWNLOAD = """
import sys
from hyper_ir.models.checkpoint import find_checkpoint
try:
    print(find_checkpoint("a/b"))
except ValueError as error:
    print("refused:", error)
"""


def test_a_hub_cannot_write_outside_its_cache(tmp_path: Path) -> None:
    """Names with ``../`` in a repository's list are the hub library's to refuse: it does."""
    home = tmp_path / "x" / "y" / "cache"
    with subprocess.Popen([sys.executable, "-c", HUB], stdout=subprocess.PIPE, text=True) as hub:
        try:
            assert hub.stdout is not None
            port = hub.stdout.readline().strip()
            more = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(home)}
            more |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "*"}
            done = subprocess.run(
                [sys.executable, "-c", DOWNLOAD],
                capture_output=True,
                text=True,
                env={**os.environ, **more},
                timeout=300,
            )
        finally:
            hub.kill()
    assert not done.returncode, done.stderr
    outside = [path for path in tmp_path.rglob("*evil*") if not path.is_relative_to(home)]
    assert outside == []
    assert not Path("/tmp/evil.json").exists()
    assert done.stdout.strip(), done.stderr


def test_there_is_no_archive_that_the_package_unpacks(tmp_path: Path) -> None:
    """A tar of ``../`` paths is no corpus, model or index: it is read as a damaged file."""
    from hyper_ir.data.corpus import open_corpus

    path = tmp_path / "inner" / "corpus.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("../evil.jsonl")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"{}"))
    with pytest.raises(ValueError, match=r"corpus\.tar\.gz"):
        list(open_corpus(str(path)))
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["corpus.tar.gz", "inner"]
