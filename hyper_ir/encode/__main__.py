"""``python -m hyper_ir.encode input … output … encoder …``: a corpus to vectors.

The groups and flags are those of ``python -m pyserini.encode``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from hyper_ir.command import Parser, positive, run
from hyper_ir.data.corpus import FORMATS, open_corpus
from hyper_ir.files import require_writable_folder
from hyper_ir.manifest import Manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

GROUPS = ("input", "output", "encoder")

Encode = Callable[..., Manifest]

EXAMPLE = """
python -m hyper_ir.encode \\
  input   --corpus corpus.jsonl.gz --fields title text \\
  output  --embeddings vectors/nfcorpus --resume \\
  encoder --encoder models/splade --fields title text --batch-size 64 --mode fast
python -m hyper_ir.encode --engine ray --ray-address 10.0.0.1:6379 \\
  input   --corpus kilt-passages  output --embeddings /shared/vectors/kilt --resume \\
  encoder --encoder models/splade --mode fast
"""


def help_text() -> str:
    """The help of all three groups, each with its flags."""
    whole = Parser(
        "python -m hyper_ir.encode",
        "Encode a corpus into vectors that Anserini's JsonVectorCollection reads.\n"
        "Flags come in Pyserini's three groups, each after its name: input, output, encoder.",
        EXAMPLE,
        usage="python -m hyper_ir.encode [FLAGS] input [FLAGS] output [FLAGS] encoder [FLAGS]",
    )
    before, _, example = whole.format_help().partition("options:")
    parsers = {"before the groups": _engine_parser(), **_group_parsers()}
    groups = [
        f"{name}:{group.format_help().partition('options:')[2]}" for name, group in parsers.items()
    ]
    return before + "\n".join(groups) + "\nexample:" + example.partition("example:")[2]


def _refuse(message: str) -> NoReturn:
    raise ValueError(f"{message}; python -m hyper_ir.encode --help shows the flags")


def _engine_parser() -> argparse.ArgumentParser:
    """The flags that may stand anywhere, best before the groups."""
    engine = Parser("python -m hyper_ir.encode", "", "", add_help=False)
    engine.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="local: this machine; ray: a Ray cluster, into a folder that its machines share",
    )
    engine.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="HOST:6379 of the cluster's head, auto for the cluster that this machine is in, local "
        "for one on this machine alone (default: the environment's RAY_ADDRESS, else local)",
    )
    engine.add_argument(
        "--ray-shard-size",
        type=positive,
        default=2048,
        metavar="DOCUMENTS",
        help="documents in a file of the output, which a worker that dies loses",
    )
    return engine


def _group_parsers() -> dict[str, argparse.ArgumentParser]:
    from hyper_ir.encode.arguments import add_model_arguments

    source, output, encoder = (
        Parser(f"python -m hyper_ir.encode {name}", "", "", add_help=False) for name in GROUPS
    )
    source.add_argument(
        "--corpus", required=True, help="file, folder of files, BEIR folder, or ir_datasets:NAME"
    )
    source.add_argument("--format", choices=FORMATS, default="auto", help="of the corpus")
    source.add_argument(
        "--fields", nargs="+", help="the corpus's fields, in order (default: its own)"
    )
    source.add_argument("--docid-field", help="the id's key (default: id, _id or docid)")
    source.add_argument("--delimiter", default="\\n", help="between fields inside `contents`")
    source.add_argument("--shard-id", type=int, default=0, help="this shard's number, from 0")
    source.add_argument("--shard-num", type=int, default=1, help="how many shards")
    source.add_argument(
        "--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists"
    )
    output.add_argument("--embeddings", required=True, help="folder for the vectors")
    output.add_argument("--compress", action="store_true", help="gzip the file")
    output.add_argument("--resume", action="store_true", help="take up an interrupted run")
    output.add_argument("--overwrite", action="store_true", help="throw away what is there")
    encoder.add_argument("--fields", nargs="+", help="the fields to encode (default: all)")
    encoder.add_argument(
        "--add-sep", action="store_true", help="the tokenizer's separator between two fields"
    )
    add_model_arguments(encoder)
    encoder.add_argument(
        "--workers", type=positive, help="processes that encode (default: measured; 1: this one)"
    )
    encoder.add_argument(
        "--threads", type=positive, help="of each on a CPU (default: all it may use)"
    )
    encoder.add_argument(
        "--devices", nargs="+", default=(), help="several GPUs: cuda:0 cuda:1; in place of --device"
    )
    return {"input": source, "output": output, "encoder": encoder}


def parse(argv: Sequence[str]) -> dict[str, argparse.Namespace]:
    """Split the arguments at the group names and parse each group, and ``engine``."""
    parsers = _group_parsers()
    parts: dict[str, list[str]] = {}
    current = ""
    engine, rest = _engine_parser().parse_known_args(argv)
    for argument in rest:
        if argument in GROUPS and argument not in parts:
            current = argument
            parts[current] = []
        elif not current:
            _refuse(f"{argument}: give a group first: {', '.join(GROUPS)}")
        else:
            parts[current].append(argument)
    for name in GROUPS:
        if name not in parts:
            _refuse(f"the group `{name}` is missing")
    if engine.ray_address is not None and engine.engine != "ray":
        _refuse("--ray-address is for --engine ray")
    return {name: parsers[name].parse_args(parts[name]) for name in GROUPS} | {"engine": engine}


def _here(encoder: argparse.Namespace) -> Encode:
    """Encode on this machine."""
    from hyper_ir.encode.crews import CrewConfig
    from hyper_ir.encode.documents import encode_corpus

    if encoder.devices:
        if encoder.device != "auto":
            _refuse("--device and --devices exclude each other")
        encoder.device = encoder.devices[0]
    crew = CrewConfig(encoder.workers, encoder.threads, tuple(encoder.devices))
    return partial(encode_corpus, crew=crew)


def _on_ray(engine: argparse.Namespace, encoder: argparse.Namespace) -> Encode:
    """Encode on a Ray cluster; this process needs the model for its vocabulary alone."""
    from hyper_ir.encode.ray_cluster import ClusterConfig, import_ray
    from hyper_ir.encode.ray_engine import encode_corpus_on_ray

    if encoder.devices:
        _refuse("--devices is for --engine local: Ray gives each worker its GPU")
    where = ClusterConfig(
        engine.ray_address,
        encoder.workers,
        encoder.threads,
        encoder.device,
        encoder.mode,
        encoder.fp16,
        engine.ray_shard_size,
    )
    import_ray()
    encoder.device, encoder.mode, encoder.fp16 = "cpu", "exact", False
    return partial(encode_corpus_on_ray, where=where)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, encode, and name the next command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or {"-h", "--help"} & set(arguments):
        print(help_text(), end="")
        return
    groups = parse(arguments)
    source, output, encoder = (groups[name] for name in GROUPS)

    folder = require_writable_folder(output.embeddings, "embeddings")

    from hyper_ir.encode.arguments import dense_notice, engine_of
    from hyper_ir.encode.documents import OutputConfig

    config = OutputConfig(
        encoded_fields=tuple(encoder.fields) if encoder.fields else None,
        add_sep=encoder.add_sep,
        compress=output.compress,
        shard_id=source.shard_id,
        shard_num=source.shard_num,
        resume=output.resume,
        overwrite=output.overwrite,
    )
    encode = (
        _on_ray(groups["engine"], encoder) if groups["engine"].engine == "ray" else _here(encoder)
    )
    problems = Problems(source.on_bad_input)
    corpus = open_corpus(
        source.corpus,
        format=source.format,
        fields=source.fields,
        docid_field=source.docid_field,
        delimiter=source.delimiter.replace("\\n", "\n").replace("\\t", "\t"),
        problems=problems,
    )
    engine = engine_of(encoder, "document")
    if notice := dense_notice(encoder, engine):
        print(f"notice: {notice}", file=sys.stderr)
    manifest = encode(engine, corpus, folder, config)
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    counts = manifest.counts
    terms = counts["terms"] / max(counts["documents"], 1)
    size = f", {terms:.0f} terms each" if engine.sparse else ""
    documents = counted(counts["documents"], "document")
    print(f"{documents}{size}, {counts['empty']:,} empty: {folder}")
    if engine.sparse:
        print(f"next: python -m hyper_ir.index --impact --input {folder} --index indexes/NAME")


if __name__ == "__main__":
    run(main, hint="nothing was written yet; give the same command again", on_bad_input=True)
