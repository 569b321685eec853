"""Lengths: how those of translations go together, in whatever languages (Gale & Church 1993).

A long sentence has a long translation: the lengths of aligned sides correlate to 0.6 and mostly to 0.9, those of sides
that were shuffled or shifted hardly at all.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nmtk.data.doctor.profile import script

Lengths: TypeAlias = npt.NDArray[np.float64]

ALIGNED = 0.6
"""The correlation that aligned sides are taken to have."""
LEAST = 0.3
"""And the least of theirs that is still told from none."""
SHIFT = 4
"""Lines by which a shift is looked for."""
DOUBT = 5.0
"""The logarithm of how much likelier anything else must be."""
LONG, SPREAD = 25, 0.2
"""What lengths must have to tell strangers: a median of so many characters on a side; and on both so large a standard
deviation of their logarithms, without the longest and shortest twentieth."""
FEWEST = 15
"""Pairs in the same scripts from which on their lengths are compared."""


def doubtful(sources: Sequence[str], targets: Sequence[str]) -> bool:
    """Whether in some stretch of pairs a shift by a few lines, or chance, explains lengths better than translation."""
    here, there = (_standard(_logarithms(side)) for side in (sources, targets))
    own = _weight(here, there)
    doubts = [-own]
    for by in range(1, SHIFT + 1):
        doubts += [_weight(here[by:], there[:-by]) - own[:-by], _weight(here[:-by], there[by:]) - own[by:]]
    return any(_largest(doubt) > DOUBT for doubt in doubts)


def strangers(sources: Sequence[str], targets: Sequence[str]) -> bool:
    """Whether lengths can tell something, and tell that sides do not belong together.

    Pairs are compared with those in the same two scripts alone: a swapped pair among others has odd lengths too.
    """
    lengths = [_logarithms(side) for side in (sources, targets)]
    if max(float(np.median(side)) for side in lengths) < np.log(LONG):
        return False
    kinds = defaultdict(list)
    for index, pair in enumerate(zip(sources, targets, strict=True)):
        kinds[tuple(map(_script, pair))].append(index)
    groups = [group for group in kinds.values() if len(group) >= FEWEST]
    here, there = (
        np.concatenate([_within(side[group]) - side[group].mean() for group in groups] or [np.zeros(1)])
        for side in lengths
    )
    if min(here.std(), there.std()) < SPREAD:
        return False
    return float(np.corrcoef(here, there)[0, 1]) < LEAST


def _script(text: str) -> str:
    return next((script(letter) for letter in text if letter.isalpha()), "")


def _logarithms(texts: Sequence[str]) -> Lengths:
    return np.log([max(1, len(text.strip())) for text in texts])


def _within(lengths: Lengths) -> Lengths:
    """Lengths, with outliers cut off: one line of garbage would outweigh all others."""
    bounded: Lengths = np.clip(lengths, *np.quantile(lengths, (0.05, 0.95)))
    return bounded


def _standard(lengths: Lengths) -> Lengths:
    """Lengths in standard deviations from their mean."""
    bounded = _within(lengths)
    standard: Lengths = (bounded - bounded.mean()) / max(float(bounded.std()), 1e-6)
    return standard


def _weight(one: Lengths, other: Lengths) -> Lengths:
    """The logarithm of how much likelier lengths are in pairs that belong together than in others."""
    square = ALIGNED**2
    quadratic: Lengths = square * (one**2 + other**2) - 2 * ALIGNED * one * other
    return -0.5 * math.log(1 - square) - quadratic / (2 * (1 - square))


def _largest(weights: Lengths) -> float:
    """The largest sum of a stretch."""
    sums = np.concatenate(([0.0], np.cumsum(weights)))
    return float((sums - np.minimum.accumulate(sums)).max())
