from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.compaction.writing import save_compact
from hyper_ir.models import pretrained
from hyper_ir.models.card import Card, Source
from hyper_ir.models.card_text import write_card
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.quickstart.__main__ import main
from hyper_ir.quickstart.own_files import search_own_files
from hyper_ir.quickstart.plan import make_plan
from hyper_ir.quickstart.settings import Settings
from tests.compaction.models import hyper
from tests.data.python_docs.tree import write_tree
from tests.java_here import java_or_skip

NOTES = {
    "house/boiler.md": "# Heating\n\nSparse vectors are searched by an inverted index.\n",
    "zebras here.txt": "Zebras graze.\n",
    "wings.md": "The boundary layer on a swept wing becomes turbulent.\n",
}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of shipped models with one, called tiny."""
    folder = tmp_path_factory.mktemp("pretrained")
    save_compact(hyper(folder / "made"), folder / "tiny")
    source = Source("a random model", "backbone", "CC0-1.0")
    card = Card("tiny", "A retriever of no use.", "Apache-2.0", "Not at all.", [source])
    write_card(card, folder / "tiny")
    return folder


@pytest.fixture(autouse=True)
def _shipped(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", shipped)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    for name, text in NOTES.items():
        path = tmp_path / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "notes"


@pytest.mark.jvm
def test_a_shipped_model_searches_without_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    java_or_skip()
    (tmp_path / "code").mkdir()
    write_tree(tmp_path / "code", "quickdocs")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    words = [
        "--pretrained",
        "tiny",
        "--packages",
        "quickdocs",
        "--words",
        "200",
        "--output",
        str(tmp_path / "out"),
    ]
    main([*words, "--threads", "2"])
    printed = capsys.readouterr().out
    assert "made of a random model (backbone): CC0-1.0" in printed
    assert "[7/7]" in printed
    assert "encoder --encoder hyper_ir:tiny" in printed
    assert "--encoder hyper_ir:tiny --idf-power 0.5" in printed
    assert "pretrained, own terms:" in printed
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert set(results["scores"]["average"]) == {"BM25", "pretrained"}
    assert results["settings"]["model"] == "hyper_ir:tiny"


@pytest.mark.jvm
def test_own_files_are_searched_by_both(
    tmp_path: Path, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    java_or_skip()
    settings = Settings(tmp_path / "out", steps=0, threads=2)
    asked = ["where do zebras graze", "inverted index"]
    answers = search_own_files(settings, notes, asked, "hyper_ir:tiny")
    printed = capsys.readouterr().out
    assert [(answer.question, answer.system) for answer in answers] == [
        (question, system) for question in asked for system in ("BM25", "pretrained")
    ]
    assert answers[0].files == [("zebras here.txt", "Zebras graze.")]
    for answer in answers:
        right = "zebras here.txt" if "zebras" in answer.question else "house/boiler.md"
        assert right in [path for path, _ in answer.files], answer
    assert "licence: Apache-2.0" in printed
    assert "1. zebras here.txt" in printed
    assert "--encoder hyper_ir:tiny --idf-power 0.5" in printed

    search_own_files(settings, notes, ["turbulent boundary"], "hyper_ir:tiny")
    assert capsys.readouterr().out.count("done before") == 4  # files, both indexes, vectors
    (notes / "wings.md").write_text("Nothing of that kind.\n")
    search_own_files(settings, notes, ["turbulent boundary"], "hyper_ir:tiny")
    assert "nothing found" in capsys.readouterr().out


def test_what_is_missing_is_told_before_the_first_step(tmp_path: Path, notes: Path) -> None:
    settings = Settings(tmp_path / "out", steps=0)
    with pytest.raises(ValueError, match="hyper_ir:none is not shipped"):
        search_own_files(settings, notes, (), "hyper_ir:none")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ValueError, match="holds no text"):
        search_own_files(settings, tmp_path / "nothing", (), "hyper_ir:tiny")
    with pytest.raises(ValueError, match="a question is empty"):
        search_own_files(settings, notes, [" "], "hyper_ir:tiny")
    with pytest.raises(ValueError, match="is an input; give another name"):
        search_own_files(Settings(notes, steps=0), notes, (), "hyper_ir:tiny")
    (tmp_path / "out" / "docs").mkdir(parents=True)
    (tmp_path / "out" / "docs" / "collection.json").write_text("{}")
    with pytest.raises(ValueError, match="holds a quickstart over documentation"):
        search_own_files(settings, notes, (), "hyper_ir:tiny")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pretrained", "tiny", "--model", "m"], "give one of them"),
        (["--ask", "what"], "--ask searches --files"),
        (["--pretrained", "--steps", "5"], "--pretrained trains nothing"),
        (["--files", "notes", "--steps", "5"], "--files trains nothing"),
        (["--files", "notes", "--words", "5", "--seed", "1"], "--seed, --words: for the doc"),
        (["--pretrained", "none"], "hyper_ir:none is not shipped"),
    ],
)
def test_flags_that_do_not_go_together(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        main(words)


def test_nothing_is_grafted_or_trained(tmp_path: Path) -> None:
    plan = make_plan(Settings(tmp_path, steps=0), find_checkpoint("hyper_ir:tiny"))
    assert plan.systems == ["BM25", "pretrained"]
    assert [step.name for step in plan.steps] == [
        "index-bm25",
        "search-BM25",
        "encode-pretrained",
        "index-pretrained",
        "search-pretrained",
        "evaluate",
    ]
