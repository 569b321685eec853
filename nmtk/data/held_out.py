"""Held out: the sentences of validation and test sets, which training must not see."""

import re
from collections.abc import Iterable

from nmtk.data.pairs import Pair

_TAIL = 12
_READ = 2 * _TAIL
"""Characters of a text that are looked at first. Most texts have `_TAIL` letters and digits among them."""
_ELSE = re.compile(r"[\W_]+")


class HeldOut:
    """The sentences of validation and test sets.

    A training pair is dropped when its source is one of their sources, or its target one of their targets: a model
    that has met either side would be measured on what it remembers. Letters and digits count, case and all else
    don't: `Guten Tag!` is `guten Tag`. The cost in memory is that of the validation and test sets.
    """

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        texts = list(pairs)
        self._sides = _Side(pair.source for pair in texts), _Side(pair.target for pair in texts)

    def holds(self, pair: Pair) -> bool:
        """Whether a side of the pair is held out."""
        sources, targets = self._sides
        return sources.holds(pair.source) or targets.holds(pair.target)


class _Side:
    """The texts of one side, bare, and how they end: that tells nearly all others apart, at a fifth of the cost."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._bare = {bare(text) for text in texts} - {""}
        self._tails = {text[-_TAIL:] for text in self._bare}

    def holds(self, text: str) -> bool:
        tail = bare(text[-_READ:])[-_TAIL:]  # what is bare of a part is a part of what is bare of the whole
        return (len(tail) < _TAIL or tail in self._tails) and bare(text) in self._bare


def bare(text: str) -> str:
    """A text's letters and digits, without case."""
    return _ELSE.sub("", text.casefold())
