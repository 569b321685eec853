"""Rehearsal: updates of a model that nobody will use, to learn what they cost in time and memory."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from nmtk.data.batches import Batch
from nmtk.model.transformer import Transformer
from nmtk.training.distributed import Ranks
from nmtk.training.flops import Lengths, wait_for
from nmtk.training.options import TrainingOptions
from nmtk.training.updater import Updater

WARM = 2
"""Updates that are not timed: the first one also makes the optimiser's state and asks for memory."""


class Paced(NamedTuple):
    """Some updates, timed. Tokens and lengths are those of this rank."""

    updates: int
    seconds: float
    sentences: int
    lengths: Lengths
    positions: int
    """Of both sides, padded ones too."""

    @property
    def padding(self) -> float:
        """The share of positions that hold no token."""
        return 1 - (self.lengths.source + self.lengths.target) / self.positions


class Rehearsal:
    """A model's updates as the trainer makes them, at a learning rate of 0, which costs as much as any other.

    One difference: weights stay as they are, so no loss ever ends it.
    """

    def __init__(self, model: Transformer, options: TrainingOptions, dtype: torch.dtype, ranks: Ranks) -> None:
        self.ranks = ranks
        model.train()
        self._updater = Updater(model, options, dtype, ranks._replace(watch=None))  # what nobody waits for is not told

    def update(self, batches: Sequence[Batch]) -> None:
        """One update of these batches."""
        tokens = self.ranks.world * max(1, sum(batch.tokens for batch in batches))
        for number, batch in enumerate(batches, 1):
            self._updater.accumulate(batch, tokens, 1, last=number == len(batches))
        self._updater.clip()
        self._updater.apply(1, rate=0.0)

    def time(self, updates: Iterator[Sequence[Batch]], seconds: float) -> Paced:
        """Make updates for so long, at least one; the first of all are not timed. All ranks make equally many."""
        for _ in range(WARM):
            self.update(next(updates))
        wait_for(self.ranks.device)
        began, done = time.perf_counter(), list[Batch]()
        count = 0
        while count == 0 or not self.ranks.any(time.perf_counter() - began >= seconds):
            batches = next(updates)
            self.update(batches)
            done += batches
            count += 1
        wait_for(self.ranks.device)
        took = time.perf_counter() - began
        positions = sum(batch.source_BS.numel() + batch.gold_BT.numel() for batch in done)
        return Paced(count, took, sum(len(batch.source_BS) for batch in done), Lengths.of_batches(done), positions)

    def checkpoint_bytes(self) -> int:
        """What a checkpoint of this training takes on disk: weights, their averages and the optimiser's state."""
        weights = sum(parameter.numel() * parameter.element_size() for parameter in self._updater.parameters)
        state = sum(
            value.numel() * value.element_size()
            for values in self._updater.optimiser.state.values()
            for value in values.values()
            if isinstance(value, torch.Tensor)
        )
        return weights * (2 if self._updater.average else 1) + state
