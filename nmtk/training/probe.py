"""Probe: how many of the longest sentences an update can hold, found by making updates of more and more of them.

The shape that is tried is the worst one of a budget of tokens: sentences as long as the longest, on both sides, since
attention grows with the square of the length. Memory is a line over the number of sentences, so a few small updates
tell where it meets the limit, and none is made that the line says would go beyond it.
"""

import resource
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch

from nmtk.allocator import keep_memory
from nmtk.data.generated import even_batch
from nmtk.devices import is_out_of_memory
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.apart import TooLarge, apart
from nmtk.training.distributed import Ranks
from nmtk.training.memory import status
from nmtk.training.options import TrainingOptions
from nmtk.training.rehearsal import Rehearsal

START_TOKENS = 512
"""The tokens to begin with: few, yet enough for activations to stand out from all that is there once."""


class Fit(NamedTuple):
    """What was found."""

    rows: int
    """The most sentences that fit, up to those that were wanted; 0 if not even one does."""
    tried: tuple[tuple[int, int], ...]
    """Sentences and bytes of each update that was made, from few to many."""

    def bytes(self, rows: int) -> int:
        """What an update of so many sentences takes, by the line through the updates that were made."""
        return round(_line(self.tried, rows)) if self.tried else 0


def _line(tried: tuple[tuple[int, int], ...], rows: int) -> float:
    """The steepest line between neighbours, from the last one on: small updates hide in memory that is there anyway."""
    slopes = [(b - a) / (n - m) for (m, a), (n, b) in pairwise(tried)]
    last_rows, last = tried[-1]
    slope = max(slopes, default=last / last_rows)
    return last + max(slope, 0.0) * (rows - last_rows)


def grow(measure: Callable[[int], int | None], start: int, wanted: int, limit: int) -> Fit:
    """Double the sentences of an update from `start` on, as long as the next one can be told to fit within the limit.

    measure: the bytes that an update of so many sentences takes; None when there were not enough. What is told to
    need less than half of the limit is not tried.
    """
    tried: tuple[tuple[int, int], ...] = ()
    rows = min(start, wanted)
    while (taken := measure(rows)) is not None and taken <= limit:
        tried = (*tried, (rows, taken))
        if rows == wanted or (len(tried) > 2 and _line(tried, wanted) <= limit / 2):
            return Fit(wanted, tried)
        following = min(2 * rows, wanted)
        if len(tried) > 1 and _line(tried, following) > limit:
            return Fit(next(n for n in range(following, 0, -1) if n == rows or _line(tried, n) <= limit), tried)
        rows = following
    return Fit(tried[-1][0] if tried else 0, tried)


class Probe(NamedTuple):
    """All that decides how much memory an update takes, but for the number of its sentences."""

    model: TransformerOptions
    source_size: int
    target_size: int
    training: TrainingOptions
    dtype: torch.dtype
    device: torch.device
    longest: int
    """Tokens of the longest sentence of either side as it is packed, `</s>` included: what batches are cut by."""
    stretched: int
    """The same where segmentations are sampled, which makes sentences longer than their batch was cut for."""

    def fit(self, wanted: int, limit: int) -> Fit:
        """How many sentences, up to those that are wanted, fit into so many bytes beside what this process holds.

        On a CPU updates are made in another process: what it took is then known to the page, it ends with all of it,
        and it is held to the limit, so that none but itself can ever run out of memory.
        """
        fit = self._there if self.device.type == "cpu" else self._here
        start = max(1, START_TOKENS // self.stretched)
        found = fit(start, wanted, limit)
        return found if found.rows or start == 1 else fit(1, start - 1, limit)

    def _here(self, start: int, wanted: int, limit: int) -> Fit:
        before = _held(self.device)
        made: list[Rehearsal] = []

        def measure(rows: int) -> int | None:
            batch = even_batch(rows, self.stretched, self.source_size, self.target_size)
            try:
                if not made:
                    torch.manual_seed(0)
                    model = Transformer(self.model, self.source_size, self.target_size)
                    made.append(Rehearsal(model, self.training, self.dtype, Ranks(0, 1, self.device)))
                    made[0].update([batch])  # makes the optimiser's state, which is there in all that follow
                made[0].update([batch])
                return _peak(self.device) - before
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                return None

        try:
            return grow(measure, start, wanted, limit)
        finally:
            made.clear()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _there(self, start: int, wanted: int, limit: int) -> Fit:
        try:
            return apart(_within, self, start, wanted, limit, torch.get_num_threads())
        except TooLarge:  # the kernel saw less memory than we did, say, and killed it
            return Fit(0, ())


def _within(probe: Probe, start: int, wanted: int, limit: int, threads: int) -> Fit:
    """The updates, in a process that can take no more than the limit."""
    keep_memory()
    torch.set_num_threads(threads)
    address_space = status("VmSize") + limit + (256 << 20)  # stacks of threads are taken, though never touched
    resource.setrlimit(resource.RLIMIT_AS, (address_space, resource.RLIM_INFINITY))
    return probe._here(start, wanted, limit)


def _held(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    return status("VmRSS")


def _peak(device: torch.device) -> int:
    """The most memory since `_held`; of a CPU process, ever."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else status("VmHWM")
