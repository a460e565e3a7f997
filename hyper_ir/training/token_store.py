"""Token ids of passages on disk, memory-mapped, read by passage id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from hyper_ir.data.checks import shortened
from hyper_ir.data.corpus import Corpus
from hyper_ir.data.records import Passage
from hyper_ir.encode.engine import join_fields, tokenised
from hyper_ir.files import atomic_directory
from hyper_ir.training.array_file import ArrayFile, mapped
from hyper_ir.training.id_table import IdTable, IdTableWriter
from hyper_ir.training.made_folder import is_made, write_settings
from hyper_ir.training.mapped_store import MappedStore

KIND = "tokens"

TOKENS = "tokens.npy"
STARTS = "starts.npy"
LENGTHS = "lengths.npy"

WINDOW = 1024
"""Passages tokenised at once."""


class TokenStore(MappedStore):
    """The token ids of passages, as encoding sees them: special tokens in, cut at a length."""

    kind, record, records = KIND, "passage", "passages"

    def _opened(self, folder: Path, made_of: dict[str, Any]) -> bool:
        self.max_length = int(made_of["max_length"])
        self._tokens = mapped(folder / TOKENS)
        self._starts = mapped(folder / STARTS)
        self._lengths = mapped(folder / LENGTHS)
        sizes = {len(self._starts) - 1, len(self._lengths)}
        return sizes == {len(self)} and bool(self._starts[-1] == len(self._tokens))

    @classmethod
    def build(
        cls,
        folder: Path,
        corpus: Corpus,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        wanted: Collection[str] | None = None,
        add_sep: bool = False,
        progress: bool = True,
    ) -> TokenStore:
        """Tokenise a corpus into ``folder``, or open what is there of the same; atomic.

        The corpus is read once, in bounded memory. In a run of several processes one of them
        builds the store before the others open it.

        Parameters
        ----------
        max_length: passages are cut after so many tokens, special tokens counted.
        wanted: ids of the passages to keep; None keeps all.
        add_sep: put the tokenizer's separator between two fields, instead of a space.

        Raises
        ------
        ValueError
            When the corpus lacks passages that are wanted, or has bad records that it does not
            skip; when ``folder`` is something else.
        """
        if max_length < 3:
            raise ValueError(f"max length: {max_length} leaves no room for a word")
        if wanted is not None:
            wanted = frozenset(wanted)
        made_of = {
            "corpus": corpus.describe(),
            "tokenizer": tokenizer_hash(tokenizer),
            "max_length": max_length,
            "add_sep": add_sep,
            "wanted": None if wanted is None else _hash_of_ids(wanted),
        }
        if not is_made(folder, KIND, made_of):
            passages = tqdm(
                corpus,
                desc="tokenising",
                unit="doc",
                total=corpus.size_hint(),
                disable=not progress,
            )
            kept = (each for each in passages if wanted is None or each.id in wanted)

            def tokens_of(window: list[Passage]) -> list[list[int]]:
                texts = [join_fields(list(each.fields.values()), add_sep) for each in window]
                return tokenised(tokenizer, texts, max_length)

            with atomic_directory(folder, replace=True) as partial:
                counts = _write(partial, kept, tokens_of, _dtype(tokenizer))
                if wanted is not None:
                    _check_all_found(IdTable(partial), wanted, corpus.source)
                write_settings(partial, KIND, made_of, counts)
        return cls(folder)

    def tokens(self, id: str) -> list[int]:
        """The token ids of a passage; ValueError for an unknown id."""
        place = self._ids.place(id)
        tokens: list[int] = self._tokens[self._starts[place] : self._starts[place + 1]].tolist()
        return tokens

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many tokens each passage has, by place: ``(n,)``, int32, read-only."""
        return self._lengths


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """SHA-256 over all that turns a text into token ids, but for the length at which it is cut."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    # These two are left behind by the last call, whatever it was.
    state["truncation"] = state["padding"] = None
    state["truncation_side"] = tokenizer.truncation_side
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _hash_of_ids(ids: Collection[str]) -> str:
    digest = hashlib.sha256()
    for id in sorted(ids):
        digest.update(json.dumps(id).encode() + b"\n")
    return digest.hexdigest()


def _dtype(tokenizer: PreTrainedTokenizerBase) -> type[np.uint16] | type[np.int32]:
    largest = max(tokenizer.get_vocab().values())
    return np.uint16 if largest <= np.iinfo(np.uint16).max else np.int32


def _write(
    folder: Path,
    passages: Iterator[Passage],
    tokens_of: Callable[[list[Passage]], list[list[int]]],
    dtype: type[np.uint16] | type[np.int32],
) -> dict[str, int]:
    with (
        IdTableWriter(folder) as ids,
        ArrayFile(folder / TOKENS, dtype) as tokens,
        ArrayFile(folder / STARTS, np.int64) as starts,
        ArrayFile(folder / LENGTHS, np.int32) as lengths,
    ):
        starts.append([0])
        while window := list(islice(passages, WINDOW)):
            rows = tokens_of(window)
            sizes = np.array([len(row) for row in rows], dtype=np.int64)
            starts.append(tokens.length + np.cumsum(sizes))
            lengths.append(sizes)
            tokens.append(np.fromiter(chain.from_iterable(rows), dtype, int(sizes.sum())))
            ids.extend([each.id for each in window])
        return {"passages": lengths.length, "tokens": tokens.length}


def _check_all_found(found: IdTable, wanted: Collection[str], source: str) -> None:
    if len(found) == len(wanted):
        return
    missing = sorted(id for id in wanted if id not in found)
    some = ", ".join(shortened(id) for id in missing[:3])
    raise ValueError(
        f"{source}: it lacks {len(missing):,} of the {len(wanted):,} passages that are wanted: "
        f"{some}{', …' if len(missing) > 3 else ''}"
    )
