"""Run by the doctor as a process of its own: what cannot be tried without risk or without trace.

A JVM that refuses to start ends its process; importing torch takes memory and seconds. The last
line printed is a JSON object.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def probe_lucene() -> dict[str, Any]:
    """Start the JVM and import Pyserini's searchers."""
    from hyper_ir.lucene import jvm, pyserini_api

    system = pyserini_api.load().autoclass("java.lang.System")
    return {
        "clause_limit": jvm.clause_limit(),
        "java": system.getProperty("java.version"),
        "pyserini": pyserini_api.version(),
    }


def probe_torch() -> dict[str, Any]:
    """Import torch and transformers; name the GPUs."""
    import torch
    import transformers

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        gpus.append("Apple GPU (mps)")
    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "gpus": gpus,
    }


PROBES = {"lucene": probe_lucene, "torch": probe_torch}

if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]]()))
