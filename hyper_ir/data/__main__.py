"""``python -m hyper_ir.data``: collections of any format to Pyserini's passages, topics, qrels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hyper_ir.command import Parser, run
from hyper_ir.data import convert, corpus, topics
from hyper_ir.data.pairs import PairSettings, write_pairs
from hyper_ir.data.passages import SHARD_SIZE
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

PROG = "python -m hyper_ir.data"

EXAMPLE = """
python -m hyper_ir.data passages --corpus kilt_knowledgesource.json.gz --output passages
python -m hyper_ir.data topics --topics nq-dev-kilt.jsonl --output nq.tsv --qrels nq.qrels
python -m hyper_ir.data qrels --qrels ir_datasets:beir/scifact/test --output scifact.qrels
python -m hyper_ir.data beir --folder nfcorpus --output nfcorpus-lucene
python -m hyper_ir.data pairs --corpus kilt_knowledgesource.json.gz --output pairs
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and convert."""
    args = _parser().parse_args(argv)
    args.convert(args)


def _parser() -> Parser:
    parser = Parser(
        PROG,
        "Convert a collection: KILT, BEIR, ir_datasets:NAME, Pyserini JSONL, MS MARCO-like TSV,\n"
        "plain or gzip, streaming. Each output has a manifest.",
        EXAMPLE,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_passages(verbs)
    _add_topics(verbs)
    _add_qrels(verbs)
    _add_beir(verbs)
    _add_pairs(verbs)
    return parser


def _verb(verbs: argparse._SubParsersAction[Parser], name: str, help: str, example: str) -> Parser:
    parser: Parser = verbs.add_parser(
        name, prog=f"{PROG} {name}", description=help, help=help, example=example
    )
    parser.add_argument(
        "--on-bad-input",
        choices=("stop", "skip"),
        default="stop",
        help="a bad record ends the command, or is counted, listed and left out",
    )
    return parser


def _add_output_flags(parser: Parser) -> None:
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace DIR where it exists")
    parser.add_argument(
        "--layout",
        choices=("contents", "fields"),
        default="contents",
        help='{"id", "contents"}, or the fields under their names',
    )
    parser.add_argument("--shard-size", type=int, default=SHARD_SIZE, help="passages a file")
    parser.add_argument("--compress", action="store_true", help="write .jsonl.gz")


def _add_passages(verbs: argparse._SubParsersAction[Parser]) -> None:
    example = (
        f"{PROG} passages --corpus kilt_knowledgesource.json.gz --output passages --compress\n"
        f"{PROG} passages --corpus ir_datasets:msmarco-passage --output passages"
    )
    parser = _verb(verbs, "passages", "any corpus to Pyserini's JSONL", example)
    _add_corpus_flags(parser)
    _add_output_flags(parser)
    parser.set_defaults(convert=_passages)


def _add_corpus_flags(parser: Parser) -> None:
    parser.add_argument("--corpus", required=True, help="file, folder or ir_datasets:NAME")
    parser.add_argument("--format", choices=corpus.FORMATS, default="auto")
    parser.add_argument("--fields", nargs="+", help="the texts to read, in this order")
    parser.add_argument("--docid-field", help="the key of the id, where it is not id, _id, docid")
    parser.add_argument("--delimiter", default=r"\n", help="between the fields of contents")
    parser.add_argument("--words", type=int, default=100, help="KILT: words a passage")
    parser.add_argument(
        "--by", choices=("words", "paragraph"), default="words", help="KILT: how pages are cut"
    )


def _opened(args: argparse.Namespace) -> corpus.Corpus:
    return corpus.open_corpus(
        args.corpus,
        format=args.format,
        fields=args.fields,
        docid_field=args.docid_field,
        delimiter=args.delimiter.replace(r"\n", "\n").replace(r"\t", "\t"),
        words=args.words,
        by=args.by,
        problems=Problems(args.on_bad_input),
    )


def _passages(args: argparse.Namespace) -> None:
    counts = convert.convert_corpus(
        _opened(args),
        args.output,
        layout=args.layout,
        shard_size=args.shard_size,
        compress=args.compress,
        overwrite=args.overwrite,
    )
    _report(counts, args.output)
    _next_of_passages(args.output, Path(args.output).name)


def _add_topics(verbs: argparse._SubParsersAction[Parser]) -> None:
    example = (
        f"{PROG} topics --topics nq-dev-kilt.jsonl --output nq.tsv --qrels nq.qrels\n"
        f"{PROG} topics --topics nfcorpus --split test --output nfcorpus.tsv --qrels nfcorpus.qrels"
    )
    parser = _verb(verbs, "topics", "topics (and their qrels) of any source to TSV", example)
    parser.add_argument(
        "--topics", required=True, help="file, BEIR folder, KILT task or ir_datasets:NAME"
    )
    parser.add_argument("--format", choices=topics.FORMATS, default="auto")
    parser.add_argument("--split", help="of a BEIR folder: only this split's judged queries")
    parser.add_argument(
        "--output", required=True, help="FILE.tsv (one line a topic) or FILE.jsonl (text kept)"
    )
    parser.add_argument("--qrels", help="write the judgments there, as TREC qrels")
    parser.set_defaults(convert=_topics)


def _topics(args: argparse.Namespace) -> None:
    counts = convert.convert_topics(
        args.topics,
        args.output,
        args.qrels,
        format=args.format,
        split=args.split,
        problems=Problems(args.on_bad_input),
    )
    _report(counts, args.output)
    _next(
        f"python -m hyper_ir.search --index INDEX --topics {args.output} "
        f"--output runs/{Path(args.output).name.partition('.')[0]}.trec"
    )


def _add_qrels(verbs: argparse._SubParsersAction[Parser]) -> None:
    example = f"{PROG} qrels --qrels nfcorpus/qrels/test.tsv --output nfcorpus.qrels"
    parser = _verb(verbs, "qrels", "judgments of any source to TREC qrels", example)
    parser.add_argument(
        "--qrels", required=True, help="file, BEIR folder, KILT task or ir_datasets:NAME"
    )
    parser.add_argument("--split", default="test", help="of a BEIR folder")
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.set_defaults(convert=_qrels)


def _qrels(args: argparse.Namespace) -> None:
    problems = Problems(args.on_bad_input)
    counts = convert.convert_qrels(args.qrels, args.output, split=args.split, problems=problems)
    _report(counts, args.output)
    _next(f"python -m hyper_ir.evaluate --qrels {args.output} --runs RUN")


def _add_beir(verbs: argparse._SubParsersAction[Parser]) -> None:
    example = f"{PROG} beir --folder nfcorpus --output nfcorpus-lucene"
    help = "a whole BEIR folder: passages, and topics and qrels of every split"
    parser = _verb(verbs, "beir", help, example)
    parser.add_argument("--folder", required=True, help="with corpus.jsonl, queries.jsonl, qrels/")
    _add_output_flags(parser)
    parser.set_defaults(convert=_beir)


def _beir(args: argparse.Namespace) -> None:
    counts = convert.convert_beir(
        args.folder,
        args.output,
        layout=args.layout,
        shard_size=args.shard_size,
        compress=args.compress,
        overwrite=args.overwrite,
        problems=Problems(args.on_bad_input),
    )
    _report(counts, args.output)
    _next_of_passages(f"{args.output}/corpus", Path(args.output).name)


def _add_pairs(verbs: argparse._SubParsersAction[Parser]) -> None:
    defaults = PairSettings()
    example = f"{PROG} pairs --corpus kilt_knowledgesource.json.gz --output pairs"
    help = "queries made from a corpus's own passages, to train on without labels"
    parser = _verb(verbs, "pairs", help, example)
    _add_corpus_flags(parser)
    add = parser.add_argument
    add("--output", required=True, metavar="DIR", help="BEIR folder to write")
    add("--overwrite", action="store_true", help="replace DIR where it exists")
    add("--count", type=int, default=defaults.count, help="pairs (default: %(default)s)")
    add("--seed", type=int, default=defaults.seed, help="of all draws (default: %(default)s)")
    add(
        "--spans",
        type=float,
        default=defaults.spans,
        metavar="SHARE",
        help="of queries that are neighbouring words, the others being keywords "
        "(default: %(default)s)",
    )
    add(
        "--span-words",
        type=int,
        nargs=2,
        default=defaults.span_words,
        metavar=("FEWEST", "MOST"),
        help="words of a span, before some are dropped; passages of fewer than MOST words, or of "
        f"{defaults.least_words}, are passed over, for keywords too",
    )
    add(
        "--drop",
        type=float,
        default=defaults.drop,
        metavar="SHARE",
        help="of a span's words that are dropped (default: %(default)s)",
    )
    parser.set_defaults(convert=_pairs)


def _pairs(args: argparse.Namespace) -> None:
    settings = PairSettings(
        count=args.count,
        spans=args.spans,
        span_words=tuple(args.span_words),
        drop=args.drop,
        least_words=max(PairSettings.least_words, *args.span_words),
        seed=args.seed,
    )
    opened = _opened(args)
    count = write_pairs(opened, args.output, settings, args.overwrite)
    if summary := opened.problems.summary():
        print(summary)
    print(f"{counted(count, 'pair')} written to {args.output}")
    _next(
        f"python -m hyper_ir.mine --tasks pairs={args.output} --corpus {args.corpus} "
        "--index INDEX --output pairs.jsonl"
    )


def _report(counts: convert.Counts, output: str) -> None:
    print("\n".join([*counts.lines(), f"written to {output}"]))


def _next_of_passages(folder: str, name: str) -> None:
    _next(f"python -m hyper_ir.index --input {folder} --index indexes/{name}-bm25")
    _next(
        f"python -m hyper_ir.encode input --corpus {folder} "
        f"output --embeddings vectors/{name} encoder --encoder MODEL"
    )


def _next(command: str) -> None:
    print(f"next: {command}")


if __name__ == "__main__":
    run(main, on_bad_input=True)
