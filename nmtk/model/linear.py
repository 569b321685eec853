"""Linear maps, in training too by the library that multiplies fastest on this processor.

PyTorch has MKL multiply in float32, which takes vectors of 512 bits on Intel's processors only. On AMD's that have them
oneDNN is asked in its place: on an EPYC of the Zen 4 kind whole updates take two thirds of the time
(tests/benchmarks/RESULTS.md).
"""

import platform
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.devices import cpu_flags, cpu_vendor

SMALL = 1 << 17
"""Up to so many products of numbers MKL is done before oneDNN has begun."""


def has_onednn(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies here, in this PyTorch, in this type."""
    return (
        device.type == "cpu"
        and dtype in (torch.float32, torch.bfloat16)
        and platform.machine() in ("x86_64", "AMD64")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def prefers_onednn(x: Tensor, columns: int) -> bool:
    """Whether oneDNN is faster than what PyTorch would ask, at multiplying x with a matrix of so many columns."""
    return (
        not torch.compiler.is_compiling()  # first: the rest is not for a compiler to trace
        and x.dtype == torch.float32
        and x.numel() * columns > SMALL
        and has_onednn(x.device, x.dtype)
        and cpu_vendor() == "AuthenticAMD"
        and "avx512f" in cpu_flags()
    )


def multiply(x: Tensor, weight_NK: Tensor, bias_N: Tensor | None = None) -> Tensor:
    """What `F.linear` gives, by the faster library, but without gradients: [..., K] to [..., N]."""
    if not prefers_onednn(x, len(weight_NK)):
        return F.linear(x, weight_NK, bias_N)
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight_NK, bias_N, "none", [], "")
    return out


class Linear(nn.Linear):
    """x w' + b, with the parameters of `nn.Linear`: [..., K] to [..., N]."""

    def forward(self, x: Tensor) -> Tensor:
        autocast = torch.is_autocast_enabled(x.device.type)
        if autocast or self.weight.dtype != x.dtype or not prefers_onednn(x, self.out_features):
            return super().forward(x)
        out: Tensor = _Product.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return out


class _Product(torch.autograd.Function):
    """`multiply` with gradients, which are products of the same sizes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_NK: Tensor, bias_N: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight_NK)
        return multiply(x, weight_NK, bias_N)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight_NK = ctx.saved_tensors
        grad_RN = grads[0].reshape(-1, len(weight_NK))
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        return (
            multiply(grad_RN, weight_NK.T).view(x.shape) if wants_x else None,
            multiply(grad_RN.T, x.reshape(-1, x.size(-1)).T) if wants_weight else None,
            grad_RN.sum(0) if wants_bias else None,
        )
