"""Normalisation of the residual stream."""

from typing import Literal, TypeAlias

from torch import nn

Norm: TypeAlias = Literal["layer", "rms"]
NormOrder: TypeAlias = Literal["post", "pre"]

EPSILON = 1e-5


def make_norm(kind: Norm, width: int) -> nn.Module:
    """LayerNorm with bias (Ba et al. 2016), or RMSNorm, which has a scale only (Zhang and Sennrich 2019)."""
    kinds: dict[Norm, type[nn.LayerNorm] | type[nn.RMSNorm]] = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}
    return kinds[kind](width, eps=EPSILON)
