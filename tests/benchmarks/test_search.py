from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import searchers
from benchmarks.search import HEAP_FACTORS, QUERY_CUTS, build_table, main, speed_table, sweep
from benchmarks.truth import Truth
from tests.java_here import java_or_skip

DOCUMENTS = {
    "d1": {"a": 3, "b": 1},
    "d2": {"a": 1, "c": 5},
    "d3": {"b": 2, "c": 1},
    "d4": {"d": 4},
}
TOPICS = {"1": {"a": 2, "b": 1}, "2": {"c": 1}, "3": {"nowhere": 1}}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Vectors, topics and a folder to work in, as the contenders are told them."""
    for name, records in (("vectors", DOCUMENTS), ("topics", TOPICS)):
        lines = [json.dumps({"id": id, "vector": vector}) for id, vector in records.items()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "work").mkdir()
    return {
        "vectors": str(tmp_path / "vectors.jsonl"),
        "topics": str(tmp_path / "topics.jsonl"),
        "folder": str(tmp_path / "work"),
    }


@pytest.mark.parametrize("contender", [searchers.exact, searchers.scipy])
def test_the_exact_searchers_find_what_there_is(
    contender: Callable[..., Any], files: dict[str, str]
) -> None:
    work = contender(**files)
    built = work({"what": "build"})
    assert built["bytes"] == Path(files["vectors"]).stat().st_size
    hits = Path(files["folder"]) / "hits.json"
    assert work({"what": "search", "k": 2, "hits": str(hits)})["seconds"] >= 0
    found = json.loads(hits.read_text())
    assert found == {"1": ["d1", "d2"], "2": ["d2", "d3"], "3": []}
    assert Truth(DOCUMENTS.items()).recall(list(TOPICS.items()), found, 2) == 1


class Approximate:
    """Stands for the judge: more tokens and a lower factor find more, and take longer."""

    def judged(self, worker: None, task: dict[str, Any]) -> tuple[float, float]:
        cut = QUERY_CUTS.index(task["query_cut"]) / (len(QUERY_CUTS) - 1)
        factor = HEAP_FACTORS.index(task["heap_factor"]) / (len(HEAP_FACTORS) - 1)
        return 0.9 * (cut + factor) / 2, cut + 2 * factor + 0.1


def test_the_fastest_setting_of_enough_recall_is_taken() -> None:
    judge, task = Approximate(), {"k": 10}
    found = sweep(None, judge, task, [0.45, 0.95])  # type: ignore[arg-type]
    # Of 0.45 and more, the largest cut alone is cheapest; 0.95 is never reached: the most is.
    assert found[0.45]["setting"] == {"query_cut": QUERY_CUTS[-1], "heap_factor": HEAP_FACTORS[0]}
    assert found[0.95]["recall"] == pytest.approx(0.9)
    assert found[0.95]["setting"]["heap_factor"] == HEAP_FACTORS[-1]


def test_the_tables() -> None:
    setting = {"query_cut": 5, "heap_factor": 0.9}
    results = {
        "10": {
            "seconds": {"lucene": [1.0, 2.0], "pyseismic-lsr, recall ≥ 0.95": [0.5, 0.5]},
            "recall": {"lucene": 1.0, "pyseismic-lsr, recall ≥ 0.95": 0.9512},
            "settings": {"pyseismic-lsr, recall ≥ 0.95": setting},
            "topics": 100,
        }
    }
    own = speed_table(results).splitlines()[-1]
    assert own == (
        "| k = 10, pyseismic-lsr, recall ≥ 0.95 | 200 (200–200) | 3.00 (2.00–4.00) | 0.9512 "
        "| query_cut 5, heap_factor 0.9 |"
    )
    built = build_table({"lucene": {"seconds": 2.0, "bytes": 2**21}}, {"pyseismic-lsr": "no wheel"})
    assert built.splitlines()[2:] == ["| lucene | 2.0 | 2.0 |", "| pyseismic-lsr: no wheel |  |  |"]


@pytest.mark.jvm
@pytest.mark.slow
def test_the_whole_command(files: dict[str, str], tmp_path: Path) -> None:
    java_or_skip()
    words = ["--vectors", files["vectors"], "--topics", files["topics"], "--rounds", "1"]
    main([*words, "--hits", "1", "3", "--output", str(tmp_path / "results")])
    results = json.loads((tmp_path / "results/search.json").read_text())
    for k in ("1", "3"):
        found = results["search"][k]
        exact = {name: found["recall"][name] for name in ("exact", "lucene", "scipy")}
        assert exact == {"exact": 1.0, "lucene": 1.0, "scipy": 1.0}
        assert found["topics"] == 3
    assert "k = 3, lucene" in (tmp_path / "results/search.md").read_text()
    # Without pyseismic-lsr the others are compared all the same.
    assert ("pyseismic-lsr" in results["missing"]) != ("pyseismic-lsr" in results["built"])


def test_vectors_and_topics_go_together(files: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="go together"):
        main(["--vectors", files["vectors"]])
