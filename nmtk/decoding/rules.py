"""Rules: what may, must or should not come next, whatever the strategy."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from nmtk.decoding.living import Living
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.sentences import Sentence
from nmtk.decoding.specials import Specials


class Rule(Protocol):
    """One rule, made for the sentences of a batch. search.py applies it at every step, before the strategy chooses."""

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Change the log-probabilities of the next token in place: -inf forbids.

        Something must be left to every hypothesis that lives; where the limit asks for `</s>`, search sees to it.
        """


def make_rules(
    options: DecodingOptions, batch: Sequence[Sentence], specials: Specials, device: torch.device
) -> list[Rule]:
    """The rules that the options and the sentences of a batch ask for; none that would do nothing."""
    return []
