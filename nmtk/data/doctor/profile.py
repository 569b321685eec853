"""Profile: what is usual in a corpus, learned from its own first pairs, without a list of any language's words.

The corpus is judged by itself: what most pairs are is right, and what differs from them is told. So a corpus of which
most pairs are swapped is told of those that are not.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from statistics import median

from nmtk.data.doctor.reading import Portion

SAMPLE = 50_000
"""Pairs that a profile is learned from, the first of the corpus; so many are held in memory."""
ENOUGH = 200
"""Pairs from which on there is something to go by."""
FREQUENT, TELLING = 1e-3, 20
"""A word tells a side when it is so large a share of its words, and so many times larger a one than on the other."""
USUAL = 0.01
"""The share of a side's letters from which on their script is one of the side's own."""

_WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]+")
"""A word; where no spaces part them (Thai, Lao, Chinese, Japanese), a character."""
_CHARACTER_SCRIPTS = {"hiragana": "cjk", "katakana": "cjk", "fullwidth": "latin", "halfwidth": "cjk"}


class Profile:
    """The words that tell the sides apart, the scripts of each side, and how long targets are for their sources."""

    def __init__(self, sample: Sequence[Portion]) -> None:
        sides = [[text for portion in sample for text in portion.sides[side]] for side in (0, 1)]
        self.pairs = len(sides[0])
        self.markers = _markers(sides) if self.pairs >= ENOUGH else (frozenset[str](), frozenset[str]())
        self.scripts = tuple(_scripts(side) if self.pairs >= ENOUGH else None for side in sides)
        ratios = [len(target) / len(source) for source, target in zip(*sides, strict=True) if source and target]
        self.ratio = median(ratios) if len(ratios) >= ENOUGH else 1.0
        """Characters of the target for one of the source."""


def words(text: str) -> list[str]:
    """The words of a text, without case."""
    return _WORD.findall(text.lower())


@cache
def script(letter: str) -> str:
    """The script of a letter, as Unicode names it: `latin`, `cyrillic`; all that Japanese is written in is `cjk`."""
    name = unicodedata.name(letter, "unknown").split()[0].lower()
    return _CHARACTER_SCRIPTS.get(name, name)


def _markers(sides: Sequence[Sequence[str]]) -> tuple[frozenset[str], frozenset[str]]:
    counts = [Counter(word for text in side for word in words(text)) for side in sides]
    shares = [{word: n / count.total() for word, n in count.items()} for count in counts]

    def telling(own: dict[str, float], other: dict[str, float]) -> frozenset[str]:
        return frozenset(
            word for word, share in own.items() if share >= FREQUENT and share > TELLING * other.get(word, 0.0)
        )

    return telling(shares[0], shares[1]), telling(shares[1], shares[0])


def _scripts(texts: Sequence[str]) -> frozenset[str]:
    letters = Counter("".join(texts))
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        if letter.isalpha():
            scripts[script(letter)] += count
    return frozenset(name for name, count in scripts.items() if count >= USUAL * scripts.total())
