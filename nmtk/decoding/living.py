"""What strategies and rules are shown at each step: the hypotheses that are still growing."""

from typing import NamedTuple

from torch import Tensor


class Living(NamedTuple):
    """The W hypotheses of each of the B sentences that are still at work, right before a step."""

    step: int
    """The step to come, from 1: each hypothesis has step - 1 tokens."""
    sentence_B: Tensor
    """The sentences' places in the batch as it began, where B was N."""
    key_B: Tensor
    """Their names for random numbers."""
    limit_B: Tensor
    """The steps at which they must end."""
    token_BWT: Tensor
    """The tokens so far, T = step - 1; not to be changed."""
    logp_BW: Tensor
    """The hypotheses' log-probabilities; -inf where there is none."""
