"""Filters: which pairs are not worth training on, and why. Every pair that is dropped is counted under one reason."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PositiveInt

from nmtk.data.pairs import Pair
from nmtk.options import Options


class Reason(StrEnum):
    """Why a pair is dropped. One that has several faults goes under the first of them, in this order."""

    EMPTY = "empty"
    IDENTICAL = "identical"
    LONG = "too long"
    RATIO = "length ratio"
    HELD_OUT = "with a side in a validation or test set"
    DUPLICATE = "duplicate"


class FilterOptions(Options):
    """Recipe key `filters`: which pairs stay out of training. A pair with an empty side always does.

    Lengths are in pieces of the vocabulary, without `</s>`. The defaults drop only what cannot be a translation or
    cannot be trained on; the two switches throw away text that may be wanted, and so are off.
    """

    longest: PositiveInt = 256
    """A pair with more pieces than this on either side is dropped: one such sentence sets the size of its batch."""
    ratio: Annotated[float, Field(ge=1.0)] = 9.0
    """A pair whose longer side has more than this many times the pieces of the shorter is dropped as misaligned."""
    ratio_over: PositiveInt = 20
    """The ratio counts only when the longer side has more pieces than this: a word may well need a phrase."""
    drop_identical: bool = False
    """Drop pairs with the same text on both sides: names and numbers in clean text, untranslated lines in a crawl."""
    drop_duplicates: bool = False
    """Keep only the first of the pairs that are the same, character for character (cost: see `duplicates.Seen`)."""

    def fault(self, pair: Pair, source: Sequence[int], target: Sequence[int]) -> Reason | None:
        """What is wrong with a pair by itself, given the ids of its sides; None when nothing is.

        Duplicates are not seen here: they are a matter of the pairs before.
        """
        short, long = sorted((len(source), len(target)))
        if not short or not pair.source.strip() or not pair.target.strip():
            return Reason.EMPTY
        if self.drop_identical and pair.source.strip() == pair.target.strip():
            return Reason.IDENTICAL
        if long > self.longest:
            return Reason.LONG
        if long > self.ratio_over and long > self.ratio * short:
            return Reason.RATIO
        return None
