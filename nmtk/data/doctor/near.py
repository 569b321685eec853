"""Near: which texts are nearly those of a small set, or hold one of them, found among any number of texts.

What two texts have in common is told by their runs of letters or digits (Broder 1997). An index of the small set's
longer runs gives the candidates: a quarter of all runs, chosen by their hashes, so that the same ones are chosen
everywhere, and without those that many texts have. Candidates are then compared exactly, by their shorter runs.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Keys: TypeAlias = npt.NDArray[np.uint64]
Indices: TypeAlias = npt.NDArray[np.int64]

RUN, LONG = 5, 8
"""Letters and digits of the runs that are compared, and of those in the index."""
ALIKE = 0.7
"""The share of a text's runs from which on another that has them is near it: a word of eight may differ."""
HELD, LONGER = 0.9, 1.3
"""The same of one that is so many times longer: it holds the text, and not just what many texts have."""
SHORTEST = 25
"""Letters and digits that near texts must have: `Tom is here` and `Tom was here` are two sentences."""
COMMON = 16
"""Texts of the set that may have a run that is in the index."""
SHARE = 0.35
"""The share of a text's runs in the index that a candidate has."""

_CHOSEN = np.uint64(3)
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_BITS = 22


class Near:
    """A set of texts, each without all but letters and digits, to which others are compared."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self._places = {text: index for index, text in reversed(list(enumerate(texts))) if text}
        keys, owners = _chosen([text if len(text) >= SHORTEST else "" for text in texts])
        once = np.unique(np.stack((keys, owners.astype(np.uint64)), axis=1), axis=0)
        keys, owners = once[:, 0], once[:, 1].astype(np.int64)
        _, place, often = np.unique(keys, return_inverse=True, return_counts=True)
        rare = often[place.ravel()] <= COMMON
        self._keys, self._owners = keys[rare], owners[rare]
        self._wanted = np.maximum(1, SHARE * np.bincount(self._owners, minlength=len(texts)))
        self._known = np.zeros(1 << _BITS, np.bool_)
        self._known[_short(self._keys)] = True

    def find(self, texts: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
        """For each text that is one of the set's, or near one: its index, the nearest one's, and whether it equals it.

        A text is near one of the set if it has most of that one's runs, whatever else it has. A text without letters
        and digits is near none.
        """
        candidates: dict[int, list[int]] = {}
        for index, owner in self._candidates(texts):
            candidates.setdefault(index, []).append(owner)
        for index, text in enumerate(texts):
            if (place := self._places.get(text)) is not None:
                yield index, place, True
            elif index in candidates:
                alike, nearest = max((_held(self.texts[owner], text), -owner) for owner in candidates[index])
                if alike:
                    yield index, -nearest, False

    def _candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Texts and those of the set with which they have enough runs in common."""
        keys, lines = _chosen(texts)
        known = self._known[_short(keys)]
        keys, lines = keys[known], lines[known]
        first, last = (np.searchsorted(self._keys, keys, side) for side in ("left", "right"))
        times = last - first
        within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        owners = self._owners[np.repeat(first, times) + within]
        met, often = np.unique(np.repeat(lines, times) * len(self.texts) + owners, return_counts=True)
        lines, owners = np.divmod(met, max(1, len(self.texts)))
        enough = often >= self._wanted[owners]
        yield from zip(lines[enough].tolist(), owners[enough].tolist(), strict=True)


def _held(text: str, other: str) -> float:
    """The share of a text's runs that another has; 0 if these are too few."""
    if len(other) < SHORTEST:
        return 0.0
    runs = _runs(text)
    held = len(runs & _runs(other)) / len(runs)
    return held if held >= (HELD if len(other) > LONGER * len(text) else ALIKE) else 0.0


def _runs(text: str) -> set[str]:
    return {text[at : at + RUN] for at in range(max(1, len(text) - RUN + 1))}


def _short(keys: Keys) -> Keys:
    return keys >> np.uint64(64 - _BITS)


def _chosen(texts: Sequence[str]) -> tuple[Keys, Indices]:
    """Hashes of some of all texts' runs, and which text each is of; all at once, since Python would take ages."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), "<u4").astype(np.uint64)
    if len(codes) < LONG:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    count = len(codes) - LONG + 1
    keys = np.zeros(count, np.uint64)
    for first in range(LONG):
        keys *= _PRIME
        keys += codes[first : count + first]
    keys ^= keys >> np.uint64(29)
    keys *= _PRIME
    keys ^= keys >> np.uint64(32)
    lengths = np.array([len(text) for text in texts], np.int64)
    at = np.flatnonzero((keys & _CHOSEN) == 0)
    ends = np.cumsum(lengths)
    owners = np.searchsorted(ends, at, "right")
    own = at + LONG <= ends[owners]  # the others go on into the next text
    return keys[at[own]], owners[own]
