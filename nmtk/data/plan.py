"""An epoch's plan: which pairs stand together in a batch, and in which order the batches come.

Pairs of nearly the same lengths share a batch, so padding is nearly nothing; batches come in random order. The plan
is a pure function of (seed, epoch) and the corpora: nothing of it is ever saved.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.int32]


class Plan(NamedTuple):
    """Batch i is the pairs `rows[cuts[i]:cuts[i + 1]]`."""

    rows: Rows
    cuts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def batch(self, index: int) -> Rows:
        """The pair numbers of one batch."""
        return self.rows[self.cuts[index] : self.cuts[index + 1]]


def plan_epoch(
    source_lengths: Lengths,
    target_lengths: Lengths,
    sizes: Sequence[int],
    weights: Sequence[float],
    batch_tokens: int,
    seed: int,
    epoch: int,
) -> Plan:
    """Plan one epoch over several corpora, whose pairs are numbered through one after the other.

    source_lengths, target_lengths: tokens of each pair, `</s>` included.
    weights: how often each corpus is seen in an epoch; 0.5 is a new random half of it each time.
    batch_tokens: the most tokens of either side in a batch, padding included. A longer pair stands alone.
    """
    rng = np.random.default_rng([seed, epoch])
    rows = _draw(sizes, weights, rng)
    rows = rows[_order(source_lengths[rows], target_lengths[rows], rng)]
    cuts = _cut(np.maximum(source_lengths[rows], target_lengths[rows]), batch_tokens)
    return _shuffle(Plan(rows, cuts), rng)


def _draw(sizes: Sequence[int], weights: Sequence[float], rng: np.random.Generator) -> Rows:
    """The pairs of an epoch: each corpus as many times as its weight says, a fraction by a random choice."""
    parts, first = [np.arange(0, dtype=np.int64)], 0
    for size, weight in zip(sizes, weights, strict=True):
        whole = np.arange(first, first + size, dtype=np.int64)
        parts += [whole] * int(weight)
        if fraction := round((weight - int(weight)) * size):
            parts.append(rng.permutation(whole)[:fraction])
        first += size
    return np.concatenate(parts)


def _order(source_lengths: Lengths, target_lengths: Lengths, rng: np.random.Generator) -> Rows:
    """Sort by target, then source length; pairs of equal lengths come in random order.

    Source lengths rise and fall in turn from one target length to the next, so that a batch across the border
    between two has similar sources too. One 64-bit key, since a sort of several keys is several sorts.
    """
    source = source_lengths.astype(np.uint64)
    target = target_lengths.astype(np.uint64)
    falling = np.uint64(0xFFFFF) - source
    key = (target << np.uint64(44)) | (np.where(target % np.uint64(2) == 0, source, falling) << np.uint64(24))
    key |= rng.integers(0, 1 << 24, len(key), dtype=np.uint64)
    return np.argsort(key).astype(np.int64)


def _cut(lengths: Lengths, batch_tokens: int) -> npt.NDArray[np.int64]:
    """Cut pairs in their order into batches of at most `batch_tokens`, the longest pair of a batch counting for all."""
    cuts, first = [0], 0
    while first < len(lengths):
        most = max(1, batch_tokens // max(1, int(lengths[first])))
        longest = np.maximum.accumulate(lengths[first : first + most])
        tokens = longest.astype(np.int64) * np.arange(1, len(longest) + 1)
        first += max(1, int(np.searchsorted(tokens, batch_tokens, side="right")))
        cuts.append(first)
    return np.asarray(cuts, dtype=np.int64)


def _shuffle(plan: Plan, rng: np.random.Generator) -> Plan:
    """The same batches in random order."""
    order = rng.permutation(len(plan))
    counts = np.diff(plan.cuts)[order]
    cuts = np.concatenate([[0], np.cumsum(counts)])
    starts = np.repeat(plan.cuts[:-1][order] - cuts[:-1], counts)
    return Plan(plan.rows[starts + np.arange(len(plan.rows))], cuts)
