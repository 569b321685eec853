"""The update: the gradients of its batches, one batch after the other, and then the optimiser's step."""

import math

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from nmtk.data.batches import Batch
from nmtk.model.transformer import Transformer
from nmtk.training.distributed import Ranks, whole
from nmtk.training.moving_average import MovingAverage
from nmtk.training.options import TrainingOptions
from nmtk.training.parallel import lay_out
from nmtk.training.step import make_step


class Updater:
    """What changes a model's weights, and all that it needs to: laid out over the ranks, optimiser, moving average.

    An update is `accumulate` for each of its batches, then `clip`, then `apply`.
    """

    def __init__(self, model: Transformer, options: TrainingOptions, dtype: torch.dtype, ranks: Ranks) -> None:
        self.ranks, self._most = ranks, options.clip_norm or math.inf
        self.step = make_step(model, options, dtype, ranks.device)
        self._wrapped = lay_out(self.step, options.sharding, ranks)
        self.parameters = list(model.parameters())
        self.optimiser = options.optimiser.build(self.parameters)
        self.average = MovingAverage(model, options.ema) if options.ema else None

    def accumulate(self, batch: Batch, tokens: int, update: int, last: bool) -> Tensor:
        """Add the gradients of one of this rank's batches, as a part of the mean over so many target tokens of all.

        Returns the sums of `Loss` over the batch: smoothed, nll. With the `last`, ranks exchange what they have.
        """
        self.ranks.at(update, "forward")
        with self.ranks.exchange(self._wrapped, last):
            loss = self._wrapped(batch.to(self.ranks.device))
            self.ranks.at(update, "backward")
            (loss.smoothed * (self.ranks.world / tokens)).backward()
            return torch.stack([loss.smoothed.detach(), loss.nll])

    def clip(self) -> Tensor:
        """Shorten the gradient to `clip_norm`, if it is longer; returns the norm that it had."""
        return whole(clip_grad_norm_(self.parameters, self._most))

    def apply(self, update: int, rate: float) -> None:
        """Change the weights, and their average, by the gradients, which are then gone."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad()
        if self.average:
            self.average.update(update)
