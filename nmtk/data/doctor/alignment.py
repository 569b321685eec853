"""Alignment: whether the sides of pairs belong together, told by their lengths over some hundred pairs at a time.

A long sentence has a long translation (Gale & Church 1993), in whatever languages: the lengths of aligned sides
correlate to 0.6 and mostly to 0.9, those of sides that were shuffled or shifted hardly at all.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from nmtk.data.doctor.findings import Fault, Hit, Severity
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Portion

Lengths: TypeAlias = npt.NDArray[np.float64]


class Alignment:
    """Blocks of pairs of which the sides do not belong together.

    Nothing is said of lines that are too short or too much of one length to tell. Names and numbers that are on both
    sides of pairs hold a block to be aligned, whatever its lengths are.
    """

    SHIFTED: ClassVar = Fault(
        "shifted",
        "pairs whose target fits a source some lines before or after it, by the lengths",
        Severity.ERROR,
        "a line was lost or put in, in one file, before the first of them",
    )
    STRANGERS: ClassVar = Fault(
        "not aligned",
        "pairs whose sides do not belong together, by the lengths",
        Severity.ERROR,
        "the files are shuffled, or not of the same text",
    )
    BLOCK: ClassVar = 250
    """Pairs, and up to twice as many. The correlation of so many strangers is within 0.2 of 0."""
    LEAST: ClassVar = 0.3
    """The correlation that aligned sides have."""
    FURTHEST: ClassVar = 4
    """Lines by which a shift is looked for."""
    LONG, SPREAD = 25, 0.2
    """What lengths must have to tell anything: a median of so many characters on a side; and on both so large a
    standard deviation of their logarithms, without the longest and shortest twentieth."""
    COPIES: ClassVar = 10
    """Pairs with the same name or number on both sides that hold a block to be aligned, when there are three times
    fewer of them half a block away."""

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        count = len(portion.numbers)
        edges = np.linspace(0, count, max(1, count // self.BLOCK) + 1).astype(int).tolist()
        for first, last in pairwise(edges):
            if last - first >= self.BLOCK and (fault := self._fault([side[first:last] for side in portion.sides])):
                yield from (Hit(fault, index) for index in range(first, last))

    def _fault(self, sides: Sequence[Sequence[str]]) -> Fault | None:
        counts = [np.array([max(1, len(text.strip())) for text in side]) for side in sides]
        if max(map(np.median, counts)) < self.LONG:
            return None
        here, there = (_within(np.log(count)) for count in counts)
        if min(here.std(), there.std()) < self.SPREAD:
            return None
        aligned = _alike(here, there)
        away = [
            pair for by in range(1, self.FURTHEST + 1) for pair in ((here[by:], there[:-by]), (here[:-by], there[by:]))
        ]
        shifted = max(_alike(*pair) for pair in away)
        if (aligned >= self.LEAST and shifted - aligned < self.LEAST) or self._copies(*sides):
            return None
        return self.SHIFTED if shifted - aligned >= self.LEAST else self.STRANGERS

    def _copies(self, sources: Sequence[str], targets: Sequence[str]) -> bool:
        """Whether names and numbers are on both sides of pairs by more than chance."""
        here, there = ([_names(text) for text in side] for side in (sources, targets))
        half = len(here) // 2
        copies = sum(not one.isdisjoint(other) for one, other in zip(here, there, strict=True))
        chance = sum(not one.isdisjoint(other) for one, other in zip(here, there[half:] + there[:half], strict=True))
        return copies >= self.COPIES and copies >= 3 * chance


def _within(lengths: Lengths) -> Lengths:
    """Lengths, with outliers cut off: one line of garbage would outweigh all others."""
    bounded: Lengths = np.clip(lengths, *np.quantile(lengths, (0.05, 0.95)))
    return bounded


def _alike(here: Lengths, there: Lengths) -> float:
    """Pearson's correlation."""
    return float(np.corrcoef(here, there)[0, 1]) if here.std() and there.std() else 0.0


def _names(text: str) -> set[str]:
    """Words within a text with a capital letter or a digit."""
    return {word for word in text.split()[1:] if word[0].isupper() or any(map(str.isdigit, word))}
