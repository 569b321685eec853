"""Shortest lengths: `</s>` is not allowed before."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nmtk.decoding.living import Living


class Shortest:
    """No translation has fewer pieces than its sentence asks for; below the limit, where it must end."""

    def __init__(self, least: Sequence[int], eos: int, device: torch.device):
        self.least_N, self.most, self.eos = torch.tensor(least, device=device), max(least), eos

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Forbid `</s>` where the translation is still too short."""
        if living.step <= self.most:
            short_B = living.step <= self.least_N[living.sentence_B]
            next_BWV[:, :, self.eos].masked_fill_(short_B[:, None], -torch.inf)
