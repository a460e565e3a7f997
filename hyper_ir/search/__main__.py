"""``python -m hyper_ir.search``: topics to a TREC run, with Pyserini's flags."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from shlex import quote

from hyper_ir.command import Parser, given, run
from hyper_ir.data.topics import FORMATS
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

BM25_FLAGS = {"k1", "b", "language", "pretokenized"}
MODEL_FLAGS = {"device", "max_length", "top_k", "quantization_factor", "fp16"}
IMPACT_FLAGS = {"encoder", "min_idf", "engine", *MODEL_FLAGS}

EXAMPLE = """
python -m hyper_ir.search --bm25 --index indexes/nfcorpus.bm25 --topics data/nfcorpus \\
  --output runs/nfcorpus.bm25.trec --hits 1000
python -m hyper_ir.search --impact --index indexes/nfcorpus.splade --topics data/nfcorpus \\
  --encoder models/splade --output runs/nfcorpus.splade.trec
python -m hyper_ir.search --impact --index indexes/nfcorpus.splade \\
  --topics runs/topics.splade.tsv --output runs/nfcorpus.splade.trec   # encoded topics
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments, named as ``python -m pyserini.search.lucene`` names them."""
    verb = Parser(
        "python -m hyper_ir.search",
        "Search a Lucene index and write a TREC run: BM25 on texts, impacts on sparse vectors.",
        EXAMPLE,
    )
    add = verb.add_argument
    add("--index", required=True, help="Lucene index; for impacts also a file or folder of vectors")
    add("--topics", required=True, help="TSV, BEIR, KILT or Pyserini topics, or ir_datasets:NAME")
    add("--topics-format", choices=[*FORMATS, "default"], default="auto", help="of text topics")
    add("--output", required=True, help="run to write")
    add("--hits", type=int, default=1000, help="documents for a topic")
    add("--tag", help="the run's name, its last column (default: the output's stem)")
    add("--threads", type=int, default=os.cpu_count() or 1, help="topics searched at a time")
    add("--batch-size", type=int, default=64, help="topics handed to the engine together")
    add("--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bar")

    what = verb.add_mutually_exclusive_group()
    what.add_argument("--bm25", action="store_true", help="BM25 on texts (default)")
    what.add_argument("--impact", action="store_true", help="impacts of sparse vectors")
    add("--k1", type=float, default=0.9, help="BM25's saturation of term frequency")
    add("--b", type=float, default=0.4, help="BM25's length normalisation")
    add("--language", help="of BM25 topics, where the index has no manifest that tells it")
    add("--pretokenized", action="store_true", help="BM25 topics are cut at white space alone")

    impact = verb.add_argument_group("impact search")
    more = impact.add_argument
    more(
        "--encoder",
        help="model (folder or name), or JSONL of cached vectors; without it, topics are encoded",
    )
    more("--device", default="auto", help="where the encoder runs")
    more("--max-length", type=int, help="tokens a topic is cut to (default: the model's)")
    more("--top-k", type=int, help="keep only the heaviest K terms of a topic")
    more("--quantization-factor", type=float, default=100.0, help="of the encoder's weights")
    more("--fp16", action="store_true", help="half precision on a GPU")
    more("--min-idf", type=float, default=0, help="leave out tokens of no higher idf; -1: none")
    more(
        "--engine",
        choices=["auto", "lucene", "exact"],
        default="auto",
        help="exact needs no Java and scores as Lucene does; auto takes it where Java is missing",
    )

    lists = verb.add_argument_group("what is done to a topic's list")
    more = lists.add_argument
    more(
        "--remove-query",
        action="store_true",
        help="drop the document with the topic's own id (ArguAna, Quora); --hits others remain",
    )
    more("--max-passage", action="store_true", help="collapse passages PAGE#N to their pages")
    more("--max-passage-delimiter", default="#", help="between page and number; the last counts")
    more("--max-passage-hits", type=int, default=100, help="pages for a topic")
    more(
        "--fill-pages",
        action="store_true",
        help="look beyond --hits passages until there are --max-passage-hits pages",
    )
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, search, report, and name the next command."""
    verb = parser()
    arguments = verb.parse_args(argv)
    _check_flags(arguments, given(verb, argv))
    from hyper_ir.lucene.indexing import TextAnalysis
    from hyper_ir.search.pipeline import Depth
    from hyper_ir.search.query_encoders import ModelSettings
    from hyper_ir.search.to_run import Job, bm25_run, impact_run

    problems = Problems(arguments.on_bad_input)
    depth = Depth(
        hits=arguments.hits,
        without_query=arguments.remove_query,
        pages=arguments.max_passage_hits if arguments.max_passage else None,
        delimiter=arguments.max_passage_delimiter,
        fill_pages=arguments.fill_pages,
    )
    topics_format = arguments.topics_format
    job = Job(
        index=arguments.index,
        topics=arguments.topics,
        output=arguments.output,
        depth=depth,
        topics_format="auto" if topics_format == "default" else topics_format,
        tag=arguments.tag,
        batch_size=arguments.batch_size,
        threads=arguments.threads,
    )
    if arguments.impact:
        report = impact_run(
            job,
            encoder=arguments.encoder,
            settings=ModelSettings(
                arguments.device,
                arguments.max_length,
                arguments.top_k,
                arguments.quantization_factor,
                arguments.fp16,
            ),
            engine=arguments.engine,
            min_idf=arguments.min_idf,
            problems=problems,
            progress=not arguments.quiet,
        )
    else:
        analysis = None
        if arguments.language or arguments.pretokenized:
            analysis = TextAnalysis(arguments.language or "en", pretokenized=arguments.pretokenized)
        report = bm25_run(
            job,
            k1=arguments.k1,
            b=arguments.b,
            analysis=analysis,
            problems=problems,
            progress=not arguments.quiet,
        )
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    for line in report.lines(depth, arguments.batch_size, arguments.threads):
        print(line, file=sys.stderr)
    topics, hits = counted(report.topics, "topic"), counted(report.hits, "hit")
    print(f"{topics}, {hits}: {arguments.output}")
    print(f"next: python -m hyper_ir.evaluate --qrels QRELS --runs {quote(arguments.output)}")


def _check_flags(arguments: argparse.Namespace, flags: set[str]) -> None:
    """Raise ValueError for a flag on the command line that would do nothing."""
    if not arguments.impact:
        _refuse(flags & IMPACT_FLAGS, "--impact; BM25 searches the texts of the topics, by Lucene")
        return
    _refuse(flags & BM25_FLAGS, "--bm25")
    if arguments.encoder is None:
        _refuse(flags & MODEL_FLAGS, "--encoder MODEL; without one the topics are encoded already")
    elif os.path.isfile(arguments.encoder):
        _refuse(flags & MODEL_FLAGS, f"a model; the vectors of {arguments.encoder} are as they are")


def _refuse(flags: set[str], what: str) -> None:
    if flags:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in sorted(flags))
        raise ValueError(f"{names} {'is' if len(flags) == 1 else 'are'} for {what}")


if __name__ == "__main__":
    run(main, on_bad_input=True)
