"""The loss: cross-entropy over the vocabulary with label smoothing, without ever holding all logits.

Label smoothing (Vaswani et al. 2017, section 5.4; Szegedy et al. 2016): the target distribution q gives 1 - e to the
right token and spreads e evenly over the whole vocabulary. What is minimised is KL(q || p) = CE(q, p) - H(q); the
entropy H(q) is a constant, taken off so that a perfect model has a loss of 0.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Loss(NamedTuple):
    """Sums over target tokens, in nats."""

    smoothed: Tensor
    """KL divergence to the smoothed distribution; the only part that carries gradients."""
    nll: Tensor
    """Negative log-likelihood of the right tokens."""


def entropy(smoothing: float, size: int) -> float:
    """The entropy in nats of the smoothed target distribution over `size` tokens."""
    rest = smoothing / size
    right = 1 - smoothing + rest
    return -right * math.log(right) - ((size - 1) * rest * math.log(rest) if rest else 0.0)


def smoothed_cross_entropy(
    hidden_ND: Tensor, weight_VD: Tensor, gold_N: Tensor, smoothing: float, bias_V: Tensor | None = None
) -> Loss:
    """The loss of N hidden states against their right tokens, through the output matrix and its bias, if it has one.

    Rows are taken in chunks; the gradient of a chunk is computed right behind its logits, which are then gone. So
    memory holds one chunk of logits, not N x V, and each logit is touched while it is in the cache.
    """
    dtype = hidden_ND.dtype
    if torch.is_autocast_enabled(hidden_ND.device.type):
        dtype = torch.get_autocast_dtype(hidden_ND.device.type)
    given = hidden_ND.to(dtype), weight_VD.to(dtype), bias_V, gold_N, smoothing
    if not torch.is_grad_enabled():
        return Loss(*_chunks(*given, gradients=False)[:2])
    loss, nll = _SmoothedCrossEntropy.apply(*given)  # type: ignore[no-untyped-call]
    return Loss(loss, nll)


class _SmoothedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        loss, nll, *gradients = _chunks(hidden_ND, weight_VD, bias_V, gold_N, smoothing, gradients=True)
        ctx.save_for_backward(*gradients)
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        scaled = [
            None if gradient is None else (gradient * grads[0]).to(gradient.dtype) for gradient in ctx.saved_tensors
        ]
        return (*scaled, None, None)


def chunk_rows(size: int, device: torch.device) -> int:
    """Rows of a chunk: 4 million logits on a CPU (16 MB, near its cache), 128 million on a GPU (fewer kernels)."""
    return max(64, (1 << 22 if device.type == "cpu" else 1 << 27) // size)


def _chunks(
    hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N: Tensor, smoothing: float, gradients: bool
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:
    """Both sums of the loss, and where wanted the gradients of the first for hidden states, matrix and bias."""
    size = len(weight_VD)
    rows = chunk_rows(size, hidden_ND.device)
    loss = hidden_ND.new_zeros((), dtype=torch.float32)
    nll = torch.zeros_like(loss)
    grad_hidden_ND = torch.empty_like(hidden_ND)
    grad_weight_VD = torch.zeros_like(weight_VD, dtype=torch.float32)
    grad_bias_V = None if bias_V is None else torch.zeros_like(bias_V)
    for first in range(0, len(gold_N), rows):
        chunk = slice(first, first + rows)
        hidden, gold = hidden_ND[chunk], gold_N[chunk, None]
        logits = F.linear(hidden, weight_VD).float()
        if bias_V is not None:
            logits += bias_V
        total = logits.logsumexp(1, keepdim=True)
        right = total.sum() - logits.gather(1, gold).sum()
        nll += right
        loss += (1 - smoothing) * right
        if smoothing:
            loss += smoothing * (total.sum() - logits.sum() / size)
        if not gradients:
            continue
        grad = logits.sub_(total).exp_()
        if smoothing:
            grad -= smoothing / size
        grad.scatter_add_(1, gold, grad.new_full((), smoothing - 1).expand_as(gold))
        if grad_bias_V is not None:
            grad_bias_V += grad.sum(0)
        low = grad.to(hidden.dtype)
        torch.mm(low, weight_VD, out=grad_hidden_ND[chunk])
        if low.dtype == torch.float32:
            grad_weight_VD.addmm_(low.T, hidden)
        else:
            grad_weight_VD += low.T @ hidden
    loss -= len(gold_N) * entropy(smoothing, size)
    if not gradients:
        return loss, nll, None, None, None
    return loss, nll, grad_hidden_ND, grad_weight_VD.to(weight_VD.dtype), grad_bias_V
