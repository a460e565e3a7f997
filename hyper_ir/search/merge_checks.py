"""Whether runs are parts of one: what their manifests say, before a list is merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.search.pipeline import Depth
from hyper_ir.search.run_blocks import Survey
from hyper_ir.wording import counted

Known = tuple[Path, Manifest]


def merged_manifest(
    runs: Sequence[Path], depth: Depth, partial: bool
) -> tuple[Manifest, list[str]]:
    """What the merged run is, and what a user should know of it; without its counts.

    Raises ValueError for runs of BM25, of different models, vocabularies, quantisers or settings,
    for lists that are too short or were collapsed or cut already, for a shard that two runs
    searched, and for one that none did, unless ``partial``.
    """
    manifests = [read_manifest(path) for path in runs]
    known = [(run, each) for run, each in zip(runs, manifests, strict=True) if each is not None]
    for run, manifest in known:
        _require_mergeable(run, manifest, depth)
    _require_alike(known)
    notes = [
        f"{run} has no manifest: whether it is of the same model and how deep is not known"
        for run, each in zip(runs, manifests, strict=True)
        if each is None
    ]
    if not known:
        return Manifest("run"), notes
    shards, told = _shards(known, partial)
    first = known[0][1]
    settings = {name: first.config[name] for name in _SETTINGS if name in first.config}
    manifest = Manifest(
        "run",
        model=first.model,
        vocabulary=first.vocabulary,
        quantiser=first.quantiser,
        config=settings | shards,
        inputs={"topics": first.inputs.get("topics", "")},
        counts={"topics": first.counts["topics"]} if "topics" in first.counts else {},
    )
    return manifest, notes + told


def check_counts(survey: Survey) -> None:
    """Raise ValueError where a run has not the lines and topics that its manifest says."""
    manifest = read_manifest(survey.path)
    if manifest is None:
        return
    said = manifest.counts
    topics = said.get("topics", survey.topics + said.get("empty", 0)) - said.get("empty", 0)
    if said.get("hits", survey.lines) != survey.lines or topics != survey.topics:
        raise ValueError(
            f"{survey.path} holds {counted(survey.topics, 'topic')} and "
            f"{counted(survey.lines, 'hit')}, but its manifest says {topics:,} and "
            f"{said.get('hits', survey.lines):,}: it was damaged or changed; search again"
        )


_SETTINGS = ("min_idf", "idf_power", "query_terms")


def _require_mergeable(run: Path, manifest: Manifest, depth: Depth) -> None:
    if manifest.kind != "run":
        raise ValueError(f"{run} is of kind {manifest.kind!r}, not a run")
    if "k1" in manifest.config:
        raise ValueError(
            f"{run} is of BM25, whose scores depend on the statistics of what was searched: runs "
            "of parts cannot be merged exactly; search the parts together (python -m "
            "hyper_ir.search --bm25 --index A B C)"
        )
    done = manifest.config.get("depth", {})
    for name, flag in (("pages", "--max-passage"), ("without_query", "--remove-query")):
        if done.get(name):
            raise ValueError(
                f"{run} was made with {flag}, which comes after merging: search without it, and "
                f"give {flag} to hyper_ir.merge"
            )
    needed = depth.hits + depth.without_query
    if done.get("hits", needed) < needed:
        raise ValueError(
            f"{run} holds the best {done['hits']:,} of its part, and {needed:,} of all need as "
            f"many of each; search with --hits {needed}, or merge fewer (--k)"
        )


def _require_alike(known: Sequence[Known]) -> None:
    for run, manifest in known[1:]:
        first, other = known[0]
        mine, theirs = _traits(manifest), _traits(other)
        differing = [name for name, trait in mine.items() if trait != theirs[name]]
        if differing:
            raise ValueError(
                f"{run} is of another {' and '.join(differing)} than {first}; runs of one search "
                "over parts of one collection can be merged"
            )


def _traits(manifest: Manifest) -> dict[str, object]:
    return {
        "model": manifest.model.get("sha256", manifest.model),
        "vocabulary": manifest.vocabulary,
        "quantiser": manifest.quantiser,
        "--min-idf": manifest.config.get("min_idf"),
        "--idf-power": manifest.config.get("idf_power", 0),
        "--query-terms": manifest.config.get("query_terms"),
        "number of topics": manifest.counts.get("topics"),
    }


def _shards(known: Sequence[Known], partial: bool) -> tuple[dict[str, Any], list[str]]:
    """The shards of all runs as a manifest's ``config`` has them, and notes."""
    recorded = [(run, manifest.config.get("shards")) for run, manifest in known]
    if not any(shards for _, shards in recorded):
        for run, manifest in known:
            if manifest.config.get("idf_power"):
                raise ValueError(f"{run} was made with --idf-power: {_OWN_WEIGHTS}")
        return {}, [] if _keeps_all_tokens(known) else [_OWN_STATISTICS]
    first = next(shards for _, shards in recorded if shards)
    searched: dict[int, Path] = {}
    for run, shards in recorded:
        if not shards or shards["collection"] != first["collection"]:
            raise ValueError(f"{run} is not of the collection whose shards the other runs searched")
        for number in shards["numbers"]:
            if number in searched:
                raise ValueError(f"{run} and {searched[number]} both searched shard {number}")
            searched[number] = run
    missing = sorted(set(range(first["of"])) - set(searched))
    if missing and not partial:
        raise ValueError(
            f"no run searched shard {missing[0]} of {first['of']} (numbered from 0); --partial "
            "merges the others"
        )
    return {"shards": first | {"numbers": sorted(searched)}}, []


def _keeps_all_tokens(known: Sequence[Known]) -> bool:
    return all(manifest.config.get("min_idf", 0) < 0 for _, manifest in known)


_OWN_WEIGHTS = (
    "each part weighted its topics by its own frequencies; shards of hyper_ir.index --shards share "
    "the whole collection's"
)

_OWN_STATISTICS = (
    "these runs are not of shards (hyper_ir.index --shards), so that each left out the tokens that "
    "all documents of its own part have; --min-idf -1 in each search leaves out none"
)
