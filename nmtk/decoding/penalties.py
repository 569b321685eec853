"""Length penalties: log-probabilities only fall with length, so a search without one favours short sentences.

A hypothesis of log-probability l and length n scores l / divisor(n). The length counts every target token, `</s>`
included, as does the log-probability. A divisor is 1 or more and never falls with length: search relies on it to
know when no hypothesis can be beaten any more.
"""

from typing import Annotated, Literal

from pydantic import Field

from nmtk.decoding.bounds import MOST_ALPHA
from nmtk.options import BY_KIND, Options

Alpha = Annotated[float, Field(ge=0, le=MOST_ALPHA)]
"""The strength of a penalty; 0 is none."""


class Gnmt(Options):
    """((5 + length) / 6)^alpha (Wu et al. 2016, eq. 14, without the coverage term)."""

    kind: Literal["gnmt"] = "gnmt"
    alpha: Alpha = 0.6

    def divisor(self, length: int) -> float:
        """1.0 at length 1."""
        return float(((5 + length) / 6) ** self.alpha)


class Average(Options):
    """length^alpha: with alpha 1, the score is the mean log-probability of a token."""

    kind: Literal["average"] = "average"
    alpha: Alpha = 1.0

    def divisor(self, length: int) -> float:
        """1.0 at length 1."""
        return float(length**self.alpha)


class NoPenalty(Options):
    """The score is the log-probability."""

    kind: Literal["none"] = "none"

    def divisor(self, length: int) -> float:
        """1.0 always."""
        return 1.0


Penalty = Annotated[Gnmt | Average | NoPenalty, Field(discriminator="kind"), BY_KIND]
