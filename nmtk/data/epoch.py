"""An epoch: every pair as often as its corpus is to be seen, in a random order that takes no memory.

The order is a pure function of (seed, epoch number), and any stretch of it is computed by itself. So an epoch is cut
into sections that are read and planned one at a time, and what training holds in memory does not grow with the corpus.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nmtk.data.packed import Rows
from nmtk.data.permutation import Permutation

SECTION = 1 << 20
"""Pairs that are read and planned together, at most: some 200 MB of sentences of 30 pieces."""
BLOCK, BLOCKS = 64, 1 << 14
"""The most pairs that stay together when a corpus is shuffled, and how many blocks there are before they do."""


class Order:
    """A random order of the numbers below `size`; large ones are shuffled in blocks of up to 64 that stay together.

    Pairs of a block lie together on disk: read one by one, in an order of single pairs, a corpus larger than memory
    took 15 times as long. A section is made of thousands of blocks from all over the corpus, and shuffled by itself.
    Where blocks begin changes with the seed; the few pairs beyond the last whole block come last.
    """

    def __init__(self, size: int, seed: Sequence[int]) -> None:
        self.size = size
        self._block = min(BLOCK, 1 + size // BLOCKS)
        self._whole = size // self._block * self._block
        self._blocks = Permutation(size // self._block, seed)
        self._shift = int(np.random.default_rng([*seed, size]).integers(max(1, size)))

    def __call__(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The numbers at these places."""
        block, within = np.divmod(places[places < self._whole], self._block)
        numbers = places.copy()
        numbers[places < self._whole] = self._blocks(block).astype(np.int64) * self._block + within
        return (numbers + self._shift) % self.size


class Part(NamedTuple):
    """A copy of a corpus in an epoch, or a share of one."""

    corpus: int
    first: int
    """Its place among all parts, laid end to end."""
    pairs: int
    chosen: Order | None
    """Which of the corpus's pairs these are, when they are not all."""


class Epoch:
    """The pairs of one epoch over several corpora, in their order."""

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int, number: int) -> None:
        """weights: how often each corpus is seen in an epoch; 0.5 is a new random half of it each time."""
        self.seed, self.number = seed, number
        self._parts: list[Part] = []
        self._pairs = 0
        for corpus, (size, weight) in enumerate(zip(sizes, weights, strict=True)):
            for _ in range(int(weight)):
                self._add(corpus, size, None)
            if some := round((weight - int(weight)) * size):
                self._add(corpus, some, Order(size, [seed, number, 1 + corpus]))
        self._order = Order(self._pairs, [seed, number])

    def _add(self, corpus: int, pairs: int, chosen: Order | None) -> None:
        self._parts.append(Part(corpus, self._pairs, pairs, chosen))
        self._pairs += pairs

    def __len__(self) -> int:
        return self._pairs

    def sections(self) -> list[range]:
        """The places of each section: as few as can be, and as equal."""
        count = -(-self._pairs // SECTION)
        cuts = [self._pairs * number // count for number in range(count + 1)] if count else []
        return [range(first, last) for first, last in pairwise(cuts)]

    def rows(self, places: range) -> list[tuple[int, Rows]]:
        """The pairs at these places: numbers of corpora, and rows of each in the order of the disk.

        A pair that is there several times is so here.
        """
        numbers = self._order(np.arange(places.start, places.stop))
        found: list[tuple[int, Rows]] = []
        for corpus, parts in groupby(self._parts, key=lambda part: part.corpus):
            rows: list[Rows] = []
            for part in parts:
                local = numbers[(numbers >= part.first) & (numbers < part.first + part.pairs)] - part.first
                rows.append(part.chosen(local) if part.chosen else local)
            found.append((corpus, np.sort(np.concatenate(rows))))
        return found
