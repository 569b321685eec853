"""Markers: words that tell the languages of two sides apart, learned from the pairs alone, whichever way each stands.

The words of a pair's source less those of its target: a swapped pair is the same with the other sign, an untranslated
one next to nothing. So what varies most in these differences, their first principal component, is the step from one
language to the other, and no share of swapped pairs changes it. Lines are told apart by it, then words by the lines
that they are in, and so in turn.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from nmtk.writing import SPACELESS

Counts: TypeAlias = npt.NDArray[np.float32]

PAIRS = 10_000
"""Pairs that are looked at, evenly from all."""
MOST = 300
"""Words that are looked at, the most frequent."""
FREQUENT, TELLING = 1e-3, 20
"""A word tells a language when it is so large a share of its words, and so many times larger a one than elsewhere."""
ROUNDS = 4
COVERED, OPPOSED, LEANING = 0.25, 0.6, 0.1
"""What makes two languages, and not two subjects of one: telling words are this share of either's; and either the sides
of most pairs differ, which by chance half of them would, or by so much more of them do it one way than the other."""

_WORD = re.compile(rf"[{SPACELESS}]|[^\W\d_]+")
"""A word; where no spaces part them (Thai, Lao, Chinese, Japanese), a character."""


class Markers(NamedTuple):
    """The telling words of each side's language."""

    source: frozenset[str] = frozenset()
    target: frozenset[str] = frozenset()
    turned: float = 0.0
    """The share of pairs that have their languages the other way round: at most half, since most pairs are right."""


def words(text: str) -> list[str]:
    """The words of a text, without case."""
    return _WORD.findall(text.lower())


def learn_markers(sides: Sequence[Sequence[str]]) -> Markers:
    """The markers of two sides; where these do not seem to be of two languages, by what stands on which side."""
    step = -(-len(sides[0]) // PAIRS)
    lines = [words(text) for side in sides for text in side[::step]]
    counts = Counter(chain.from_iterable(lines))
    known = [word for word, n in counts.most_common(MOST) if n >= FREQUENT / 2 * counts.total()]
    table, lengths = counted(lines, known), np.array([len(line) for line in lines], np.float32)
    pairs = len(lines) // 2
    tells = _axis(table[:pairs] > 0, table[pairs:] > 0)
    for _ in range(ROUNDS):
        scores = table @ tells
        tells = telling(table, lengths, scores > 0, scores < 0)
    scores = table @ tells
    here, there = scores[:pairs], scores[pairs:]
    straight, turned = (float(np.mean((a > 0) & (b < 0))) for a, b in ((here, there), (there, here)))
    covered = min(share_of(table[:, tells == sign], lengths, scores * sign > 0).sum() for sign in (1, -1))
    if covered < COVERED or (straight + turned < OPPOSED and abs(straight - turned) < LEANING):
        first = np.arange(len(lines)) < pairs
        tells, turned = telling(table, lengths, first, ~first), 0.0
    elif turned > straight:
        tells, straight, turned = -tells, turned, straight
    source, target = (
        frozenset(word for word, one in zip(known, tells, strict=True) if one == sign) for sign in (1, -1)
    )
    return Markers(source, target, turned / max(straight + turned, 1e-9))


def counted(lines: Sequence[Sequence[str]], known: Sequence[str]) -> Counts:
    """How often each known word is in each line, [lines, words]."""
    places = {word: place for place, word in enumerate(known)}
    table = np.zeros((len(lines), len(known)), np.float32)
    for row, line in zip(table, lines, strict=True):
        for word in line:
            if (place := places.get(word)) is not None:
                row[place] += 1
    return table


def _axis(here: npt.NDArray[np.bool_], there: npt.NDArray[np.bool_]) -> Counts:
    """The first principal component of the differences, each word weighing by how rare it is."""
    weights = 1 / np.sqrt(np.maximum(1, here.sum(axis=0) + there.sum(axis=0)))
    differences = (here.astype(np.float32) - there) * weights.astype(np.float32)
    _, vectors = np.linalg.eigh(differences.T @ differences)
    axis: Counts = (vectors[:, -1:].sum(axis=1) * weights).astype(np.float32)
    return axis


def telling(table: Counts, lengths: Counts, one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> Counts:
    """For each word 1 where it tells the one lines from the other, -1 where the other from the one, else 0."""
    first, second = share_of(table, lengths, one), share_of(table, lengths, other)
    tells: Counts = np.zeros(table.shape[1], np.float32)
    tells[(first >= FREQUENT) & (first > TELLING * second)] = 1
    tells[(second >= FREQUENT) & (second > TELLING * first)] = -1
    return tells


def share_of(table: Counts, lengths: Counts, lines: npt.NDArray[np.bool_]) -> Counts:
    """What share of all words of some lines each word is."""
    shares: Counts = table[lines].sum(axis=0) / max(1.0, float(lengths[lines].sum()))
    return shares
