"""Dropout (Srivastava et al. 2014) that is quick on CPUs too."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 256
"""On CPU a random byte decides on an element, so rates are rounded to this many steps."""

_LONG = 1 << 15
"""From so many random bytes on, NumPy's generator is faster than PyTorch's, seeding included."""


class Dropout(nn.Module):
    """Zero each element with probability `rate` in training and scale the rest, so that the mean stays.

    Random numbers come from torch's default generator of the device, or from one that it seeds. On CPU, torch draws one
    number for each element, which can cost more than the layer that dropout follows; here eight elements share a 64-bit
    random word, and it takes a fifth of the time. The rate is rounded to 1/256 (0.1 becomes 0.1016), and the scale is
    right for the rounded rate. On other devices it is torch's own dropout.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.threshold = min(round(rate * _LEVELS), _LEVELS - 1)
        self.scale = _LEVELS / (_LEVELS - self.threshold)

    @property
    def active(self) -> bool:
        """Whether anything is dropped now."""
        return self.training and self.rate > 0.0

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        """The same shape; with `relu` of relu(x), which on a CPU takes fewer passes over memory than one by one."""
        if not self.active:
            return F.relu(x) if relu else x
        if x.device.type != "cpu" or torch.compiler.is_compiling():
            return F.dropout(F.relu(x) if relu else x, self.rate)
        out: Tensor = _DroppedReLU.apply(x, self) if relu else x * self._factor(x)  # type: ignore[no-untyped-call]
        return out

    def _factor(self, x: Tensor) -> Tensor:
        """What each element is multiplied with: nought, or the scale."""
        # Comparing into the type that is multiplied saves a pass over memory.
        kept = torch.ge(random_bytes(x.numel()), self.threshold, out=torch.empty(x.numel(), dtype=x.dtype))
        return kept.mul_(self.scale).view(x.shape)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


def random_bytes(count: int) -> Tensor:
    """So many random bytes, on the CPU: uint8. Many of them are SFC64's, whose seed torch's generator draws."""
    words = -(-count // 8)
    if count < _LONG:
        return torch.empty(words, dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)[:count]
    seed = int(torch.empty((), dtype=torch.int64).random_())
    return torch.from_numpy(np.random.SFC64(seed).random_raw(words).view(np.uint8))[:count]


class _DroppedReLU(torch.autograd.Function):
    """ReLU and dropout, of which only the result is kept: what it has above nought was neither cut off nor dropped."""

    @staticmethod
    def forward(x: Tensor, dropout: Dropout) -> Tensor:
        noise = random_bytes(x.numel()).view(x.shape).to(x.dtype)
        kept: Tensor = torch.ops.aten.threshold_backward(x, noise, dropout.threshold - 0.5)
        return _where_positive(kept, kept, dropout.scale)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Dropout], output: Tensor) -> None:
        ctx.scale = inputs[1].scale
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _where_positive(grads[0], ctx.saved_tensors[0], ctx.scale), None


def _where_positive(x: Tensor, sign: Tensor, scale: float) -> Tensor:
    """Scale x where the sign is above nought, and make nought of the rest: in one pass, by the gradient of an ELU."""
    scaled: Tensor = torch.ops.aten.elu_backward(x, 0.0, scale, 0.0, True, sign)
    return scaled
