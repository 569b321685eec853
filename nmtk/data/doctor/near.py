"""Near: which texts are nearly those of a small set, found among any number of them (MinHash, Broder 1997).

A text is the set of its runs of five letters or digits. Of 32 hash functions, the least value over a set is equal for
two sets with the probability of their Jaccard similarity; eight bands of four such values make likely candidates of
what is alike: 98.5% of what is alike to 0.8, and 0.1% of what is to 0.1. Candidates are then compared exactly.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

RUN = 5
BANDS, ROWS = 8, 4
ALIKE = 0.8
"""The Jaccard similarity from which on texts are near: one word in ten or so may differ."""
SHORTEST = 25
"""Letters and digits that near texts must have: `Tom is here` and `Tom was here` are two sentences."""

_RNG = np.random.default_rng(1)
_FACTORS = _RNG.integers(1 << 62, 1 << 63, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
_PRIME = np.uint64(0x9E3779B97F4A7C15)


class Near:
    """A set of texts, each without all but letters and digits, to which others are compared."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        keys = _band_keys(texts)
        self._owners = np.repeat(np.arange(len(texts)), BANDS)
        order = np.argsort(keys.ravel(), kind="stable")
        self._keys, self._owners = keys.ravel()[order], self._owners[order]

    def find(self, texts: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
        """For each text that is one of the set's, or near one: its index, the nearest one's, and whether it equals it.

        A text without letters and digits is near none.
        """
        if not len(self._keys) or not texts:
            return
        keys = _band_keys(texts)
        first, last = (np.searchsorted(self._keys, keys, side) for side in ("left", "right"))
        for index in np.flatnonzero((last > first).any(axis=1)).tolist():
            spans = {*zip(first[index].tolist(), last[index].tolist(), strict=True)}
            owners = {int(owner) for begin, end in spans for owner in self._owners[begin:end]}
            alike, nearest = max((_similarity(texts[index], self.texts[owner]), -owner) for owner in owners)
            if alike >= ALIKE:
                yield index, -nearest, alike > 1.0


def _similarity(one: str, other: str) -> float:
    """Jaccard's, of their runs; above 1 for equal texts, and 0 for short ones."""
    if one == other:
        return 2.0 if one else 0.0
    if min(len(one), len(other)) < SHORTEST:
        return 0.0
    runs, others = _runs(one), _runs(other)
    return len(runs & others) / len(runs | others)


def _runs(text: str) -> set[str]:
    return {text[at : at + RUN] for at in range(max(1, len(text) - RUN + 1))}


def _band_keys(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    """A key of each text in each band, uint64 [texts, BANDS]; all texts at once, since Python would take ages."""
    keys = np.zeros((len(texts), BANDS), np.uint64)
    if not texts:
        return keys
    lengths = np.array([max(1, len(text) - RUN + 1) for text in texts], np.int64)
    padded = "".join(text.ljust(RUN, "\0") for text in texts) + "\0"
    codes = np.frombuffer(padded.encode("utf-32-le"), "<u4").astype(np.uint64)
    runs = np.zeros(len(codes) - RUN + 1, np.uint64)
    for at in range(RUN):
        runs = runs * _PRIME + codes[at : len(codes) - RUN + 1 + at]
    runs = (runs ^ (runs >> np.uint64(29))) * _PRIME
    ends = np.cumsum(lengths + RUN - 1)
    starts = ends - lengths - RUN + 1
    edges = np.stack((starts, starts + lengths), axis=1).ravel()  # each text's own runs, without those into the next
    for index, factor in enumerate(_FACTORS):
        mixed = runs * factor
        least = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(32)), edges)[::2]
        band = index // ROWS
        keys[:, band] = (keys[:, band] + least + np.uint64(band + 1)) * _PRIME
    return keys
