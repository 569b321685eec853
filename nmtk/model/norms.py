"""Normalisation of the residual stream."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Norm: TypeAlias = Literal["layer", "rms"]
NormOrder: TypeAlias = Literal["post", "pre"]

EPSILON = 1e-5


class LayerNorm(nn.LayerNorm):
    """LayerNorm with bias (Ba et al. 2016), whose output has the type of its input, under autocast too.

    Mean and variance are computed in float32 inside the kernel.
    """

    def forward(self, input: Tensor) -> Tensor:
        weight, bias = self.weight.to(input.dtype), self.bias.to(input.dtype)
        with torch.autocast(input.device.type, enabled=False):  # which would turn the stream into float32
            return F.layer_norm(input, self.normalized_shape, weight, bias, self.eps)


class RMSNorm(nn.RMSNorm):
    """RMSNorm, which has a scale only (Zhang and Sennrich 2019); types as in `LayerNorm`."""

    def forward(self, x: Tensor) -> Tensor:
        assert self.weight is not None
        with torch.autocast(x.device.type, enabled=False):
            return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)


def make_norm(kind: Norm, width: int) -> nn.Module:
    """The norm of this kind."""
    kinds: dict[Norm, type[LayerNorm] | type[RMSNorm]] = {"layer": LayerNorm, "rms": RMSNorm}
    return kinds[kind](width, eps=EPSILON)
