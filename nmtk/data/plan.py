"""A plan: which pairs stand together in a batch, and in which order the batches come.

Pairs of nearly the same lengths share a batch, so padding is nearly nothing; batches come in random order. The plan
is a pure function of the pairs and a random generator: nothing of it is ever saved.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nmtk.data.packed import Lengths, Rows

_OPENING = 0.07
"""What a batch costs for being one, as a share of `batch_tokens` (see `_cut`)."""


class Plan(NamedTuple):
    """Batch i is the pairs `rows[cuts[i]:cuts[i + 1]]`."""

    rows: Rows
    cuts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def batch(self, index: int) -> Rows:
        """The pair numbers of one batch."""
        return self.rows[self.cuts[index] : self.cuts[index + 1]]


def plan_batches(source_lengths: Lengths, target_lengths: Lengths, batch_tokens: int, rng: np.random.Generator) -> Plan:
    """Plan the batches of some pairs, which are numbered as their lengths are, each in one batch.

    source_lengths, target_lengths: tokens of each pair, `</s>` included.
    batch_tokens: the most tokens of either side in a batch, padding included. A longer pair stands alone.
    """
    rows = _order(source_lengths, target_lengths, rng)
    cuts = _cut(source_lengths[rows], target_lengths[rows], batch_tokens)
    return _shuffle(Plan(rows, cuts), rng)


def _order(source_lengths: Lengths, target_lengths: Lengths, rng: np.random.Generator) -> Rows:
    """Sort by the longer side, then by how much longer it is; pairs of equal lengths come in random order.

    The difference rises and falls in turn from one length to the next, so that a batch across the border between two
    has similar pairs too. One 64-bit key, since a sort of several keys is several sorts. Sorted by target and source
    length instead, batches of 4,096 tokens have half as much padding again.
    """
    longer = np.maximum(source_lengths, target_lengths).astype(np.uint64)
    difference = (target_lengths - source_lengths + (1 << 19)).astype(np.uint64)
    falling = np.uint64(0xFFFFF) - difference
    key = (longer << np.uint64(44)) | (np.where(longer % np.uint64(2) == 0, difference, falling) << np.uint64(24))
    key |= rng.integers(0, 1 << 24, len(key), dtype=np.uint64)
    return np.argsort(key).astype(np.uint32)


def _cut(source_lengths: Lengths, target_lengths: Lengths, batch_tokens: int) -> npt.NDArray[np.int64]:
    """Cut pairs in their order into batches of at most `batch_tokens`, the longest pair of a batch counting for all.

    Of the batches that could come next, that one is made whose real tokens are cheapest, where a batch costs its
    positions and something for being one. So a batch ends before pairs that would widen it, rather than when it is
    full: a seventh more padding...
    """
    cuts, first = [0], 0
    opening = _OPENING * batch_tokens
    real = np.concatenate([[0], np.cumsum(source_lengths + target_lengths, dtype=np.int64)])
    while first < len(source_lengths):
        most = max(1, batch_tokens // max(1, int(source_lengths[first]), int(target_lengths[first])))
        source = np.maximum.accumulate(source_lengths[first : first + most]).astype(np.int64)
        target = np.maximum.accumulate(target_lengths[first : first + most]).astype(np.int64)
        pairs = np.arange(1, len(source) + 1)
        fit = max(1, int(np.searchsorted(np.maximum(source, target) * pairs, batch_tokens, side="right")))
        cost = pairs[:fit] * (source[:fit] + target[:fit]) + opening
        first += 1 + int(np.argmin(cost / (real[first + 1 : first + 1 + fit] - real[first])))
        cuts.append(first)
    return np.asarray(cuts, dtype=np.int64)


def _shuffle(plan: Plan, rng: np.random.Generator) -> Plan:
    """The same batches in random order."""
    order = rng.permutation(len(plan))
    counts = np.diff(plan.cuts)[order]
    cuts = np.concatenate([[0], np.cumsum(counts)])
    starts = np.repeat(plan.cuts[:-1][order] - cuts[:-1], counts)
    return Plan(plan.rows[starts + np.arange(len(plan.rows))], cuts)
