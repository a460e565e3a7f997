from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.text_files import (
    MOST_BYTES,
    find_text_files,
    main,
    page_id,
    path_of,
    read_text_pages,
)
from hyper_ir.problems import Problems

NOTE = """\
The **boiler** is in the cellar.

# Heating #

* Serviced in [October](https://example.org/october),
  by `hand`.

```python
print(1)
```
---
> See ![the plan](plan.png).
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "old stuff").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "house.md").write_text(NOTE)
    (folder / "old stuff" / "a 100%.TXT").write_text("\ufeffOne line.\nAnother.\n\n\nEnd")
    (folder / ".git" / "description.txt").write_text("hidden")
    (folder / ".hidden.md").write_text("hidden")
    (folder / "empty.md").write_text("\n---\n")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


def test_pages_are_files_without_marks(notes: Path) -> None:
    pages = list(read_text_pages(notes))
    assert [page["_id"] for page in pages] == ["house.md", "old%20stuff/a%20100%25.TXT"]
    assert [page["wikipedia_title"] for page in pages] == ["Heating", "a 100%"]
    assert pages[0]["text"] == [
        "Heating\n",
        "The boiler is in the cellar.\n",
        "Heating\n",
        "Serviced in October, by hand.\n",
        "print(1) See the plan.\n",
    ]
    assert pages[1]["text"] == ["a 100%\n", "One line. Another.\n", "End\n"]


@pytest.mark.parametrize("path", ["a b/ü.md", "100%.txt", "a%20b.md", "tab\there#3.md", "\u2028"])
def test_ids_have_no_white_space_and_tell_the_path(path: str) -> None:
    assert not any(sign.isspace() for sign in page_id(path))
    assert path_of(page_id(path)) == path


def test_what_is_no_text_is_told(notes: Path) -> None:
    (notes / "latin.txt").write_bytes("für".encode("latin-1"))
    (notes / "nul.md").write_text("a\0b")
    with open(notes / "long.txt", "wb") as handle:
        handle.truncate(MOST_BYTES + 1)
    problems = Problems("skip")
    assert len(list(read_text_pages(notes, problems))) == 2
    assert problems.count == 3
    assert all(name in problems.summary() for name in ("latin.txt", "nul.md", "long.txt"))
    with pytest.raises(ValueError, match=r"latin\.txt: not UTF-8 text"):
        list(read_text_pages(notes))


def test_links_to_folders_are_not_followed(notes: Path) -> None:
    (notes / "round").symlink_to(notes)
    (notes / "gone.md").symlink_to(notes / "nothing.md")
    assert [path.name for path in find_text_files(notes)] == ["empty.md", "house.md", "a 100%.TXT"]


def test_the_verb_writes_a_collection_that_is_read_as_one(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "notes.jsonl"
    main(["--input", str(notes), "--output", str(output)])
    printed = capsys.readouterr().out
    assert "2 pages" in printed
    assert "left out, without words: 1 file\n" in printed
    passages = list(open_corpus(str(output), format="auto", words=6))
    assert [passage.id for passage in passages][:2] == ["house.md#0", "house.md#1"]
    assert passages[0].fields == {"title": "Heating", "text": "The boiler is in the cellar."}
    assert json.loads((tmp_path / "notes.jsonl.manifest").read_text())["counts"]["pages"] == 2
    with pytest.raises(ValueError, match="exists already"):
        main(["--input", str(notes), "--output", str(output)])


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    words = ["--output", str(tmp_path / "o.jsonl"), "--input"]
    with pytest.raises(ValueError, match="holds no text"):
        main([*words, str(tmp_path / "none")])
    with pytest.raises(ValueError, match="does not exist"):
        main([*words, str(tmp_path / "nothing")])
    assert not (tmp_path / "o.jsonl").exists()
