from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.advising import inputs as module
from hyper_ir.advising.inputs import Inputs, check
from hyper_ir.manifest import NAME, Manifest, write_manifest
from tests.advising.collection import write_collection


@pytest.fixture
def given(tmp_path: Path) -> Inputs:
    folder = write_collection(tmp_path)
    return Inputs(
        str(folder / "vectors"), str(folder / "topics.tsv"), str(folder / "dev.qrels"), ("RR",)
    )


def test_what_is_read(given: Inputs) -> None:
    checked = check(replace(given, engine="exact"))
    assert (checked.own_factor, checked.engine) == (100, "exact")
    assert checked.judged == {str(number) for number in range(8)}
    assert [str(measure) for measure in checked.measures] == ["RR"]


def test_the_factor_is_the_manifests_or_given(given: Inputs) -> None:
    exact = replace(given, engine="exact")
    with pytest.raises(ValueError, match=r"made with factor 100, says their manifest, not 51\.2"):
        check(replace(exact, vectors_factor=51.2))
    assert check(replace(exact, vectors_factor=100)).own_factor == 100
    (Path(given.vectors) / NAME).unlink()
    with pytest.raises(ValueError, match=r"no manifest says by which factor.*--vectors-factor"):
        check(exact)
    assert check(replace(exact, vectors_factor=51.2)).own_factor == 51.2
    with pytest.raises(ValueError, match="0 is not a positive number"):
        check(replace(exact, vectors_factor=0.0))


def test_without_java_it_is_the_exact_searcher_and_it_is_said(
    given: Inputs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_java() -> None:
        raise ValueError("Java 21 or later is needed")

    monkeypatch.setattr(module, "find_java", find_java)
    assert check(given).engine == "exact"
    assert "sizes are those of gzipped vectors" in capsys.readouterr().err
    with pytest.raises(ValueError, match="Java 21"):
        check(replace(given, engine="lucene"))


def test_what_is_wrong_is_told_before_work(given: Inputs, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vectors: none does not exist"):
        check(replace(given, vectors="none"))
    with pytest.raises(ValueError, match="qrels: none does not exist"):
        check(replace(given, qrels="none"))
    with pytest.raises(ValueError, match="not known to ir_measures"):
        check(replace(given, measures=("nonsense",)))
    (Path(given.vectors) / ".v.jsonl.progress").touch()
    with pytest.raises(ValueError, match="is not finished; --resume it"):
        check(given)
    (Path(given.vectors) / ".v.jsonl.progress").unlink()
    write_manifest(given.vectors, Manifest("index"))
    with pytest.raises(ValueError, match="is of kind 'index', not vectors"):
        check(given)
    for setting in ("threads", "passes", "sample"):
        with pytest.raises(ValueError, match=f"{setting}: at least 1"):
            Inputs("v", "t", "q", **{setting: 0})  # type: ignore[arg-type]
