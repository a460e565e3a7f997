from __future__ import annotations

import gzip
import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.vectors import EMPTY_DOCUMENT, read_vectors
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems
from tests.encode.small_encoding import PASSAGES, done, engine
from tests.tiny_models import close, save_checkpoint


def test_the_file_holds_every_passage_in_order(model: Path, corpus: Path, tmp_path: Path) -> None:
    manifest = encode_corpus(
        engine(model), open_corpus(str(corpus)), tmp_path / "v", progress=False
    )
    vectors = list(read_vectors(tmp_path / "v"))
    assert [id for id, _, _ in vectors] == [f"d{i}" for i in range(PASSAGES)]
    texts = [" ".join(passage.fields.values()) for passage in open_corpus(str(corpus))]
    assert close([vector for _, vector, _ in vectors], engine(model, 64).encode(texts))
    assert manifest.counts["documents"] == PASSAGES
    assert manifest.counts["terms"] == sum(len(vector) for _, vector, _ in vectors)
    assert read_manifest(tmp_path / "v") == manifest
    first = json.loads((tmp_path / "v" / "embeddings.jsonl").read_text().splitlines()[0])
    assert first["contents"].startswith("T\n")


def test_shards_together_are_the_whole(model: Path, corpus: Path, tmp_path: Path) -> None:
    for shard in range(3):
        config = OutputConfig(shard_id=shard, shard_num=3, compress=True)
        encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / "v", config, False)
    encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / "w", progress=False)
    sharded = {id: vector for id, vector, _ in read_vectors(tmp_path / "v")}
    whole = {id: vector for id, vector, _ in read_vectors(tmp_path / "w")}
    assert sharded.keys() == whole.keys()
    assert close([sharded[id] for id in whole], list(whole.values()))
    manifest = read_manifest(tmp_path / "v")
    assert manifest is not None
    assert manifest.counts["documents"] == PASSAGES


def test_a_text_without_terms_gets_the_placeholder(model: Path, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "a", "contents": "zebras"}\n')
    encode_corpus(
        engine(model, factor=1e-6),
        open_corpus(str(tmp_path / "c.jsonl")),
        tmp_path / "v",
        None,
        False,
    )
    assert [vector for _, vector, _ in read_vectors(tmp_path / "v")] == [{EMPTY_DOCUMENT: 1}]


def test_bad_input_in_the_last_line_is_found_before_the_first_text_is_encoded(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.jsonl").write_text(corpus.read_text() + '{"_id": "d7", "text": "again"}\n')
    working = engine(model)
    working.encode = lambda texts: pytest.fail("encoded before the check")  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=rf"c\.jsonl:{PASSAGES + 1}"):
        encode_corpus(working, open_corpus(str(tmp_path / "c.jsonl")), tmp_path / "v", None, False)
    assert not list((tmp_path / "v").glob("*.jsonl"))


def test_bad_records_are_skipped_and_counted_where_asked(model: Path, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "a", "contents": "x"}\n{broken\n{"id": "b"}\n')
    source = open_corpus(str(tmp_path / "c.jsonl"), problems=Problems("skip"))
    manifest = encode_corpus(engine(model), source, tmp_path / "v", None, False)
    assert (manifest.counts["documents"], manifest.counts["skipped"]) == (1, 2)


def test_a_field_that_is_not_there_is_named(model: Path, corpus: Path, tmp_path: Path) -> None:
    config = OutputConfig(encoded_fields=("title", "abstract"))
    with pytest.raises(ValueError, match=r"corpus\.jsonl:1: no field 'abstract'"):
        encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / "v", config, False)


def test_what_is_there_is_kept_unless_asked_otherwise(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    def encode(factor: float = 100.0, **settings: bool) -> None:
        source = open_corpus(str(corpus))
        config = OutputConfig(**settings)  # type: ignore[arg-type]
        encode_corpus(engine(model, factor=factor), source, tmp_path / "v", config, False)

    encode()
    before = (tmp_path / "v" / "embeddings.jsonl").read_bytes()
    with pytest.raises(ValueError, match="exists already"):
        encode()
    encode(resume=True)
    assert (tmp_path / "v" / "embeddings.jsonl").read_bytes() == before
    with pytest.raises(
        ValueError, match=rf"another quantiser \(factor\), made by {model.name}; give"
    ):
        encode(factor=50.0, resume=True)
    encode(factor=50.0, overwrite=True)
    assert (tmp_path / "v" / "embeddings.jsonl").read_bytes() != before
    with pytest.raises(ValueError, match="is a file"):
        encode_corpus(engine(model), open_corpus(str(corpus)), corpus, None, False)


def test_a_folder_holds_the_shards_of_one_run_only(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"_id": "x", "title": "T", "text": "zebras"}\n')
    folder = tmp_path / "v"

    def encode(source: Path, **settings: object) -> None:
        config = OutputConfig(**settings)  # type: ignore[arg-type]
        encode_corpus(engine(model), open_corpus(str(source)), folder, config, False)

    encode(corpus, shard_id=0, shard_num=2)
    with pytest.raises(ValueError, match="another corpus"):
        encode(other, shard_id=1, shard_num=2)
    with pytest.raises(ValueError, match=r"another configuration \(shard_num\), made by"):
        encode(corpus)
    with pytest.raises(ValueError, match=r"\(compress\), made by .*, or remove this one$"):
        encode(corpus, shard_id=1, shard_num=2, compress=True)
    write_manifest(folder, Manifest("vectors"))
    with pytest.raises(ValueError, match=r"(?s)vocabulary, made by an unnamed model; .*") as caught:
        encode(corpus)
    assert "{" not in str(caught.value)
    assert "None" not in str(caught.value)
    encode(corpus, overwrite=True)
    names = ["embeddings.jsonl", "embeddings.jsonl.manifest", "hyper_ir.manifest"]
    assert sorted(path.name for path in folder.iterdir()) == names
    told = "another corpus .* give another folder, or add --overwrite after `output`$"
    with pytest.raises(ValueError, match=told):
        encode(other, resume=True)


def test_a_manifest_that_names_its_corpus_in_a_word_is_of_another_one(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    folder, opened = tmp_path / "v", open_corpus(str(corpus))
    made = encode_corpus(engine(model), opened, folder, progress=False)
    write_manifest(folder, replace(made, inputs={"corpus": "wikipedia"}))
    with pytest.raises(ValueError, match="holds vectors of another corpus"):
        encode_corpus(engine(model), opened, folder, progress=False)


def test_a_model_is_its_weights_whatever_its_folder_is_called(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / "v", None, False)
    moved = tmp_path / "moved"
    shutil.copytree(model, moved)
    resume = OutputConfig(resume=True)
    encode_corpus(engine(moved), open_corpus(str(corpus)), tmp_path / "v", resume, False)
    other = save_checkpoint(tmp_path / "other", seed=1)
    with pytest.raises(ValueError, match=f"another model.*, made by {model.name}; give another f"):
        encode_corpus(engine(other), open_corpus(str(corpus)), tmp_path / "v", resume, False)


def test_overwriting_from_a_bad_corpus_leaves_the_old_vectors(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / "v", None, False)
    before = {path.name: path.read_bytes() for path in (tmp_path / "v").iterdir()}
    (tmp_path / "bad.jsonl").write_text('{"_id": "a", "text": "x"}\n{broken\n')
    config = OutputConfig(overwrite=True)
    with pytest.raises(ValueError, match=r"bad\.jsonl:2"):
        encode_corpus(
            engine(model), open_corpus(str(tmp_path / "bad.jsonl")), tmp_path / "v", config, False
        )
    assert {path.name: path.read_bytes() for path in (tmp_path / "v").iterdir()} == before


def test_a_finished_file_that_was_cut_is_not_taken_for_whole(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / "v", None, False)
    path = tmp_path / "v" / "embeddings.jsonl"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged or changed"):
        encode_corpus(
            engine(model),
            open_corpus(str(corpus)),
            tmp_path / "v",
            OutputConfig(resume=True),
            False,
        )


def test_a_resumed_run_refuses_another_corpus_or_other_settings(
    model: Path, corpus: Path, tmp_path: Path
) -> None:
    kill = engine(model)
    arrays, windows = kill.arrays, itertools.count()

    def interrupted(texts, one_core):  # type: ignore[no-untyped-def]
        if next(windows) == 5:
            raise KeyboardInterrupt
        return arrays(texts, one_core)

    kill.arrays = interrupted  # type: ignore[method-assign,assignment]
    copy = tmp_path / "corpus.jsonl"
    copy.write_text(corpus.read_text())
    with pytest.raises(KeyboardInterrupt):
        encode_corpus(kill, open_corpus(str(copy)), tmp_path / "v", None, False)
    assert done(tmp_path / "v") == 5 * kill.window == 20
    with pytest.raises(ValueError, match="interrupted run; --resume"):
        encode_corpus(engine(model), open_corpus(str(copy)), tmp_path / "v", None, False)
    resume = OutputConfig(resume=True)
    with pytest.raises(ValueError, match="other settings \\(quantiser\\)"):
        encode_corpus(
            engine(model, factor=9.0), open_corpus(str(copy)), tmp_path / "v", resume, False
        )
    copy.write_text(corpus.read_text().replace('"d0"', '"dX"'))
    with pytest.raises(ValueError, match="does not begin with the 20 documents of the inter"):
        encode_corpus(engine(model), open_corpus(str(copy)), tmp_path / "v", resume, False)
    copy.write_text(corpus.read_text())
    manifest = encode_corpus(engine(model), open_corpus(str(copy)), tmp_path / "v", resume, False)
    assert manifest.counts["documents"] == PASSAGES


def test_two_processes_cannot_write_one_file(model: Path, corpus: Path, tmp_path: Path) -> None:
    from hyper_ir.encode.vector_file import VectorFile

    with VectorFile(tmp_path / "embeddings.jsonl", {}) as first:
        assert not first.finished
        with (
            pytest.raises(ValueError, match="another process"),
            VectorFile(tmp_path / "embeddings.jsonl", {}, resume=True),
        ):
            pass


def test_gzip_files_are_equal_byte_for_byte(model: Path, corpus: Path, tmp_path: Path) -> None:
    config = OutputConfig(compress=True)
    for name in ("a", "b"):
        encode_corpus(engine(model), open_corpus(str(corpus)), tmp_path / name, config, False)
    data = [(tmp_path / name / "embeddings.jsonl.gz").read_bytes() for name in ("a", "b")]
    assert data[0] == data[1]
    assert gzip.decompress(data[0]).count(b"\n") == PASSAGES
