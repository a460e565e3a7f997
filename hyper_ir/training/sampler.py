"""Mixed-task batches: the same for any number of workers and ranks, resumable at any of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from hyper_ir.training.mixing import Integers, TaskMixture


class MixedTaskSampler(Sampler[list[int]]):
    """Yields this rank's share of one global batch after the other, up to the epoch's end.

    Take it as a DataLoader's ``batch_sampler``. A global batch is drawn across all tasks (see
    :class:`~hyper_ir.training.mixing.TaskMixture`) and each rank takes an equal slice of it, in
    rank order. An epoch is the least number of whole batches that draws as many examples as the
    tasks count together; with temperature 1 it holds every example once, and what fills up its
    last batch is the beginning of the next pass. Going on to the next epoch needs no call: each
    ``iter()`` continues where the one before stopped, so one may be under way at a time.

    With ``token_budget``, a batch takes the next examples in groups of ``multiple`` as long as
    its padded size (examples × longest) fits the budget, and at most ``batch_size`` examples.
    The mean over a batch then weighs examples of small batches more.

    Parameters
    ----------
    tasks: each example's task.
    batch_size: examples in a global batch.
    temperature, caps, seed: see :class:`~hyper_ir.training.mixing.TaskMixture`.
    token_budget: tokens in a global batch, padding counted; None for batches of equal size.
    lengths: each example's tokens, needed with ``token_budget``.
    multiple: batches of a token budget hold a multiple of so many examples; it must suit every
        number of ranks that a run may be continued with.
    rank, ranks: which share of the batch is wanted.

    Raises
    ------
    ValueError
        When sizes do not fit each other or an example is longer than the budget allows.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        batch_size: int,
        temperature: float = 1.0,
        caps: Mapping[str, int] | int | None = None,
        seed: int = 0,
        token_budget: int | None = None,
        lengths: Sequence[int] | None = None,
        multiple: int = 1,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.group = batch_size if token_budget is None else multiple
        self.lengths = None if lengths is None else np.asarray(lengths, dtype=np.int64)
        _check(len(tasks), batch_size, self.group, token_budget, self.lengths, rank, ranks)
        names, numbers = np.unique(np.asarray(tasks, dtype=object), return_inverse=True)
        members = {str(name): np.flatnonzero(numbers == i) for i, name in enumerate(names)}
        self.mixture = TaskMixture(members, temperature, caps, seed)
        self.batch_size = batch_size
        self.token_budget = token_budget
        self.rank, self.ranks = rank, ranks
        self._settings = self._fingerprint()
        self._epoch = 0
        self._batch = 0
        self._planned: tuple[int, Integers, Integers] | None = None
        self._batches_of_epoch: dict[int, int] = {}

    @property
    def draws(self) -> int:
        """Examples drawn in an epoch, by all ranks."""
        return -(-self.mixture.size // self.group) * self.group

    @property
    def epoch(self) -> int:
        """The epoch under way, from 0."""
        return self._epoch

    def __len__(self) -> int:
        """Batches of the epoch under way, from its beginning."""
        return self.batches_of(self._epoch)

    def batches_of(self, epoch: int) -> int:
        """How many batches an epoch has."""
        if self.token_budget is None:
            return self.draws // self.batch_size
        if epoch not in self._batches_of_epoch:
            self._batches_of_epoch[epoch] = len(self._plan(epoch)[1]) - 1
        return self._batches_of_epoch[epoch]

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self._epoch
        for number in range(self._batch, len(self)):
            batch = self.global_batch(epoch, number)
            # Moved on before the batch is handed out: the state names the next one.
            self._batch = number + 1
            if self._batch == len(self):
                self._epoch, self._batch = epoch + 1, 0
            share = len(batch) // self.ranks
            yield batch[self.rank * share : (self.rank + 1) * share]
            if self._epoch != epoch:
                return

    def global_batch(self, epoch: int, number: int) -> list[int]:
        """All ranks' examples of a batch of an epoch, both counted from 0."""
        if not 0 <= number < self.batches_of(epoch):
            raise ValueError(
                f"epoch {epoch} has {self.batches_of(epoch):,} batches, not {number:,}"
            )
        drawn, bounds = self._plan(epoch)
        batch: list[int] = drawn[bounds[number] : bounds[number + 1]].tolist()
        return batch

    def set_epoch(self, epoch: int) -> None:
        """Go to the beginning of an epoch; without effect where that epoch is under way."""
        if epoch != self._epoch:
            self._epoch, self._batch = epoch, 0

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """Where to go on, in a few bytes: behind the last batch yielded.

        A DataLoader with workers asks for batches ahead of the training. Then give the number of
        global ``batches`` that were trained on since the beginning of epoch 0.
        """
        epoch, batch = self._epoch, self._batch
        if batches is not None:
            epoch, batch = 0, batches
            while batch >= self.batches_of(epoch):
                batch -= self.batches_of(epoch)
                epoch += 1
        return {"epoch": epoch, "batch": batch, "settings": self._settings}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken, with any number of ranks.

        Raises ValueError when the examples or the settings are not those of the state.
        """
        if state["settings"] != self._settings:
            raise ValueError(
                "the sampler's state is of other examples, or of another batch size, temperature, "
                "caps, seed or token budget: the run can only be continued with its own"
            )
        self._epoch, self._batch = int(state["epoch"]), int(state["batch"])

    def _plan(self, epoch: int) -> tuple[Integers, Integers]:
        """An epoch's draws, and where in them each batch begins and the last one ends."""
        if self._planned is None or self._planned[0] != epoch:
            drawn = self.mixture.epoch(self.draws, epoch)
            self._planned = (epoch, drawn, self._bounds(drawn))
        return self._planned[1:]

    def _bounds(self, drawn: Integers) -> Integers:
        if self.token_budget is None or self.lengths is None:
            return np.arange(0, len(drawn) + 1, self.group)
        bounds, longest = [0], 0
        longest_of_group = self.lengths[drawn].reshape(-1, self.group).max(1)
        for start, length in zip(
            range(0, len(drawn), self.group), longest_of_group.tolist(), strict=True
        ):
            longest = max(longest, length)
            count = start + self.group - bounds[-1]
            if count > self.batch_size or count * longest > self.token_budget:
                bounds.append(start)
                longest = length
        return np.array([*bounds, len(drawn)], dtype=np.int64)

    def _fingerprint(self) -> str:
        """A hash of all that the sequence of batches follows from."""
        mixture = self.mixture
        digest = hashlib.blake2b(digest_size=16)
        for task, own in mixture.members.items():
            digest.update(f"{task} {mixture.counts[task]} {mixture.shares[task]!r} ".encode())
            digest.update(own.tobytes())
        if self.token_budget is not None and self.lengths is not None:
            digest.update(self.lengths.tobytes())
        settings = (mixture.seed, self.batch_size, self.group, self.token_budget)
        digest.update(repr(settings).encode())
        return digest.hexdigest()


def _check(
    examples: int,
    batch_size: int,
    group: int,
    token_budget: int | None,
    lengths: Integers | None,
    rank: int,
    ranks: int,
) -> None:
    if batch_size < 1 or group < 1 or batch_size % group:
        raise ValueError(f"batch_size {batch_size} must be a multiple of {group}, from 1 on")
    if not 0 <= rank < ranks:
        raise ValueError(f"rank {rank} is not one of {ranks}")
    if group % ranks:
        name = "batch_size" if token_budget is None else "multiple"
        raise ValueError(f"{name} {group} cannot be shared equally by {ranks} ranks")
    if token_budget is None:
        return
    if lengths is None or len(lengths) != examples:
        given = "none" if lengths is None else f"{len(lengths):,}"
        raise ValueError(f"a token budget needs the lengths of {examples:,} examples, not {given}")
    longest = int(lengths.argmax())
    if group * int(lengths[longest]) > token_budget:
        raise ValueError(
            f"token_budget {token_budget:,} holds no {group} examples as long as example "
            f"{longest:,} ({lengths[longest]:,} tokens)"
        )
