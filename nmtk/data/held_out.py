"""Held out: the sentences of validation and test sets, which training must not see."""

import re
from collections.abc import Iterable

from nmtk.data.pairs import Pair

_HEAD = 8
_READ = 3 * _HEAD
"""Characters of a text that are looked at first. Most texts have `_HEAD` letters and digits among them."""


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
    """The texts of one side, bare, and how they begin: that tells nearly all others apart at a fifth of the cost."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._bare = {_bare(text) for text in texts} - {""}
        self._heads = {bare[:_HEAD] for bare in self._bare}

    def holds(self, text: str) -> bool:
        head = _bare(text[:_READ])[:_HEAD]  # what is bare of a part is the beginning of what is bare of the whole
        return (len(head) < _HEAD or head in self._heads) and _bare(text) in self._bare


def _bare(text: str) -> str:
    """A text's letters and digits, without case."""
    return re.sub(r"[\W_]+", "", text.casefold())
