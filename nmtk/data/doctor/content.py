"""Content: how far lines of two languages speak of the same, told without knowing a word of either.

A line is described by how much it is like each of some reference pairs, its source like their sources and its target
like their targets: translations are alike in that (cross-language explicit semantic analysis, Potthast et al. 2008).
The references are pairs of the text itself, so that nothing else is needed; a few hundred lines are enough.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nmtk.data.doctor.markers import words

Likeness: TypeAlias = npt.NDArray[np.float32]

REFERENCES = 512
"""Pairs to which lines are compared, evenly from all."""
MOST = 2000
"""Words that are looked at, the most frequent."""
INFORMED = 0.15
"""The share of references to which a line must be alike at all, to tell anything where it is like no translation."""
WORDS = 3
"""And how many of the words it must have."""

_NUMBER = re.compile(r"\d+")
_LETTERS = re.compile(r"(?=([\u0e00-\u0eff]{2}))")
"""Two letters of scripts that have no spaces and few letters; one in a word tells nothing."""


class Content:
    """What the lines of two sides are about."""

    def __init__(self, sides: Sequence[Sequence[str]]) -> None:
        self._tables = [_weighed(texts) for texts in sides]
        self.lines = len(sides[0])

    def alike(self, furthest: int, base: int = 0) -> tuple[Likeness, npt.NDArray[np.bool_]]:
        """How alike each target is to the source that stands some lines below it, [2 * furthest + 1, lines].

        In standard deviations of what chance gives; 0 where there is no such source. Beside it, for which targets and
        sources, where they stand, no likeness has a meaning, [lines]. base: how far below its target the source of
        most pairs stands.
        """
        last = self.lines - 1
        at = np.unique(np.linspace(max(0, -base), last - max(0, base), min(REFERENCES, self.lines)).astype(int))
        (here, one), (there, other) = (
            _described(table, at + by) for table, by in zip(self._tables, (base, 0), strict=True)
        )
        strange = here[np.random.default_rng(1).permutation(self.lines)]
        chance = np.einsum("ij,ij->i", strange, there)
        spread = max(float(chance.std()), 1e-6)
        found = np.zeros((2 * furthest + 1, self.lines), np.float32)
        for row, by in enumerate(range(-furthest, furthest + 1)):
            first, end = max(0, -by), self.lines - max(0, by)
            if first < end:
                found[row, first:end] = np.einsum("ij,ij->i", here[first + by : end + by], there[first:end])
        return (found - float(chance.mean())) / spread * (found != 0), one & other


def _weighed(texts: Sequence[str]) -> Likeness:
    """The words of each line, each weighing by how rare it is, [lines, words]."""
    lines = [{*words(text), *_NUMBER.findall(text), *_LETTERS.findall(text)} for text in texts]
    counts = Counter(word for line in lines for word in line)
    places = {word: place for place, (word, count) in enumerate(counts.most_common(MOST)) if count > 1}
    table = np.zeros((len(texts), max(1, len(places))), np.float32)
    for row, line in zip(table, lines, strict=True):
        row[[places[word] for word in line if word in places]] = 1
    table *= np.log(len(texts) / np.maximum(1, table.sum(axis=0)))
    return _unit(table)


def _described(table: Likeness, references: npt.NDArray[np.int_]) -> tuple[Likeness, npt.NDArray[np.bool_]]:
    """How far each line is more like each reference than most lines are, [lines, references]; and if it is informed.

    Nothing is said of a line's likeness to itself.
    """
    likeness = table @ table[references].T
    own = references, np.arange(len(references))
    informed = np.mean(likeness > 0, axis=1) >= INFORMED
    likeness[own] = 0
    likeness -= likeness.sum(axis=0) / max(1, len(table) - 1)
    likeness[own] = 0
    likeness -= likeness.mean(axis=1, keepdims=True) * (np.abs(likeness).sum(axis=1, keepdims=True) > 0)
    likeness[np.count_nonzero(table, axis=1) < WORDS] = 0
    return _unit(likeness), informed


def _unit(table: Likeness) -> Likeness:
    """Rows of length 1, or of nothing."""
    units: Likeness = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    return units
