"""Tongues: whether a side is in two languages, told by words that go together and with hardly any others."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nmtk.data.doctor.markers import COVERED, FREQUENT, MOST, PAIRS, ROUNDS, Counts, counted, share_of, telling, words

COMPONENTS = 4
"""Directions in which words vary most, one of which may be that from one language to another."""
FEWEST, LEAST = 0.01, 20
"""The share of lines, and their number, that another language must have."""
TOP, OWN = 10, 0.5
"""The most frequent words of a language, and the share of their uses that must be of telling ones: one subject has
words that another has not, but `the` and `is` are in both."""


class Tongues(NamedTuple):
    """The words that tell most lines of a side, and those that tell the others, if these are in another language."""

    usual: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()


def learn_tongues(texts: Sequence[str], elsewhere: frozenset[str]) -> Tongues:
    """The languages of one side. elsewhere: words that tell the other side, of which another check is aware."""
    lines = [words(text) for text in texts[:: -(-len(texts) // PAIRS)]]
    counts = Counter(chain.from_iterable(lines))
    known = [word for word, n in counts.most_common(MOST) if n >= FREQUENT / 10 * counts.total()]
    table, lengths = counted(lines, known), np.array([len(line) for line in lines], np.float32)
    for axis in _axes(table):
        tells = axis
        for _ in range(ROUNDS):
            scores = table @ tells
            tells = telling(table, lengths, scores > 0, scores < 0)
        scores = table @ tells
        sizes = {sign: int(np.count_nonzero(scores * sign > 0)) for sign in (1, -1)}
        few = min(sizes, key=lambda sign: sizes[sign])
        if sizes[few] >= max(LEAST, FEWEST * len(lines)) and all(
            _own(share_of(table, lengths, scores * sign > 0), tells == sign) for sign in (1, -1)
        ):
            usual, other = (
                frozenset(word for word, one in zip(known, tells, strict=True) if one == sign) for sign in (-few, few)
            )
            return Tongues() if 2 * len(other & elsewhere) > len(other) else Tongues(usual, other)
    return Tongues()


def _own(shares: Counts, tells: npt.NDArray[np.bool_]) -> bool:
    """Whether the words that tell some lines, by their shares of all words there, are those of a language."""
    top = np.argsort(-shares)[:TOP]
    return bool(shares[tells].sum() >= COVERED and shares[top][tells[top]].sum() >= OWN * shares[top].sum())


def _axes(table: Counts) -> list[Counts]:
    """The first principal components of which words are in a line, each word weighing by how rare it is, centred."""
    there = (table > 0).astype(np.float32)
    weights = 1 / np.sqrt(np.maximum(1, there.sum(axis=0)))
    there = (there - there.mean(axis=0)) * weights
    _, vectors = np.linalg.eigh(there.T @ there)
    return [(vectors[:, -1 - number] * weights).astype(np.float32) for number in range(min(COMPONENTS, len(weights)))]
