"""Repetition: of n-grams, which can be forbidden, and of tokens, which can be made dearer."""

import torch
from torch import Tensor

from nmtk.decoding.living import Living


class NoRepeat:
    """No n-gram of pieces stands twice in a translation (Paulus et al. 2018, section 2.5)."""

    def __init__(self, size: int):
        self.size = size

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Forbid each token that followed the last size - 1 tokens before."""
        token_BWT, context = living.token_BWT, self.size - 1
        count = token_BWT.shape[-1] - context
        if count <= 0:
            return
        followed_BWN = token_BWT[..., context:]
        seen_BWN = torch.ones_like(followed_BWN, dtype=torch.bool)
        for place in range(context):
            seen_BWN &= token_BWT[..., place : place + count] == token_BWT[..., None, count + place]
        forbid(next_BWV, followed_BWN, seen_BWN)


class RepetitionPenalty:
    """The log-probability of each token that the hypothesis holds already, times `penalty` (Keskar et al. 2019).

    The paper divides a logit, which makes a token likelier where the logit is negative. Hugging Face and CTranslate2
    therefore multiply negative logits and divide positive ones, which depends on where the model's logits happen to
    lie; Hugging Face's beam search does so with log-probabilities, as is done here with every strategy: they are never
    positive and mean the same in every model. What a token loses is given to no other, so scores are then no
    longer the model's probabilities.
    """

    def __init__(self, penalty: float):
        self.penalty = penalty

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """A token counts once, however often it was said."""
        next_BWV.scatter_(2, living.token_BWT, next_BWV.gather(2, living.token_BWT) * self.penalty)


def forbid(next_BWV: Tensor, token_BWN: Tensor, where_BWN: Tensor) -> None:
    """Make these tokens impossible where it is so; a token may be named many times."""
    none_BWN = next_BWV.new_zeros(token_BWN.shape).masked_fill_(where_BWN, -torch.inf)
    next_BWV.scatter_add_(2, token_BWN, none_BWN)
