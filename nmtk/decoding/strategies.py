"""Search strategies: each only chooses how hypotheses go on. The loop, the cache and what has finished are search.py's.

A strategy has a `width` (how many hypotheses of a sentence live side by side), `groups` (into how many parts they
fall that do not compete), a `penalty` (how finished ones of different lengths compare), a rule when to `stop`, and
`choose`. To add one: a class here, and its name in `Strategy`.
"""

from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from nmtk.decoding.living import Living
from nmtk.decoding.penalties import Gnmt, NoPenalty, Penalty
from nmtk.decoding.selection import largest_sums
from nmtk.options import BY_KIND, Options

Stop: TypeAlias = Literal["full", "exact"]
"""When a sentence is done, if its hypotheses have not all reached the longest length allowed.

Either way it is done as soon as no living hypothesis can beat the best finished ones, as many as were asked for.
Log-probabilities only fall and a penalty's divisor only grows, so what a living hypothesis of log-probability l can
still reach is at most l / divisor(longest length allowed): that stop never changes the result.

`exact` stops for no other reason. `full` stops also when as many hypotheses have finished as the beam is wide, the
usual rule elsewhere; it saves the steps that the proof costs, and makes a beam of width 1 greedy search.
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
    """What search asks of a strategy."""

    @property
    def width(self) -> int: ...

    @property
    def groups(self) -> int: ...

    @property
    def penalty(self) -> Penalty: ...

    @property
    def stop(self) -> Stop: ...

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """How the hypotheses of each sentence go on."""


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
        return Choice(living.base_BW + best_B1, torch.zeros_like(token_B1), token_B1)


class Beam(Options):
    """Keep the `width` best continuations of each sentence, over all its hypotheses together."""

    kind: Literal["beam"] = "beam"
    width: PositiveInt = 4
    penalty: Penalty = Gnmt()
    stop: Stop = "full"

    groups: ClassVar[int] = 1

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """The best 2 * width: even if each hypothesis ends, and that is among the best, `width` others are left."""
        logp_BC, place_BC = largest_sums(living.base_BW, next_BWV, 2 * self.width)
        size = next_BWV.shape[-1]
        return Choice(logp_BC, place_BC // size, place_BC % size)


Strategy = Annotated[Greedy | Beam, Field(discriminator="kind"), BY_KIND]
