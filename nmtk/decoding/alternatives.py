"""Alternatives at a position: after a prefix, the most probable tokens, and how each of them would go on."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nmtk.decoding.living import Living
from nmtk.decoding.penalties import Penalty
from nmtk.decoding.strategies import Choice, Stop


@dataclass(frozen=True)
class Alternatives:
    """Take the `width` most probable tokens at one step, each in a row of its own, and go on greedily from there.

    Before that step a rule makes all rows of a sentence follow its prefix, so that they are equal; rows never compete,
    so each alternative gets to its end.
    """

    width: int
    step_N: Tensor
    """The step at which each sentence branches: 1 more than its prefix is long."""
    penalty: Penalty

    stop: ClassVar[Stop] = "full"

    @property
    def groups(self) -> int:
        """Every row for itself."""
        return self.width

    def choose(self, living: Living, next_BWV: Tensor) -> Choice:
        """The best token of each row; where the sentence branches, the best `width` of its first row."""
        branch_B1 = (self.step_N[living.sentence_B] == living.step)[:, None]
        token_BW = next_BWV.argmax(-1).where(~branch_B1, next_BWV[:, 0].topk(self.width).indices)
        logp_BW = living.logp_BW + next_BWV.gather(2, token_BW[..., None]).squeeze(2)
        return Choice(logp_BW, torch.arange(self.width, device=token_BW.device).expand_as(token_BW), token_BW)
