"""Prefixes: how translations must begin."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nmtk.decoding.living import Living
from nmtk.decoding.rules import Rule


class Prefix:
    """Each sentence begins with the tokens given for it, at the model's own probabilities (Wuebker et al. 2016).

    What is asked for stands above all other rules, so they are inside this one.
    """

    def __init__(self, prefixes: Sequence[Sequence[int]], rules: Sequence[Rule], device: torch.device):
        self.longest, self.rules = max(map(len, prefixes)), rules
        rows = [[*prefix, *[-1] * (self.longest - len(prefix))] for prefix in prefixes]
        self.token_NT = torch.tensor(rows, device=device)

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Leave the given token alone, where there is one for this step."""
        if living.step > self.longest:
            self._inner(living, next_BWV)
            return
        token_B = self.token_NT[living.sentence_B, living.step - 1]
        forced = (token_B >= 0).nonzero().squeeze(1)
        token_F = token_B[forced]
        logp_FW = next_BWV[forced, :, token_F]
        self._inner(living, next_BWV)
        next_BWV[forced] = -torch.inf
        next_BWV[forced, :, token_F] = logp_FW

    def _inner(self, living: Living, next_BWV: Tensor) -> None:
        for rule in self.rules:
            rule.apply(living, next_BWV)
