"""Duplicates: which of a stream of keys came before, in as little memory as it takes."""

from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nmtk.data.pairs import Pair

Keys: TypeAlias = npt.NDArray[np.uint64]


def key(pair: Pair) -> int:
    """A 64-bit hash of both texts; no line holds the newline that stands between them."""
    text = f"{pair.source}\n{pair.target}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


class Seen:
    """The keys met so far, in sorted runs of which each is at least twice as long as the next.

    8 bytes a key at rest, and up to 20 for the moment in which the two longest runs merge: 0.8 and 2 GB for 100
    million pairs, where a Python set of numbers takes some 8 GB. A look-up is a binary search in each of the few
    runs. Different pairs with equal keys are taken for duplicates: that there are any among 100 million has a chance
    of 1 in 3,700.
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def add(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Add keys; True for each that is new, which of equal ones is the first."""
        unique, first = np.unique(keys, return_index=True)
        old = np.zeros(len(unique), dtype=np.bool_)
        for run in self._runs:
            at = np.searchsorted(run, unique)
            old |= run[np.minimum(at, len(run) - 1)] == unique
        fresh = np.zeros(len(keys), dtype=np.bool_)
        fresh[first[~old]] = True
        self._insert(unique[~old])
        return fresh

    def _insert(self, run: Keys) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.concatenate((self._runs.pop(), run))
            run.sort(kind="stable")  # finds the two sorted halves and merges them, in linear time
        self._runs.append(run)
