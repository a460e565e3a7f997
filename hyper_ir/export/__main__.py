"""``python -m hyper_ir.export``: vectors for engines with sparse vectors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from hyper_ir.command import Parser, given, run
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

DESCRIPTION = """Put sparse vectors into Milvus, or write them as bulk files of OpenSearch or
Elasticsearch. In these two a dot in a token is written %2E and a percent sign %25
(hyper_ir.export.field_names), because they refuse dots in the names of features."""

EXAMPLE = """
python -m hyper_ir.export vectors/nfcorpus --to milvus --uri milvus.db --collection nfcorpus
python -m hyper_ir.search --impact --engine milvus --uri milvus.db --index nfcorpus \\
  --topics data/nfcorpus --encoder models/splade --output runs/nfcorpus.milvus.trec
python -m hyper_ir.export vectors/nfcorpus --to opensearch --index nfcorpus --output bulk/nfcorpus
"""

HINT = "the same command again goes on in Milvus, and writes bulk files afresh"

MILVUS_FLAGS = {"uri", "collection"}
BULK_FLAGS = {"output", "index", "field", "type", "megabytes"}


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    verb = Parser("python -m hyper_ir.export", DESCRIPTION, EXAMPLE)
    add = verb.add_argument
    add("vectors", help="file or folder of sparse vectors")
    add("--to", required=True, choices=["milvus", "opensearch", "elasticsearch"], help="the engine")
    add("--overwrite", action="store_true", help="replace a collection, or a folder of bulk files")
    add("--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bar")

    milvus = verb.add_argument_group("Milvus")
    more = milvus.add_argument
    more(
        "--uri",
        help="a file ending in .db for the embedded Milvus, or http://HOST:PORT of a cluster, "
        "where the environment variable MILVUS_TOKEN logs in",
    )
    more("--collection", help="to make: letters, digits and underscores")

    bulk = verb.add_argument_group("OpenSearch and Elasticsearch")
    more = bulk.add_argument
    more("--output", metavar="FOLDER", help="of the bulk files to write")
    more("--index", help="the engine's index that they are for")
    more("--field", default="vector", help="of the index, that holds the vector")
    more(
        "--type",
        choices=["rank_features", "sparse_vector"],
        help="of the field (default: rank_features in OpenSearch, for its neural_sparse query; "
        "sparse_vector in Elasticsearch, from 8.19 or 9.1 on)",
    )
    more("--megabytes", type=float, default=10, help="of a bulk file, at most")
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, export, and name the next command."""
    verb = parser()
    arguments = verb.parse_args(argv)
    _check_flags(arguments, given(verb, argv))
    problems = Problems(arguments.on_bad_input)
    lines = (
        _to_milvus(arguments, problems)
        if arguments.to == "milvus"
        else _to_bulk(arguments, problems)
    )
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    print("\n".join(lines))


def _check_flags(arguments: argparse.Namespace, flags: set[str]) -> None:
    mine, others = MILVUS_FLAGS, BULK_FLAGS
    needed = ("uri", "collection")
    if arguments.to != "milvus":
        mine, others, needed = BULK_FLAGS, MILVUS_FLAGS, ("output", "index")
    for name in needed:
        if getattr(arguments, name) is None:
            raise ValueError(f"--to {arguments.to} needs --{name}")
    if wrong := sorted(flags & others - mine):
        raise ValueError(f"--{wrong[0]} is not for --to {arguments.to}")


def _to_milvus(arguments: argparse.Namespace, problems: Problems) -> list[str]:
    from hyper_ir.export.milvus_load import load

    header = load(
        arguments.vectors,
        arguments.uri,
        arguments.collection,
        overwrite=arguments.overwrite,
        problems=problems,
        progress=not arguments.quiet,
    )
    documents, tokens = counted(header.documents, "document"), counted(len(header.tokens), "token")
    return [
        f"{documents}, {tokens}: {arguments.collection} at {arguments.uri}",
        f"next: python -m hyper_ir.search --impact --engine milvus --uri {quote(arguments.uri)} "
        f"--index {quote(arguments.collection)} --topics TOPICS --output runs/NAME.trec",
    ]


def _to_bulk(arguments: argparse.Namespace, problems: Problems) -> list[str]:
    from hyper_ir.export.bulk import CREATE, write_bulk
    from hyper_ir.export.bulk_forms import Form

    form = Form(arguments.to, arguments.index, arguments.field, arguments.type)
    manifest = write_bulk(
        arguments.vectors,
        arguments.output,
        form,
        megabytes=arguments.megabytes,
        overwrite=arguments.overwrite,
        problems=problems,
        progress=not arguments.quiet,
    )
    counts = manifest.counts
    lines = [
        f"{counted(counts['documents'], 'document')} in {counted(counts['files'], 'file')}: "
        f"{arguments.output}"
    ]
    if counts["rounded"]:
        lines.append(
            f"{counted(counts['rounded'], 'weight')} of {counts['weights']:,} will be rounded, by "
            "up to 0.4 %: the engine keeps 9 significant bits; a smaller --quantization-factor in "
            "hyper_ir.encode keeps weights below 512"
        )
    folder = Path(arguments.output)
    json = "-H 'Content-Type: application/json'"
    return [
        *lines,
        f'next: curl -X PUT "$URL/{form.index}" {json} -d @{quote(str(folder / CREATE))}',
        f'      for file in {quote(str(folder))}/bulk-*.ndjson; do curl -X POST "$URL/_bulk" '
        f'{json} --data-binary @"$file"; done',
    ]


if __name__ == "__main__":
    run(main, hint=HINT, on_bad_input=True)
