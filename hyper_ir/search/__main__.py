"""``python -m hyper_ir.search``: topics to a TREC run, with Pyserini's flags."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from shlex import quote

from hyper_ir.command import Parser, given, run
from hyper_ir.data.topics import FORMATS
from hyper_ir.files import write_json
from hyper_ir.problems import Problems
from hyper_ir.search.flag_checks import check_flags
from hyper_ir.search.latency import PASSES, QUERIES
from hyper_ir.search.measuring import MEASURE, Pruning
from hyper_ir.search.model_flags import add_model_flags, model_settings
from hyper_ir.search.report import Report, print_latency
from hyper_ir.wording import counted

EXAMPLE = """
python -m hyper_ir.search --bm25 --index indexes/nfcorpus.bm25 --topics data/nfcorpus \\
  --output runs/nfcorpus.bm25.trec --hits 1000
python -m hyper_ir.search --impact --index indexes/nfcorpus.splade --topics data/nfcorpus \\
  --encoder models/splade --output runs/nfcorpus.splade.trec
python -m hyper_ir.search --impact --index indexes/nfcorpus.splade \\
  --topics runs/topics.splade.tsv --output runs/nfcorpus.splade.trec   # encoded topics
python -m hyper_ir.search --impact --index machine-1/splade machine-2/splade \\
  --topics data/nfcorpus --encoder models/splade --output runs/nfcorpus.splade.trec
python -m hyper_ir.search --impact --index indexes/nfcorpus.splade --topics data/nfcorpus \\
  --encoder models/splade --output runs/nfcorpus.fast.trec \\
  --latency-budget 20 --qrels qrels/nfcorpus.qrels --latency 1 2 4 --report runs/fast.json
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments, named as ``python -m pyserini.search.lucene`` names them."""
    verb = Parser(
        "python -m hyper_ir.search",
        "Search a Lucene index and write a TREC run: BM25 on texts, impacts on sparse vectors.",
        EXAMPLE,
    )
    add = verb.add_argument
    add(
        "--index",
        required=True,
        nargs="+",
        help="Lucene index, folder of shards, or several, searched as one; for impacts also a file "
        "or folder of vectors; with --engine milvus a collection",
    )
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
    add_model_flags(more, "the encoder's")
    more("--min-idf", type=float, default=0, help="leave out tokens of no higher idf; -1: none")
    more(
        "--idf-power",
        type=float,
        default=0,
        metavar="P",
        help="multiply a topic's weights by the index's idf to the power of P: 0.5 for collections "
        "unlike those that the model was trained on (default: 0, weights as they are)",
    )
    more(
        "--engine",
        choices=["auto", "lucene", "exact", "milvus"],
        default="auto",
        help="exact needs no Java and scores as Lucene does; auto takes it where Java is missing; "
        "milvus searches what python -m hyper_ir.export put there",
    )
    more("--uri", help="of Milvus: a file ending in .db, or http://HOST:PORT; MILVUS_TOKEN logs in")

    pruning = verb.add_argument_group("fewer terms in a topic (impact search)")
    more = pruning.add_argument
    more(
        "--query-terms",
        type=int,
        metavar="K",
        help="keep the K heaviest terms of a topic, whether a model encodes it, a file, or it is "
        "encoded already; equal weights by token",
    )
    more("--top-k", type=int, metavar="K", help="the same, by the name that encoders give it")
    more(
        "--latency-budget",
        type=float,
        metavar="MS",
        help="keep as many terms as let 95 %% of topics be answered within MS milliseconds each, "
        "one at a time, encoded and searched; measured on --sample topics first",
    )
    more("--qrels", help="score what pruning costs, on --sample topics, by these judgments")
    more("--measure", default=MEASURE, help="to score it by; KILTRprec for KILT's pages")

    timing = verb.add_argument_group("how long it takes")
    more = timing.add_argument
    more(
        "--latency",
        type=int,
        nargs="*",
        metavar="THREADS",
        help="after the run, time topics one at a time, encoded, then searched: p50, p95 and "
        "queries/s with so many threads, each with a topic of its own (default: 1, 2, 4, … up to "
        f"--threads); the median of {PASSES} passes over at least {QUERIES} queries, after one "
        "to warm up",
    )
    more("--sample", type=int, default=QUERIES, help="topics that are timed, at even distances")
    more("--report", metavar="FILE.json", help="all figures of the closing report, for machines")

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
    check_flags(arguments, given(verb, argv))
    problems = Problems(arguments.on_bad_input)
    report = _search(arguments, problems)
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    if report.latency:
        print_latency(report.latency)
    for line in report.lines():
        print(line, file=sys.stderr)
    if arguments.report is not None:
        named = {
            "run": arguments.output,
            "index": _one_or_all(arguments.index),
            "topics_source": arguments.topics,
        }
        write_json(arguments.report, report.as_json() | named | {"encoder": arguments.encoder})
    topics, hits = counted(report.topics, "topic"), counted(report.hits, "hit")
    print(f"{topics}, {hits}: {arguments.output}")
    qrels = quote(arguments.qrels or "QRELS")
    print(f"next: python -m hyper_ir.evaluate --qrels {qrels} --runs {quote(arguments.output)}")


def _search(arguments: argparse.Namespace, problems: Problems) -> Report:
    from hyper_ir.lucene.indexing import TextAnalysis
    from hyper_ir.search.pipeline import Depth
    from hyper_ir.search.to_run import Job, bm25_run, impact_run

    depth = Depth(
        hits=arguments.hits,
        without_query=arguments.remove_query,
        pages=arguments.max_passage_hits if arguments.max_passage else None,
        delimiter=arguments.max_passage_delimiter,
        fill_pages=arguments.fill_pages,
    )
    topics_format = arguments.topics_format
    job = Job(
        index=_one_or_all(arguments.index),
        topics=arguments.topics,
        output=arguments.output,
        depth=depth,
        topics_format="auto" if topics_format == "default" else topics_format,
        tag=arguments.tag,
        batch_size=arguments.batch_size,
        threads=arguments.threads,
        uri=arguments.uri,
    )
    progress = not arguments.quiet
    latency = latency_threads(arguments.latency, arguments.threads)
    if arguments.impact:
        return impact_run(
            job,
            encoder=arguments.encoder,
            settings=model_settings(arguments),
            engine=arguments.engine,
            min_idf=arguments.min_idf,
            idf_power=arguments.idf_power,
            pruning=Pruning(
                terms=_either(arguments.query_terms, arguments.top_k),
                budget=arguments.latency_budget,
                qrels=arguments.qrels,
                measure=arguments.measure,
                sample=arguments.sample,
            ),
            latency=latency,
            problems=problems,
            progress=progress,
        )
    analysis = None
    if arguments.language or arguments.pretokenized:
        analysis = TextAnalysis(arguments.language or "en", pretokenized=arguments.pretokenized)
    return bm25_run(
        job,
        k1=arguments.k1,
        b=arguments.b,
        analysis=analysis,
        latency=latency,
        sample=arguments.sample,
        problems=problems,
        progress=progress,
    )


def latency_threads(asked: Sequence[int] | None, most: int) -> list[int]:
    """The numbers of threads to measure, each once: those asked for, or 1, 2, 4, … and ``most``.

    None asks for nothing, an empty list for the latter. Raises ValueError for fewer than 1.
    """
    if asked is None:
        return []
    if any(number < 1 for number in asked):
        raise ValueError(f"latency: at least 1 thread is needed, not {min(asked)}")
    powers = [2**power for power in range(most.bit_length()) if 2**power < most]
    return list(dict.fromkeys(asked or [*powers, most]))


def _one_or_all(index: list[str]) -> str | list[str]:
    return index[0] if len(index) == 1 else index


def _either(query_terms: int | None, top_k: int | None) -> int | None:
    return top_k if query_terms is None else query_terms


if __name__ == "__main__":
    run(main, on_bad_input=True)
