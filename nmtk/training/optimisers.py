"""Optimisers: each choice knows its settings and builds PyTorch's own implementation, fused where there is one."""

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import nn

from nmtk.options import BY_KIND, Options

Share = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[tuple[Share, Share], Field(strict=False)]  # not strict: what BY_KIND passes on has lists for tuples


class Adam(Options):
    """Adam (Kingma & Ba 2015) with the paper's settings (Vaswani et al. 2017, section 5.3)."""

    kind: Literal["adam"] = "adam"
    rate: PositiveFloat = 1e-3
    betas: Betas = (0.9, 0.98)
    epsilon: PositiveFloat = 1e-9

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser over these parameters."""
        return torch.optim.Adam(parameters, self.rate, self.betas, self.epsilon, fused=True)


class AdamW(Options):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"
    rate: PositiveFloat = 1e-3
    betas: Betas = (0.9, 0.98)
    epsilon: PositiveFloat = 1e-9
    weight_decay: NonNegativeFloat = 0.01

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser over these parameters; norms and biases (one axis) are not decayed."""
        kept = list(parameters)
        groups = [
            {"params": [p for p in kept if p.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [p for p in kept if p.ndim < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, self.rate, self.betas, self.epsilon, fused=True)


class Adafactor(Options):
    """Adafactor: second moments as rows and columns, little memory (Shazeer & Stern 2018)."""

    kind: Literal["adafactor"] = "adafactor"
    rate: PositiveFloat = 1e-2
    beta2_decay: Annotated[float, Field(lt=0)] = -0.8
    epsilon: PositiveFloat = 1e-3
    clip: PositiveFloat = 1.0
    weight_decay: NonNegativeFloat = 0.0

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser over these parameters."""
        return torch.optim.Adafactor(
            parameters, self.rate, self.beta2_decay, (None, self.epsilon), self.clip, self.weight_decay
        )


Optimiser = Annotated[Adam | AdamW | Adafactor, Field(discriminator="kind"), BY_KIND]
