"""Dropout (Srivastava et al. 2014) that is quick on CPUs too."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 256
"""On CPU a random byte decides on an element, so rates are rounded to this many steps."""


class Dropout(nn.Module):
    """Zero each element with probability `rate` in training and scale the rest, so that the mean stays.

    Random numbers come from torch's default generator of the device. On CPU, torch draws one number for each element,
    which can cost more than the layer that dropout follows; here eight elements share a 64-bit random word, and it
    takes a fifth of the time. The rate is rounded to 1/256 (0.1 becomes 0.1016), and the scale is right for the rounded
    rate. On other devices it is torch's own dropout.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.threshold = min(round(rate * _LEVELS), _LEVELS - 1)

    @property
    def active(self) -> bool:
        """Whether anything is dropped now."""
        return self.training and self.rate > 0.0

    def forward(self, x: Tensor) -> Tensor:
        if not self.active:
            return x
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            return x * self._factor(x)
        return F.dropout(x, self.rate, self.training)

    def _factor(self, x: Tensor) -> Tensor:
        """What each element is multiplied with: nought, or the scale."""
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        bytes_ = words.view(torch.uint8)[: x.numel()]
        # Comparing into the type that is multiplied saves a pass over memory.
        kept = torch.ge(bytes_, self.threshold, out=torch.empty(x.numel(), dtype=x.dtype, device=x.device))
        return kept.mul_(_LEVELS / (_LEVELS - self.threshold)).view(x.shape)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"
