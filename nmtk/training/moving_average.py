"""The exponential moving average of the weights, kept beside them during training."""

import torch
from torch import nn

from nmtk.training.distributed import part


class MovingAverage:
    """The exponential moving average of a model's weights (Polyak & Juditsky 1992), its decay warmed up.

    After update u: average += (1 - d) * (weights - average), with d = min(decay, (1 + u) / (10 + u)).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live = list(model.parameters())
        self.average = [parameter.detach().clone() for parameter in self.live]

    def update(self, step: int) -> None:
        """Take in the weights after update `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages, weights = ([part(tensor.detach()) for tensor in side] for side in (self.average, self.live))
        torch._foreach_lerp_(averages, weights, 1 - decay)

    def swap(self) -> None:
        """Exchange the model's weights and their average; a second call undoes the first."""
        for live, average in zip(self.live, self.average, strict=True):
            kept = live.detach().clone()
            live.detach().copy_(average)
            average.copy_(kept)
