"""The loss of two passes over the same tokens, which never holds all logits of either.

With p and q what the passes predict, z and y their logits and d = log p - log q, the divergences are
KL(p || q) = sum p d and KL(q || p) = -sum q d, and their gradients

    of KL(p || q): p (d - KL(p || q)) for z and q - p for y,
    of KL(q || p): p - q for z and q (-d - KL(q || p)) for y.
"""

from typing import Any

import torch
from torch import Tensor

from nmtk.model.linear import multiply
from nmtk.training.consistency import Weights
from nmtk.training.loss import Loss, chunk_rows, entropy, scaled

FEWER = 4
"""A chunk has so many times fewer rows than in the plain loss, since more is held of each: memory is about the same."""


def consistent_cross_entropy(
    hidden_2ND: Tensor, weight_VD: Tensor, gold_N: Tensor, smoothing: float, bias_V: Tensor | None, weights: Weights
) -> Loss:
    """The loss of two passes' hidden states: their smoothed cross-entropies and divergences, weighted.

    Its `nll` is weighted as the cross-entropies are. Probabilities are float32 at the least, since a divergence is the
    small difference of large logarithms; the type of the products is autocast's.
    """
    dtype = hidden_2ND.dtype
    if torch.is_autocast_enabled(hidden_2ND.device.type):
        dtype = torch.get_autocast_dtype(hidden_2ND.device.type)
    low_bias_V = None if bias_V is None else bias_V.to(dtype)
    with torch.autocast(hidden_2ND.device.type, enabled=False):
        loss, nll = _ConsistentCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden_2ND.to(dtype), weight_VD.to(dtype), low_bias_V, gold_N, smoothing, weights
        )
        return Loss(loss, nll)


class _ConsistentCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> tuple[Tensor, Tensor]:
        loss, nll, *gradients = _with_gradients(*given)
        ctx.save_for_backward(*gradients)
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return (*scaled(ctx.saved_tensors, grads[0]), None, None, None)


def _with_gradients(
    hidden_2ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N: Tensor, smoothing: float, weights: Weights
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Both sums of the loss, and the gradients of the first for hidden states, matrix and bias.

    The gradients that the module names, sorted by what stands before them, are for z:
    p (first + back + forth (d - sum p d)) - q back - first * target; and for y:
    q (second + forth - back (d - sum q d)) - p forth - second * target.
    """
    size, count = len(weight_VD), len(gold_N)
    wide = torch.promote_types(hidden_2ND.dtype, torch.float32)
    loss = hidden_2ND.new_zeros((), dtype=wide)
    nll = torch.zeros_like(loss)
    share_211 = _pair(loss, weights.first, weights.second)
    slope_211 = _pair(loss, weights.first + weights.back, weights.second + weights.forth)
    pull_211 = _pair(loss, weights.forth, -weights.back)
    grad_hidden_2ND = torch.empty_like(hidden_2ND)
    grad_weight_VD = torch.zeros_like(weight_VD, dtype=wide)
    grad_bias_V = None if bias_V is None else torch.zeros_like(bias_V, dtype=wide)
    rows = max(1, chunk_rows(size, hidden_2ND.device) // FEWER)
    for first in range(0, count, rows):
        hidden = hidden_2ND[:, first : first + rows].flatten(0, 1)
        gold = gold_N[None, first : first + rows, None].expand(2, -1, 1)
        logp = multiply(hidden, weight_VD, bias_V).log_softmax(1, dtype=wide).view(2, -1, size)
        p = logp.exp()
        right = -logp.gather(2, gold)
        nll += (share_211 * right).sum()
        loss += (share_211 * ((1 - smoothing) * right - smoothing / size * logp.sum(2, keepdim=True))).sum()
        gap = logp[0] - logp[1]
        apart = (p * gap).sum(2, keepdim=True)  # KL(p || q) and -KL(q || p)
        loss += (pull_211 * apart).sum()
        grad = torch.sub(gap, apart, out=logp).mul_(pull_211).add_(slope_211).mul_(p)
        grad[0].sub_(p[1], alpha=weights.back)
        grad[1].sub_(p[0], alpha=weights.forth)
        grad -= share_211 * (smoothing / size)
        grad.scatter_add_(2, gold, (share_211 * (smoothing - 1)).expand_as(gold))
        low = grad.view(-1, size).to(weight_VD.dtype)
        grad_hidden_2ND[:, first : first + rows] = multiply(low, weight_VD.T).view(2, -1, weight_VD.size(1))
        grad_weight_VD += multiply(low.T, hidden.T)
        if grad_bias_V is not None:
            grad_bias_V += grad.sum((0, 1))
    loss -= count * (weights.first + weights.second) * entropy(smoothing, size)
    low_bias_V = None if grad_bias_V is None or bias_V is None else grad_bias_V.to(bias_V.dtype)
    return loss, nll, grad_hidden_2ND, grad_weight_VD.to(weight_VD.dtype), low_bias_V


def _pair(like: Tensor, one: float, other: float) -> Tensor:
    """A number for each pass, made where they are: to send them to a GPU would make it wait."""
    return torch.stack([like.new_full((1, 1), one), like.new_full((1, 1), other)])
