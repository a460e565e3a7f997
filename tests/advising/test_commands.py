from __future__ import annotations

from pathlib import Path

from hyper_ir.advising.commands import commands
from hyper_ir.advising.grid import IndexSetting, Setting
from hyper_ir.advising.inputs import Checked, Inputs
from hyper_ir.encode.__main__ import parse
from hyper_ir.index import parser as index_parser
from hyper_ir.manifest import Manifest
from hyper_ir.search.__main__ import parser as search_parser
from hyper_ir.search.pipeline import Depth
from hyper_ir.search.query_encoders import ModelSettings

PRUNED = Setting(IndexSetting(25, 128), 16)


def words(line: str) -> tuple[str, list[str]]:
    import shlex

    python, flag, module, *rest = shlex.split(line)
    assert (python, flag) == ("python", "-m")
    return module, rest


def test_the_verbs_take_them() -> None:
    inputs = Inputs(
        "v",
        "my topics.tsv",
        "q",
        encoder="models/m",
        settings=ModelSettings(max_length=32, quantization_factor=51.2),
        depth=Depth(hits=50, pages=50, without_query=True),
        min_idf=-1,
    )
    manifest = Manifest(
        "vectors",
        config={"encoded_fields": ["title", "text"], "add_sep": True, "max_length": 256},
        inputs={"corpus": {"source": "a corpus"}},
    )
    encode, index, search = commands(Checked(inputs, [], [], manifest, 100, "lucene"), PRUNED)
    module, rest = words(encode)
    groups = parse(rest)
    assert module == "hyper_ir.encode"
    assert groups["input"].corpus == "a corpus"
    encoder = groups["encoder"]
    assert (encoder.quantization_factor, encoder.top_k, encoder.max_length) == (25, 128, 256)
    assert (encoder.fields, encoder.add_sep) == (["title", "text"], True)
    module, rest = words(index)
    indexed = index_parser().parse_args(rest)
    assert indexed.input == groups["output"].embeddings
    module, rest = words(search)
    found = search_parser().parse_args(rest)
    assert (module, found.index, found.query_terms) == ("hyper_ir.search", [indexed.index], 16)
    assert (found.topics, found.max_length, found.min_idf) == ("my topics.tsv", 32, -1)
    assert (found.hits, found.max_passage_hits, found.max_passage) == (50, 50, True)
    assert (found.remove_query, found.quantization_factor) == (True, 51.2)


def test_what_nobody_told_stands_in_capitals(tmp_path: Path) -> None:
    checked = Checked(Inputs("v", "t", "q"), [], [], None, 100, "exact")
    encode, _, search = commands(checked, Setting(IndexSetting(100, None), None))
    assert "--corpus CORPUS" in encode
    assert "--encoder MODEL" in encode
    assert "--top-k" not in encode
    assert "--encoder" not in search
    assert "--query-terms" not in search
