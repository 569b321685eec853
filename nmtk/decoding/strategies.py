"""Search strategies: each only chooses how hypotheses go on. The loop, the cache and what has finished are search.py's.

A strategy has a `width` (how many hypotheses of a sentence live side by side), `groups` (into how many parts they
fall that do not compete), a `penalty` (how finished ones of different lengths compare), a rule when to `stop`, and
`choose`. To add one: a class here, and its name in `Strategy`.
"""

from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol, Self, TypeAlias

import torch
from pydantic import Field, NonNegativeInt, model_validator
from torch import Tensor

from nmtk.decoding.bounds import LEAST_SHARE, MOST_FACTOR, MOST_WIDE
from nmtk.decoding.draws import draw, uniforms
from nmtk.decoding.living import Living
from nmtk.decoding.mbr import Utility
from nmtk.decoding.penalties import Gnmt, NoPenalty, Penalty
from nmtk.decoding.selection import largest_sums
from nmtk.options import BY_KIND, Options

Width = Annotated[int, Field(ge=1, le=MOST_WIDE)]

Stop: TypeAlias = Literal["full", "best", "exact"]
"""When a sentence is done, if its hypotheses have not all reached the longest length allowed.

Either way it is done as soon as no living hypothesis can beat the best finished ones, as many as were asked for.
Log-probabilities only fall and a penalty's divisor only grows, so what a living hypothesis of log-probability l can
still reach is at most l / divisor(longest length allowed): that stop never changes the result.

`exact` stops for no other reason. `full` stops also when as many hypotheses have finished as the beam is wide, the
usual rule elsewhere; it saves the steps that the proof costs. But of a model that is sure of itself nearly all that a
wide beam holds is poor, and what of it ends would end the search before the one good hypothesis. So `best` wants, too,
that none that goes on is better so far than the best of those. With either a beam of width 1 is greedy search. Where a
strategy has groups, each of them stops so.
"""


class Choice(NamedTuple):
    """How the hypotheses of each sentence may go on: C candidates, at least as many as the width, best first.

    A candidate is a hypothesis of before, its parent, with one token more; logp_BC is the log-probability of the whole.
    Those of the first `width` that end the sentence are finished; the first `width` of the others live on. What cannot
    be, such as a continuation of a hypothesis that is none, has log-probability -inf.

    Where a strategy has groups, group g has the g-th part of the rows and of the candidates, and all this holds in
    each group. With one row and one candidate in each, every row goes on from itself.
    """

    logp_BC: Tensor
    parent_BC: Tensor
    token_BC: Tensor


class Chooser(Protocol):
    """What search asks of a strategy: the classes of `Strategy` and any other that has this."""

    @property
    def width(self) -> int: ...

    @property
    def groups(self) -> int: ...

    @property
    def penalty(self) -> Penalty: ...

    @property
    def stop(self) -> Stop: ...

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """How the living hypotheses go on, given the scores of the next token."""


class Greedy(Options):
    """Take the most probable token, step by step."""

    kind: Literal["greedy"] = "greedy"

    width: ClassVar[int] = 1
    groups: ClassVar[int] = 1
    penalty: ClassVar[NoPenalty] = NoPenalty()
    stop: ClassVar[Stop] = "full"

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """The best token of each sentence's one hypothesis."""
        best_B1, token_B1 = next_BWV.squeeze(1).max(-1, keepdim=True)
        return Choice(living.logp_BW + best_B1, torch.zeros_like(token_B1), token_B1)


class Beam(Options):
    """Keep the `width` best continuations of each sentence, over all its hypotheses together."""

    kind: Literal["beam"] = "beam"
    width: Width = 4
    penalty: Penalty = Gnmt()
    stop: Stop = "best"

    groups: ClassVar[int] = 1

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """The best 2 * width: even if each hypothesis ends, and that is among the best, `width` others are left."""
        logp_BC, place_BC = largest_sums(living.logp_BW, next_BWV, 2 * self.width)
        size = next_BWV.shape[-1]
        return Choice(logp_BC, place_BC // size, place_BC % size)


class DiverseBeam(Options):
    """Beams side by side that are kept apart (Vijayakumar et al. 2016): each of the `groups` has its part of the width.

    At each step the groups choose in turn. A token loses `strength` for every hypothesis that an earlier group has
    continued with it at this step (Hamming diversity), among the as many first choices as a group has hypotheses. That
    only bears on the choice: what is summed up and reported is the model's true log-probability. With strength 0 all
    groups are the same, and one group is a beam.
    """

    kind: Literal["diverse-beam"] = "diverse-beam"
    width: Width = 8
    groups: Width = 4
    strength: Annotated[float, Field(ge=0, le=MOST_FACTOR)] = 0.5
    penalty: Penalty = Gnmt()
    stop: Stop = "best"

    @model_validator(mode="after")
    def _groups_are_equal(self) -> Self:
        if self.width % self.groups:
            raise ValueError(f"found width {self.width} in {self.groups} groups, wanted a multiple of {self.groups}")
        return self

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """For each group what a beam of its width would choose, were the scores those that are left."""
        share, size = self.width // self.groups, next_BWV.shape[-1]
        lost_BV = torch.zeros_like(next_BWV[:, 0])
        found = []
        for first in range(0, self.width, share):
            base_BW, own_BWV = (x[:, first : first + share] for x in (living.logp_BW, next_BWV))
            score_BC, place_BC = largest_sums(base_BW, own_BWV - lost_BV[:, None], 2 * share)
            parent_BC, token_BC = place_BC // size, place_BC % size
            logp_BC = base_BW.gather(1, parent_BC) + own_BWV.flatten(1).gather(1, place_BC)
            found.append(Choice(logp_BC, parent_BC + first, token_BC))
            there_BW = score_BC[:, :share].isfinite().to(lost_BV.dtype)
            lost_BV.scatter_add_(1, token_BC[:, :share], self.strength * there_BW)
        return Choice(*(torch.cat(parts, 1) for parts in zip(*found, strict=True)))


class Draws(Options):
    """Each token drawn at random, from the model's distribution or a part of it; each row goes its own way.

    `temperature` divides the logits; `top_k` and `top_p` leave only the most probable tokens, see `draw`. What is
    reported is the model's true log-probability, before any of that. Draws depend on the seed, the sentence's key, the
    row and the step, and on nothing else: the same line at the same place of a text is translated the same in any
    batch, but for a draw so near the bound of two tokens that rounding decides.
    """

    kind: str
    samples: Width
    temperature: Annotated[float, Field(ge=LEAST_SHARE, le=MOST_FACTOR)] = 1.0
    """Towards 0 it is greedy search."""
    top_k: NonNegativeInt = 0
    """0 is all."""
    top_p: Annotated[float, Field(ge=LEAST_SHARE, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 1

    penalty: ClassVar[NoPenalty] = NoPenalty()
    """Samples have no need of one: it only puts them in order, the most probable first."""
    stop: ClassVar[Stop] = "full"

    @property
    def width(self) -> int:
        return self.samples

    @property
    def groups(self) -> int:
        return self.samples

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """A token for each row."""
        B, W, _ = next_BWV.shape
        uniform_BW = uniforms(self.seed, living.key_B, W, living.step)
        token_R = draw(next_BWV.flatten(0, 1), uniform_BW.flatten(), self.temperature, self.top_k, self.top_p)
        token_BW = token_R.view(B, W)
        logp_BW = living.logp_BW + next_BWV.gather(2, token_BW[..., None]).squeeze(2)
        return Choice(logp_BW, torch.arange(W, device=token_BW.device).expand(B, W), token_BW)


class Sampling(Draws):
    """`samples` translations drawn by their probability (ancestral sampling), the most probable first.

    They are samples: the same translation may be among them more than once. Those that cannot be among the best that
    were asked for are not drawn to their end.
    """

    kind: Literal["sampling"] = "sampling"
    samples: Width = 1


class Mbr(Draws):
    """Minimum Bayes risk: of `samples` translations the one that is most like the others (Eikema & Aziz 2020).

    Likeness is the metric's figure with the other as the reference (Freitag et al. 2022, section 3.1). search.py only
    draws the samples; see `decide` in mbr.py.
    """

    kind: Literal["mbr"] = "mbr"
    samples: Annotated[int, Field(ge=2, le=MOST_WIDE)] = 64
    metric: Utility = "chrf"


Strategy = Annotated[Greedy | Beam | DiverseBeam | Sampling | Mbr, Field(discriminator="kind"), BY_KIND]
