"""A collection in Milvus: its fields, what it says of itself, and how tokens become numbers.

A row is a document: ``id``, ``place`` (its place among the vectors, from 0), ``vector``. Milvus
numbers the components of a sparse vector: a token's number is its place among the sorted tokens.
These tokens, their document frequencies and the manifest stand in the same collection, in rows of
negative places whose vectors no query meets; so a collection is searched from any machine, and
refused where it is another model's.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from hyper_ir.manifest import Manifest

FIELD = "vector"
FORMAT = 1

# Milvus' own limits.
LONGEST_ID = 65_535
LONGEST_NOTE = 65_535
MOST_HITS = 16_384

TOKEN_VARIABLE = "MILVUS_TOKEN"

# The embedded Milvus hangs up on a client that has been pinging it for half a minute between calls.
_QUIET = {"grpc.keepalive_time_ms": 2**31 - 1, "grpc.keepalive_permit_without_calls": False}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")


@dataclass(frozen=True, slots=True)
class Header:
    """What a collection says of itself.

    Attributes
    ----------
    documents: in it.
    tokens: in how many documents each token occurs, by token; sorted.
    digest: SHA-256 over the documents.
    manifest: of the vectors.
    """

    documents: int
    tokens: Mapping[str, int]
    digest: str
    manifest: Manifest

    def rows(self) -> list[dict[str, Any]]:
        """The rows that hold it; the first tells how many there are."""
        texts = list(_pieces(self.tokens))
        first = {
            "format": FORMAT,
            "documents": self.documents,
            "digest": self.digest,
            "pieces": len(texts),
            "manifest": asdict(self.manifest),
        }
        reserved = {len(self.tokens): 1.0}
        return [
            {"id": f"hyper_ir {number}", "place": -1 - number, "note": text, FIELD: reserved}
            for number, text in enumerate([_json(first), *texts])
        ]


def _pieces(tokens: Mapping[str, int]) -> Iterator[str]:
    """JSON lists of ``[token, documents]``, each short enough for a note."""
    piece: list[str] = []
    size = 2
    for item in tokens.items():
        text = _json(item)
        length = len(text.encode("utf-8", "surrogatepass")) + 1
        if piece and size + length > LONGEST_NOTE:
            yield f"[{','.join(piece)}]"
            piece, size = [], 2
        piece.append(text)
        size += length
    yield f"[{','.join(piece)}]"


def check_name(name: str) -> str:
    """The name of a collection; ValueError for one that Milvus refuses."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"collection: {name!r} is no name for one: letters, digits and underscores, the first "
            "no digit, at most 200"
        )
    return name


@contextmanager
def connected(uri: str | None) -> Iterator[Any]:
    """A client of the Milvus at ``uri``: a file ending in ``.db`` (embedded), or ``http://…``.

    Raises ValueError where the packages are missing, where nobody answers, and for whatever Milvus
    complains of inside the block.
    """
    client = _client(uri)
    try:
        with milvus_errors(uri):
            yield client
    finally:
        client.close()


@contextmanager
def milvus_errors(uri: str | None) -> Iterator[None]:
    """Turn Milvus' exceptions into ValueError with their first line."""
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        text = str(getattr(error, "message", "") or error)
        raise ValueError(f"Milvus at {uri}: {text.splitlines()[0]}") from error


def _client(uri: str | None) -> Any:
    if not uri:
        raise ValueError("uri: where is Milvus? milvus.db (embedded), or http://HOST:PORT")
    embedded = uri.endswith(".db")
    if not embedded and "://" not in uri:
        raise ValueError(f"uri: {uri!r} is neither a file ending in .db nor http://HOST:PORT")
    try:
        import pymilvus

        if embedded:
            import milvus_lite  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"Milvus' client is not installed ({error.name}); pip install 'hyper_ir[milvus]'"
        ) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs what it raises
    with milvus_errors(uri):
        options = {"grpc_options": _QUIET} if embedded else {}
        return pymilvus.MilvusClient(uri, token=os.environ.get(TOKEN_VARIABLE, ""), **options)


def create(client: Any, name: str) -> None:
    """Make an empty collection; its index computes inner products exactly."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=LONGEST_ID)
    schema.add_field("place", DataType.INT64)
    schema.add_field("note", DataType.VARCHAR, max_length=LONGEST_NOTE)
    schema.add_field(FIELD, DataType.SPARSE_FLOAT_VECTOR)
    index = client.prepare_index_params()
    index.add_index(field_name=FIELD, index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    client.create_collection(name, schema=schema, index_params=index, consistency_level="Strong")


def read_header(client: Any, name: str) -> Header:
    """What a collection says of itself; ValueError where this project did not make it."""
    if not client.has_collection(name):
        raise ValueError(
            f"collection: there is no {name}; python -m hyper_ir.export --to milvus makes one"
        )
    client.load_collection(name)
    try:
        first = json.loads(_note(client, name, -1, -1)[0])
        if first["format"] != FORMAT:
            raise ValueError(f"format {first['format']!r}, this version reads {FORMAT}")
        pieces = _note(client, name, -1 - first["pieces"], -2) if first["pieces"] else []
        if len(pieces) != first["pieces"]:
            raise ValueError("tokens are missing")
        tokens = dict(item for piece in pieces for item in json.loads(piece))
        manifest = Manifest(**first["manifest"])
        return Header(int(first["documents"]), tokens, first["digest"], manifest)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError(
            f"collection: {name} was not made by hyper_ir.export, or is damaged ({error})"
        ) from error


def manifest_of(name: str, uri: str | None) -> Manifest:
    """The manifest of a collection; ValueError where there is none."""
    with connected(uri) as client:
        return read_header(client, check_name(name)).manifest


def count(client: Any, name: str, first: int, after: int) -> int:
    """How many rows have a place from ``first`` on, before ``after``."""
    found = client.query(
        name, filter=f"place >= {first} and place < {after}", output_fields=["count(*)"]
    )
    return int(found[0]["count(*)"])


def numbered(vector: Mapping[str, float], numbers: Mapping[str, int]) -> dict[int, float]:
    """A vector as Milvus takes it; tokens without a number are left out."""
    return {numbers[token]: float(weight) for token, weight in vector.items() if token in numbers}


def _note(client: Any, name: str, lowest: int, highest: int) -> Sequence[str]:
    """The notes of rows of negative places, from the highest place down."""
    notes: list[str] = []
    for top in range(highest, lowest - 1, -100):
        bottom = max(lowest, top - 99)
        rows = client.query(
            name,
            filter=f"place >= {bottom} and place <= {top}",
            output_fields=["place", "note"],
            limit=100,
        )
        notes += [row["note"] for row in sorted(rows, key=lambda row: -row["place"])]
    return notes


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
