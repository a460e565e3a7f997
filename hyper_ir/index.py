"""``python -m hyper_ir.index``: a Lucene index of texts (BM25) or of sparse vectors (impacts)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from shlex import quote

from hyper_ir.command import Parser, positive, run
from hyper_ir.manifest import Manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

EXAMPLE = """
python -m hyper_ir.index --input data/nfcorpus --index indexes/nfcorpus.bm25
python -m hyper_ir.index --impact --input vectors/nfcorpus --index indexes/nfcorpus.splade
python -m hyper_ir.index --impact --input vectors/kilt --index indexes/kilt.splade --shards 8
"""

COLLECTIONS = {"JsonCollection": False, "JsonVectorCollection": True}
"""Anserini's collections that stock commands name, and whether they are impacts."""


HINT = "the same command again starts afresh; with --shards it keeps the shards that are finished"


def parser() -> argparse.ArgumentParser:
    """The verb's arguments, named as ``python -m pyserini.index.lucene`` names them."""
    from hyper_ir.data.corpus import FORMATS

    verb = Parser(
        "python -m hyper_ir.index",
        "Index texts for BM25, or sparse vectors as impacts, with Anserini.",
        EXAMPLE,
    )
    add = verb.add_argument
    add(
        "--input",
        required=True,
        help="corpus: file, folder, BEIR folder, ir_datasets:NAME; "
        "with --impact a file or folder of vectors",
    )
    add("--index", required=True, help="folder to make")
    add("--impact", action="store_true", help="index sparse vectors as impacts")
    add("--collection", choices=sorted(COLLECTIONS), help="as stock commands name it; not needed")
    add("--generator", choices=["DefaultLuceneDocumentGenerator"], help="as stock; not needed")
    add("--threads", type=int, default=os.cpu_count() or 1, help="of texts; vectors have one")
    add("--optimize", action="store_true", help="merge into one segment: slower now, faster later")
    add(
        "--shards",
        type=positive,
        help="make so many indexes, INDEX/shard-00 and on, that are searched as one, or each on a "
        "machine of its own; a document's id alone says which it goes to",
    )
    add("--overwrite", action="store_true", help="replace an index of the same name")
    add("--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bar")

    texts = verb.add_argument_group("texts (BM25)")
    more = texts.add_argument
    more("--format", choices=FORMATS, default="auto", help="of the corpus")
    more("--fields", nargs="+", help="texts to index, in this order (default: the format's)")
    more("--docid-field", help="key of the id (default: id, _id or docid)")
    more("--delimiter", default="\\n", help="between the fields inside Pyserini's contents")
    more("--words", type=int, default=100, help="words in a passage of KILT's pages")
    more("--by", choices=["words", "paragraph"], default="words", help="how KILT's pages are cut")
    more("--language", default="en", help="of the texts, as Anserini names it")
    more("--stemmer", choices=["porter", "krovetz", "none"], default="porter", help="for English")
    more("--keep-stopwords", "--keepStopwords", action="store_true", help="index stop words too")
    more("--pretokenized", action="store_true", help="cut texts at white space, change nothing")

    storage = verb.add_argument_group("what the index keeps besides the terms")
    more = storage.add_argument
    more("--store-contents", "--storeContents", action="store_true", help="texts, to show hits")
    more("--store-raw", "--storeRaw", action="store_true", help="JSON records")
    more("--store-positions", "--storePositions", action="store_true", help="for phrase queries")
    more("--store-docvectors", "--storeDocvectors", action="store_true", help="for feedback")
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, index, and name the next command."""
    arguments = parser().parse_args(argv)
    if arguments.collection and COLLECTIONS[arguments.collection] != arguments.impact:
        raise ValueError(
            f"--collection {arguments.collection} and --impact do not fit: JsonVectorCollection "
            "is indexed with --impact, JsonCollection without"
        )
    problems = Problems(arguments.on_bad_input)
    manifest = _build(arguments, problems)
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    kind = "--impact" if arguments.impact else "--bm25"
    documents = counted(manifest.counts["documents"], "document")
    shards = f" in {counted(arguments.shards, 'shard')}" if arguments.shards else ""
    print(f"{documents}{shards}: {arguments.index}")
    print(
        f"next: python -m hyper_ir.search {kind} --index {quote(arguments.index)} --topics TOPICS "
        "--output runs/NAME.trec"
    )


def _build(arguments: argparse.Namespace, problems: Problems) -> Manifest:
    from hyper_ir.data.corpus import open_corpus
    from hyper_ir.lucene.impact_indexing import build_impact_index
    from hyper_ir.lucene.indexing import Storage, TextAnalysis, build_bm25_index
    from hyper_ir.lucene.shard_indexing import build_bm25_shards, build_impact_shards

    build_impact: Callable[..., Manifest] = build_impact_index
    build_bm25: Callable[..., Manifest] = build_bm25_index
    if shards := arguments.shards:
        build_impact = partial(build_impact_shards, shards=shards)
        build_bm25 = partial(build_bm25_shards, shards=shards)
    storage = Storage(
        contents=arguments.store_contents,
        raw=arguments.store_raw,
        positions=arguments.store_positions,
        docvectors=arguments.store_docvectors,
    )
    if arguments.impact:
        return build_impact(
            arguments.input,
            arguments.index,
            threads=arguments.threads,
            optimize=arguments.optimize,
            storage=storage,
            overwrite=arguments.overwrite,
            problems=problems,
            progress=not arguments.quiet,
        )
    corpus = open_corpus(
        arguments.input,
        format=arguments.format,
        fields=arguments.fields,
        docid_field=arguments.docid_field,
        delimiter=arguments.delimiter.replace("\\n", "\n").replace("\\t", "\t"),
        words=arguments.words,
        by=arguments.by,
        problems=problems,
    )
    return build_bm25(
        corpus,
        arguments.index,
        analysis=TextAnalysis(
            arguments.language, arguments.stemmer, arguments.keep_stopwords, arguments.pretokenized
        ),
        threads=arguments.threads,
        optimize=arguments.optimize,
        storage=storage,
        overwrite=arguments.overwrite,
        problems=problems,
        progress=not arguments.quiet,
    )


if __name__ == "__main__":
    run(main, hint=HINT, on_bad_input=True)
