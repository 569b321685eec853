"""Profile: what is usual in a corpus, learned from its own first pairs, without a list of any language's words.

The corpus is judged by itself: what most pairs are is right, and what differs from them is told. So a corpus of which
most pairs are swapped is told of those that are not.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from copy import copy
from functools import cache
from statistics import median

from nmtk.data.doctor.markers import Markers, learn_markers
from nmtk.data.doctor.reading import Portion
from nmtk.data.doctor.tongues import Tongues, learn_tongues

SAMPLE = 50_000
"""Pairs that a profile is learned from, the first of the corpus; so many are held in memory."""
ENOUGH = 200
"""Pairs from which on there is something to go by."""
FEW = 20
"""Pairs from which on their lengths can be compared."""
USUAL = 0.01
"""The share of a side's letters from which on their script is one of the side's own."""

COMMON = "common"
"""The script of what text in any script has: `º`, `µ`, `²`, apostrophes that count as letters."""

_NAMED = {
    **dict.fromkeys(("hiragana", "katakana", "katakana-hiragana", "ideographic", "vertical", "halfwidth"), "cjk"),
    "fullwidth": "latin",
    "modifier": COMMON,
}
"""Scripts of letters that Unicode does not name by their script. Japanese is written in one, whatever its letters."""


class Profile:
    """The words that tell the sides apart, the scripts of each side, and how long targets are for their sources."""

    def __init__(self, sample: Sequence[Portion]) -> None:
        sides = [[text for portion in sample for text in portion.sides[side]] for side in (0, 1)]
        self.pairs = len(sides[0])
        self.markers = learn_markers(sides) if self.pairs >= ENOUGH else Markers()
        apart = (self.markers.target, self.markers.source)
        self.tongues = tuple(
            learn_tongues(side, other) if self.pairs >= ENOUGH else Tongues()
            for side, other in zip(sides, apart, strict=True)
        )
        self.scripts = tuple(_scripts(side) if self.pairs >= ENOUGH else None for side in sides)
        ratios = [len(target) / len(source) for source, target in zip(*sides, strict=True) if source and target]
        self.ratio = median(ratios) if len(ratios) >= FEW else None
        """Characters of the target for one of the source; None where that is not to be told."""

    def turned(self) -> "Profile":
        """The profile of the same text with its sides the other way round."""
        other = copy(self)
        other.markers = self.markers._replace(source=self.markers.target, target=self.markers.source)
        other.tongues = self.tongues[::-1]
        other.scripts, other.ratio = self.scripts[::-1], 1 / self.ratio if self.ratio else None
        return other


@cache
def script(letter: str) -> str:
    """The script of a letter, as Unicode names it: `latin`, `cyrillic`; all that Japanese is written in is `cjk`."""
    name, plain = _first(letter), unicodedata.normalize("NFKC", letter)[:1]
    if name in _NAMED:
        return _NAMED[name]
    return name if plain == letter or _first(plain) == name else COMMON


def _first(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0].lower()


def _scripts(texts: Sequence[str]) -> frozenset[str]:
    letters = Counter("".join(texts))
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        if letter.isalpha() and script(letter) != COMMON:
            scripts[script(letter)] += count
    return frozenset(name for name, count in scripts.items() if count >= USUAL * scripts.total())
