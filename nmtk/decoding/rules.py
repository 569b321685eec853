"""Rules: what may, must or should not come next, whatever the strategy."""

from typing import Protocol

from torch import Tensor

from nmtk.decoding.living import Living


class Rule(Protocol):
    """One rule, made for the sentences of a batch. search.py applies it at every step, before the strategy chooses."""

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Change the log-probabilities of the next token in place: -inf forbids.

        Something must be left to every hypothesis that lives; where the limit asks for `</s>`, search sees to it.
        """
