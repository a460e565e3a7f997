"""What could run code that stands in data is not called anywhere in the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchmarks
import hyper_ir

PACKAGES = [Path(hyper_ir.__file__).parent, Path(str(benchmarks.__path__[0]))]
FILES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))

AUTO = ("AutoConfig", "AutoModel", "AutoModelForMaskedLM", "AutoTokenizer", "loader")
"""What transformers loads by; a checkpoint may bring code for it."""

OWN_PICKLES = {
    "windows.py": {"pickle.dump", "pickle.load"},
    "vector_folder.py": set[str](),
}
"""Of a parent process for its own children, in a folder that no other user can write in."""

UNPACKING = ("tarfile", "zipfile", "shelve", "marshal", "dill", "joblib", "cloudpickle")

FORBIDDEN = (
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load"),
    *("yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "shutil.unpack_archive"),
    *("pickle.loads", "pickle.Unpickler", "pd.read_pickle", "pandas.read_pickle"),
    *("torch.hub.load", "urllib.request.urlretrieve", "np.fromregex"),
)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The calls of a file, each with its dotted name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    """The constant that a call gives for a keyword; Ellipsis for none."""
    for each in call.keywords:
        if each.arg == name:
            return each.value.value if isinstance(each.value, ast.Constant) else each.value
    return ...


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_that_runs_what_it_reads(path: Path) -> None:
    for name, call in calls(path):
        where = f"{path}:{call.lineno}: {name}"
        assert name not in FORBIDDEN, where
        if name.startswith("pickle."):
            assert name in OWN_PICKLES.get(path.name, ()), where
        if name == "yaml.load":
            assert keyword(call, "Loader").__class__ is ast.Name, where
        if name in ("np.load", "numpy.load"):
            assert keyword(call, "allow_pickle") is False, where
        assert keyword(call, "shell") in (..., False), where
        assert keyword(call, "weights_only") in (..., True), where
    text = path.read_text(encoding="utf-8")
    for module in UNPACKING:
        assert f"import {module}" not in text, path


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_remote_code_is_never_trusted(path: Path) -> None:
    for name, call in calls(path):
        where = f"{path}:{call.lineno}: {name}"
        assert keyword(call, "trust_remote_code") in (..., False), where
        owner, _, method = name.rpartition(".")
        hub = path.is_relative_to(PACKAGES[0]) and owner in AUTO
        if hub and method in ("from_pretrained", "from_config"):
            assert keyword(call, "trust_remote_code") is False, where
        if hub and method == "from_pretrained" and owner not in ("AutoConfig", "AutoTokenizer"):
            assert keyword(call, "use_safetensors") is True, where


def test_the_one_loader_of_yaml_is_a_safe_one() -> None:
    import yaml

    from hyper_ir.training.recipe_file import _Plain

    assert issubclass(_Plain, yaml.SafeLoader)
    constructors = set(_Plain.yaml_constructors)
    assert constructors <= set(yaml.SafeLoader.yaml_constructors)
