"""Direction: which of several texts have their sides the other way round than the others."""

from collections.abc import Iterable, Sequence
from itertools import islice

from nmtk.data.doctor.findings import Finding, Severity
from nmtk.data.doctor.markers import Markers, words
from nmtk.data.doctor.reading import Portion

LEAST = 10
"""Pairs that must tell their direction, of the first few thousand of a text, and most of them the same one."""
MOST = 3
"""How many times more pairs must be one way than the other."""


def turned(markers: Markers, portions: Iterable[Portion]) -> bool | None:
    """Whether a text's sides are the other way round than the markers have them; None where that is not plain."""
    straight, away = 0, 0
    for portion in islice(portions, 1):
        for pair in zip(*portion.sides, strict=True):
            here, there = (_leaning(text, markers) for text in pair)
            straight += here > 0 > there
            away += here < 0 < there
    most, least = max(straight, away), min(straight, away)
    return away > straight if most >= LEAST and most > MOST * least else None


def disagreeing(names: Sequence[str], ways: Sequence[bool | None]) -> dict[int, Finding]:
    """For each text that is the other way round than most are, by its index, what is to be said of it.

    ways: whether each text is turned, against whichever. Where as many are one way as the other, it is said of those
    that are turned.
    """
    texts = [index for index, way in enumerate(ways) if way is not None]
    away = [index for index in texts if ways[index]]
    straight = [index for index in texts if not ways[index]]
    few = min(away, straight, key=len)
    others = [names[index] for index in texts if index not in few]
    says = f"source and target are the other way round than in {' and '.join(others)}"
    mend = "see which is right, and swap the sides of the other" if len(away) == len(straight) else "swap the sides"
    return {index: Finding("sides", Severity.ERROR, says, mend, 1, 0.0, ()) for index in few}


def _leaning(text: str, markers: Markers) -> int:
    """1 for a text with words that tell the language of sources and none of targets', -1 the other way."""
    found = words(text)
    return (not markers.source.isdisjoint(found)) - (not markers.target.isdisjoint(found))
