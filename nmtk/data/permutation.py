"""Permutation: numbers in a random order that is computed, place by place, and never stored."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint64]

_ROUNDS = 6
_MIX = ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53))


class Permutation:
    """A random order of the numbers below `size`, decided by a seed: `order(place)` is the number that stands there.

    A generalised Feistel network (Black & Rogaway 2002, "Ciphers with arbitrary finite domains", section 5) on pairs
    of numbers below the square root of the size, rounded up. The few results that are no number below the size are
    put through it again until they are ("cycle walking", section 4), so each number has one place. The round function
    mixes the bits of a number and the round's key (the finaliser of MurmurHash3, Appleby 2011).
    """

    def __init__(self, size: int, seed: Sequence[int]) -> None:
        """Size: at most 2**64."""
        self.size = size
        self._root = np.uint64(math.isqrt(max(0, size - 1)) + 1)
        self._keys = np.random.default_rng(seed).integers(0, 1 << 64, _ROUNDS, dtype=np.uint64)

    def __call__(self, places: npt.NDArray[np.integer]) -> Numbers:
        """The numbers at these places, each from 0 to size - 1."""
        numbers = self._encipher(places.astype(np.uint64))
        while len(beyond := np.flatnonzero(numbers >= self.size)):
            numbers[beyond] = self._encipher(numbers[beyond])
        return numbers

    def _encipher(self, numbers: Numbers) -> Numbers:
        left, right = np.divmod(numbers, self._root)
        for key in self._keys:
            left, right = right, (left + _mix(right ^ key)) % self._root
        return left * self._root + right


def _mix(numbers: Numbers) -> Numbers:
    """Numbers below 2**32 whose every bit hangs on all bits of the given ones."""
    for shift, factor in _MIX:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers >> np.uint64(32)
