from __future__ import annotations

import json
import multiprocessing
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader, Dataset

from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Encoding
from hyper_ir.problems import Problems
from hyper_ir.training import token_store
from hyper_ir.training.token_store import TokenStore, tokenizer_hash
from tests.tiny_models import FAMILIES, TEXTS, save_checkpoint, tokenizer

PASSAGES = 50


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    draw = random.Random(0)
    words = " ".join(TEXTS).split()
    with open(path, "w") as handle:
        for number in range(PASSAGES):
            title, text = " ".join(draw.choices(words, k=2)), draw.choices(words, k=number)
            record = {"_id": f"p#{number}", "title": title, "text": " ".join(text)}
            handle.write(json.dumps(record) + "\n")
    return path


def source(path: Path) -> Corpus:
    return open_corpus(str(path))


def texts_of(path: Path, add_sep: bool) -> dict[str, list[str]]:
    return {
        passage.id: list(passage.fields.values())
        if add_sep
        else [" ".join(passage.fields.values())]
        for passage in source(path)
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("add_sep", [False, True])
def test_tokens_are_those_of_the_tokenizer(
    corpus: Path, tmp_path: Path, family: str, add_sep: bool
) -> None:
    made = tokenizer(family)
    store = TokenStore.build(
        tmp_path / "s", source(corpus), made, 20, add_sep=add_sep, progress=False
    )
    texts = texts_of(corpus, add_sep)
    assert len(store) == len(texts)
    for place, (id, fields) in enumerate(texts.items()):
        text = tuple(fields) if add_sep else fields[0]
        expected = made([text], truncation=True, max_length=20)["input_ids"][0]
        assert store.tokens(id) == expected
        assert store.place(id) == place
        assert store.lengths[place] == len(expected)
    assert store.lengths.dtype == np.int32
    assert int(store.lengths.max()) == 20 == store.max_length


def test_tokens_are_those_that_encoding_sees(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / "bert"))
    engine = Engine(retriever, "document", EngineConfig(batch_size=1, max_length=16))
    seen: list[list[int]] = []
    forward = engine.encoding

    def noted(ids: list[list[int]]) -> Encoding:
        seen.extend(ids)
        return forward(ids)

    monkeypatch.setattr(engine, "encoding", noted)
    texts = texts_of(corpus, add_sep=False)
    engine.encode([text for (text,) in texts.values()])
    store = TokenStore.build(
        tmp_path / "s", source(corpus), retriever.tokenizer, 16, progress=False
    )
    assert sorted(store.tokens(id) for id in texts) == sorted(seen)


@pytest.mark.parametrize("window", [1, 7, 1024])
def test_only_the_wanted_are_kept_and_windows_change_nothing(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(token_store, "WINDOW", window)
    wanted = ["p#30", "p#2", "p#2", "p#17"]
    made = tokenizer("bert")
    whole = TokenStore.build(tmp_path / "all", source(corpus), made, 12, progress=False)
    some = TokenStore.build(
        tmp_path / "some", source(corpus), made, 12, wanted=wanted, progress=False
    )
    assert len(some) == 3
    assert [some.place(id) for id in ("p#2", "p#17", "p#30")] == [0, 1, 2]
    assert all(some.tokens(id) == whole.tokens(id) for id in wanted)
    assert "p#30" in some
    assert "p#3" not in some
    with pytest.raises(ValueError, match=r"holds no passage 'p#3'"):
        some.tokens("p#3")
    none = TokenStore.build(tmp_path / "none", source(corpus), made, 12, [], progress=False)
    assert len(none) == len(none.lengths) == 0


def test_wanted_passages_that_are_missing_are_counted_and_named(
    corpus: Path, tmp_path: Path
) -> None:
    wanted = ["p#1", "x4", "x1", "x3", "x2"]
    with pytest.raises(ValueError, match=r"lacks 4 of the 5 .*: 'x1', 'x2', 'x3', …"):
        TokenStore.build(
            tmp_path / "s", source(corpus), tokenizer("bert"), 12, wanted, progress=False
        )
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_the_same_is_opened_and_of_anything_else_made_anew(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tokenizer("bert")
    folder = tmp_path / "s"

    def build(length: int = 12, **more: object) -> bool:
        """Whether the store was made anew."""
        before = folder.stat().st_ino if folder.exists() else None
        TokenStore.build(folder, source(corpus), made, length, progress=False, **more)  # type: ignore[arg-type]
        return folder.stat().st_ino != before

    assert build()
    assert capsys.readouterr().err == ""
    assert not build()
    made(["a text"], truncation=True, max_length=5, padding=True)  # leaves traces in it
    assert not build()
    assert capsys.readouterr().err == ""
    assert build(length=13)
    assert "another max_length" in capsys.readouterr().err
    assert build(length=13, wanted=["p#1", "p#2"])
    assert not build(length=13, wanted={"p#2", "p#1"})
    assert build(length=13, wanted=["p#1"])
    assert build(length=13, wanted=["p#1"], add_sep=True)
    assert "another add_sep" in capsys.readouterr().err
    made.add_tokens(["zebras"])
    assert build(length=13, wanted=["p#1"], add_sep=True)
    assert "another tokenizer" in capsys.readouterr().err
    with open(corpus, "a") as handle:
        handle.write('{"_id": "new", "title": "a", "text": "b"}\n')
    try:
        assert build(length=13, wanted=["new"], add_sep=True)
        assert "another corpus and wanted" in capsys.readouterr().err
    finally:
        lines = corpus.read_text().splitlines(keepends=True)
        corpus.write_text("".join(lines[:-1]))


def test_a_failure_leaves_the_old_store(corpus: Path, tmp_path: Path) -> None:
    made = tokenizer("bert")
    TokenStore.build(tmp_path / "s", source(corpus), made, 12, progress=False)
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"_id": "a", "title": "x", "text": "y"}\n{broken\n')
    with pytest.raises(ValueError, match=r"bad\.jsonl:2"):
        TokenStore.build(tmp_path / "s", source(bad), made, 12, progress=False)
    assert len(TokenStore.open(tmp_path / "s")) == PASSAGES
    skipping = open_corpus(str(bad), problems=Problems("skip"))
    store = TokenStore.build(tmp_path / "s", skipping, made, 12, progress=False)
    assert len(store) == 1


def test_folders_that_are_something_else_are_left_alone(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(ValueError, match="not a folder of tokens"):
        TokenStore.build(tmp_path, source(corpus), tokenizer("bert"), 12, progress=False)
    assert (tmp_path / "precious").exists()
    with pytest.raises(ValueError, match="not a folder of tokens"):
        TokenStore.open(tmp_path / "nothing")
    with pytest.raises(ValueError, match="no room for a word"):
        TokenStore.build(tmp_path / "s", source(corpus), tokenizer("bert"), 2)


def test_damaged_files_are_refused(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    TokenStore.build(folder, source(corpus), tokenizer("bert"), 12, progress=False)
    other = TokenStore.build(
        tmp_path / "other", source(corpus), tokenizer("bert"), 12, ["p#1"], progress=False
    )
    for name in (token_store.TOKENS, token_store.STARTS, token_store.LENGTHS):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes((other.folder / name).read_bytes())
        with pytest.raises(ValueError, match="do not fit each other"):
            TokenStore.open(folder)
        (folder / name).write_bytes(whole[:-2])
        with pytest.raises(ValueError, match="not an array"):
            TokenStore.open(folder)
        (folder / name).write_bytes(whole)
    assert len(TokenStore.open(folder)) == PASSAGES


def test_vocabularies_over_65536_are_held(tmp_path: Path) -> None:
    made = tokenizer("bert")
    made.add_tokens([f"word{number}" for number in range(66_000)])
    path = tmp_path / "c.jsonl"
    path.write_text('{"id": "a", "contents": "word65999 zebras word0"}\n')
    store = TokenStore.build(tmp_path / "s", source(path), made, 12, progress=False)
    assert store.tokens("a") == made("word65999 zebras word0")["input_ids"]
    assert max(store.tokens("a")) > 65_535


def test_the_tokenizers_hash_tells_tokenizers_apart_and_forgets_calls() -> None:
    used = tokenizer("bert")
    before = tokenizer_hash(used)
    assert before != tokenizer_hash(tokenizer("roberta"))
    used(["a", "b c"], padding=True, truncation=True, max_length=4)
    assert tokenizer_hash(used) == before
    used.truncation_side = "left"
    assert tokenizer_hash(used) != before


class Rows(Dataset[list[int]]):
    def __init__(self, store: TokenStore) -> None:
        self.store = store

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, place: int) -> list[int]:
        return self.store.tokens(f"p#{place}")


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_read_the_same(corpus: Path, tmp_path: Path, context: str) -> None:
    if context not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {context} here")
    store = TokenStore.build(tmp_path / "s", source(corpus), tokenizer("bert"), 12, progress=False)
    assert len(pickle.dumps(store)) < 500
    loader = DataLoader(
        Rows(store),
        batch_size=None,
        num_workers=1,
        multiprocessing_context=context,
        timeout=120,  # a worker that hangs fails
    )
    assert list(loader) == [store.tokens(f"p#{place}") for place in range(PASSAGES)]
