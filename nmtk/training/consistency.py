"""Consistency: a batch goes through the model twice, and what the two passes predict is pulled together.

Each token's loss is a sum of four: the two passes' own cross-entropies and their divergences, KL(first || second) and
KL(second || first). A kind says how the passes differ and what weights the four have; gradients go into both passes.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, PositiveFloat

from nmtk.options import BY_KIND, Options


class Weights(NamedTuple):
    """Of the cross-entropies of both passes, which add up to 1, and of their divergences."""

    first: float
    second: float
    forth: float
    """KL(first || second)."""
    back: float
    """KL(second || first)."""


class RDrop(Options):
    """Two passes with dropout of their own agree with each other (Liang et al. 2021, section 2.1).

    The paper's loss is NLL1 + NLL2 + alpha * (KL12 + KL21) / 2. Here it is half of that, so that it is as large as
    the loss of one pass and `clip_norm` means the same; alpha is the paper's.
    """

    kind: Literal["r-drop"] = "r-drop"
    alpha: PositiveFloat = 5.0

    @property
    def cut(self) -> float:
        """No token is cut from the second pass."""
        return 0.0

    @property
    def weights(self) -> Weights:
        """(NLL1 + NLL2) / 2 + alpha * (KL12 + KL21) / 4."""
        return Weights(1 / 2, 1 / 2, self.alpha / 4, self.alpha / 4)


class SimCut(Options):
    """A pass that lost some tokens of both sides predicts what the whole one does (Gao et al. 2022, Bi-SimCut).

    The loss is NLL1 + alpha * KL12. A token is cut as in token cutoff (Shen et al. 2020): its embedding is nought, its
    position stays. As in the paper, the gradient of KL12 goes into the whole pass too: it is no fixed target.
    """

    kind: Literal["simcut"] = "simcut"
    alpha: PositiveFloat = 3.0
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Of each token to be cut."""

    @property
    def cut(self) -> float:
        """The share of tokens that is cut from the second pass."""
        return self.probability

    @property
    def weights(self) -> Weights:
        """NLL1 + alpha * KL12."""
        return Weights(1.0, 0.0, self.alpha, 0.0)


Consistency = Annotated[RDrop | SimCut, Field(discriminator="kind"), BY_KIND]
