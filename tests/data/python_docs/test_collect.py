from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.kilt_tasks import read_kilt_task
from hyper_ir.data.python_docs.__main__ import in_words, main
from hyper_ir.data.python_docs.collect import CollectConfig, collect
from hyper_ir.data.python_docs.kinds import LEAST_LEFT, MASK, TASKS
from hyper_ir.data.python_docs.packages import SourceTree, find_package
from hyper_ir.data.python_docs.pages import SPLITS, Page, split_of
from hyper_ir.data.python_docs.plain import key
from hyper_ir.data.python_docs.reading import Reading, read_pages
from hyper_ir.data.python_docs.selection import DocsTopic, select_topics
from hyper_ir.data.python_docs.writing import PAGES, task_file
from hyper_ir.data.topics import read_topics
from tests.data.python_docs.tree import word, write_tree


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> SourceTree:
    folder = write_tree(tmp_path_factory.mktemp("tree"), "tinydocs")
    return SourceTree("tinydocs", folder, "tinydocs", "1.0")


@pytest.fixture(scope="module")
def selected(package: SourceTree) -> tuple[Reading, list[DocsTopic], Counter[str]]:
    reading = read_pages([package])
    topics, dropped = select_topics(reading.pages, max_topics=20, seed=42)
    return reading, topics, dropped


def shown(page: Page) -> str:
    return key(" ".join([page.title, *page.paragraphs(10_000)]))


def test_every_function_is_a_page_and_broken_files_are_counted(
    selected: tuple[Reading, list[DocsTopic], Counter[str]],
) -> None:
    reading, _, _ = selected
    assert len(reading.pages) == 30 * 9
    assert reading.pages_of == {"tinydocs": 270}
    assert reading.counts["files not read"] == 1
    assert "broken.py" in reading.unreadable[0]
    assert [page.id for page in reading.pages] == sorted(page.id for page in reading.pages)
    first = next(page for page in reading.pages if page.id == f"tinydocs.part0.act_{word(0)}")
    assert first.title.removeprefix(f"act {word(0)}, ") == "function of tinydocs part0"


def test_every_kind_has_topics_in_every_split(
    selected: tuple[Reading, list[DocsTopic], Counter[str]],
) -> None:
    _, topics, _ = selected
    counts = Counter((topic.task, topic.split) for topic in topics)
    assert set(counts) == {(task, split) for task in TASKS for split in SPLITS}
    assert all(counts[task, "train"] == 20 for task in TASKS)
    assert all(counts[task, split] <= 5 for task in TASKS for split in ("dev", "test"))


def test_splits_share_no_module(
    selected: tuple[Reading, list[DocsTopic], Counter[str]],
) -> None:
    _, topics, _ = selected
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for topic in topics:
        groups[topic.split] |= {page.group for page in topic.pages}
        assert all(page.split == topic.split for page in topic.pages)
    assert not groups["train"] & (groups["dev"] | groups["test"])
    assert not groups["dev"] & groups["test"]


def test_pages_do_not_hold_what_their_topics_took(
    selected: tuple[Reading, list[DocsTopic], Counter[str]],
) -> None:
    _, topics, _ = selected
    for topic in topics:
        for page in topic.pages:
            text = shown(page)
            if topic.task in ("summary", "parameter", "returns", "notes"):
                assert key(topic.text) not in text
            if topic.task == "relation":
                assert key(topic.text.split("[SEP]")[1]) not in text
            assert len(" ".join(page.paragraphs(10_000)).split()) >= LEAST_LEFT


def test_a_page_serves_one_kind_that_takes_from_it(
    selected: tuple[Reading, list[DocsTopic], Counter[str]],
) -> None:
    _, topics, _ = selected
    serves: defaultdict[str, set[str]] = defaultdict(set)
    for topic in topics:
        for page in topic.pages:
            serves[page.id].add(topic.task)
    for tasks in serves.values():
        assert len(tasks - {"linking", "doctest"}) <= 1
        assert not {"linking", "relation"} <= tasks


def test_forms_of_the_kinds(selected: tuple[Reading, list[DocsTopic], Counter[str]]) -> None:
    _, topics, _ = selected
    for topic in topics:
        page = topic.pages[0]
        if topic.task == "relation":
            assert topic.text.startswith("tinydocs part")
        elif topic.task == "linking":
            mention = topic.text.split("[START_ENT] ")[1].split(" [END_ENT]")[0]
            assert mention == page.own_name.replace("_", " ")
            assert "Says" not in topic.text  # the marked name's own description
            assert "nothing known: Not a page." in topic.text
        elif topic.task == "doctest":
            assert page.own_name not in topic.text
            assert MASK in topic.text
            assert ">>>" not in topic.text
            assert topic.text.startswith("import os\n")


def test_boilerplate_is_no_topic(selected: tuple[Reading, list[DocsTopic], Counter[str]]) -> None:
    _, topics, dropped = selected
    assert not any("Axis along" in topic.text for topic in topics)
    assert dropped["parameter: text shared by other pages"] == 0
    assert dropped["parameter: common words alone"] == 0  # too short to be one at all


def sharing(tmp_path: Path, functions: int) -> tuple[Reading, list[DocsTopic], Counter[str]]:
    """Functions of one module with one parameter's description in common, and little else."""
    source = "".join(
        f"def f{number}(x):\n"
        f'    """Do it {number}.\n\n'
        f"    It is what it is and no more of it is to be said here {number}.\n\n"
        "    Args:\n"
        '        x: Quite unheard-of frobnication of zymurgic quokkas in the fens.\n    """\n'
        for number in range(functions)
    )
    (tmp_path / "module.py").write_text(source)
    reading = read_pages([SourceTree("sharing", tmp_path, "sharing", "1")])
    return reading, *select_topics(reading.pages, 50, 42)


def test_a_text_of_few_pages_has_them_all_as_answers(tmp_path: Path) -> None:
    _, topics, _ = sharing(tmp_path, 4)
    (topic,) = [topic for topic in topics if "zymurgic" in topic.text]
    assert len(topic.pages) == 4
    assert not any("zymurgic" in shown(page) for page in topic.pages)


def test_a_text_of_many_pages_is_boilerplate(tmp_path: Path) -> None:
    reading, topics, dropped = sharing(tmp_path, 5)
    assert not any("zymurgic" in topic.text for topic in topics)
    assert dropped["parameter: text shared by other pages"] == 1
    assert sum("zymurgic" in shown(page) for page in reading.pages) == 5


def test_a_text_is_one_page_and_a_name_is_one_page(tmp_path: Path) -> None:
    (tmp_path / "same").mkdir()
    body = '"""One two three four five six seven eight nine ten eleven twelve."""\n'
    (tmp_path / "same" / "m.py").write_text(
        f"def beta():\n    {body}def alpha():\n    {body}"
        f"def gamma():\n    {body.replace('One', 'Once more')}"
        "def gamma():\n    '''Too few words stand here to win, alas.'''\n"
    )
    reading = read_pages([SourceTree("same", tmp_path / "same", "same", "1")])
    assert [page.id for page in reading.pages] == ["same.m.beta", "same.m.gamma"]
    assert reading.counts["same text"] == 1
    assert reading.counts["same name"] == 1
    assert "Once more" in reading.pages[1].docstring.text


def test_files_are_read_back_by_the_kilt_readers(
    tmp_path: Path, package: SourceTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package.root.parent))
    description = collect(tmp_path / "docs", CollectConfig(("tinydocs",), words=30, max_topics=8))
    assert description["pages"] == 270
    passages = list(open_corpus(str(tmp_path / "docs" / PAGES), format="kilt"))
    pages = {passage.id.rpartition("#")[0]: passage.fields["title"] for passage in passages}
    assert len(pages) == len(passages) == 270
    for passage in passages:
        assert len(passage.fields["text"].split()) <= 30
        assert passage.fields["text"].split()
    for task in TASKS:
        path = tmp_path / "docs" / task_file(task, "train")
        topics = read_topics(str(path))
        assert len(topics) == description["tasks"][task]["train"] == 8
        for record in read_kilt_task(path):
            assert record.evidence
            assert all(page in pages for each in record.evidence for page in each)
    for line in (tmp_path / "docs" / PAGES).read_text().splitlines():
        record = json.loads(line)
        assert all(text.endswith("\n") and text.strip() for text in record["text"])
        assert record["text"][0] == record["wikipedia_title"] + "\n"
    assert "270 pages" in in_words(description)


COLLECT = "from hyper_ir.data.python_docs.__main__ import main; import sys; main(sys.argv[1:])"


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_equal_settings_give_equal_bytes(tmp_path: Path, package: SourceTree) -> None:
    for name, hash_seed in (("one", "1"), ("two", "2")):
        command = [sys.executable, "-c", COLLECT, "--output", str(tmp_path / name)]
        path = os.pathsep.join([str(package.root.parent), *sys.path])
        subprocess.run(
            [*command, "--packages", "tinydocs", "--max-topics", "7"],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
        )
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


def test_another_seed_chooses_other_topics(
    package: SourceTree,
) -> None:
    chosen = []
    for seed in (1, 2):
        topics, _ = select_topics(read_pages([package]).pages, 5, seed)
        chosen.append({topic.text for topic in topics})
    assert chosen[0] != chosen[1]


def test_nothing_is_overwritten_unasked(
    tmp_path: Path, package: SourceTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package.root.parent))
    arguments = ["--output", str(tmp_path / "docs"), "--packages", "tinydocs"]
    assert main(arguments) == 0
    with pytest.raises(ValueError, match="exists already"):
        main(arguments)
    assert main([*arguments, "--overwrite", "--max-topics", "3"]) == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="left alone"):
        collect(tmp_path / "mine", CollectConfig(("tinydocs",)), overwrite=True)


@pytest.mark.parametrize(
    "settings", [{"words": 0}, {"max_topics": 0}, {"packages": ()}], ids=lambda value: str(value)
)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        CollectConfig(**settings)


def test_splits_never_change() -> None:
    names = ("json", "email", "os", "tkinter", "numpy.linalg", "logging")
    assert [split_of(name) for name in names] == ["dev", "test", "test", "train", "train", "test"]
    shares = Counter(split_of(f"module{number}") for number in range(2_000))
    assert 1_300 < shares["train"] < 1_500
    assert 320 < shares["test"] < 480


def test_real_modules_of_the_standard_library() -> None:
    library = find_package("stdlib")
    assert library is not None
    trees = [
        SourceTree(name, library.root / name, name, library.version)
        for name in ("email", "logging", "asyncio", "importlib", "collections")
    ]
    reading = read_pages(trees)
    pages = {page.id: page for page in reading.pages}
    assert len(pages) > 300
    assert reading.counts["files not read"] == 0
    message = pages["email.message.Message"]
    assert message.title == "message, class of email message"
    assert message.parts[0].text == "Basic message object."
    # asyncio offers what its modules define
    assert "asyncio.Queue.get" in pages
    assert all(page.isprintable() and " " not in page and "#" not in page for page in pages)
    topics, _ = select_topics(reading.pages, 30, 42)
    assert len(topics) > 60
