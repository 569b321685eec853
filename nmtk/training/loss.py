"""The loss: cross-entropy over the vocabulary with label smoothing, without ever holding all logits.

Label smoothing (Vaswani et al. 2017, section 5.4; Szegedy et al. 2016): the target distribution q gives 1 - e to the
right token and spreads e evenly over the whole vocabulary. What is minimised is KL(q || p) = CE(q, p) - H(q); the
entropy H(q) is a constant, taken off so that a perfect model has a loss of 0.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmtk.model.linear import multiply

LEAST = 1e-38
"""A right token's probability counts as at least this when the loss is told: no more than 87.5 nats for one token."""

MOST = 1e20
"""Sums of e^z up to this, and down to its inverse, lose nothing by the ends of bfloat16's range."""

PART = 128
"""A row's sum comes from PyTorch rounded to bfloat16; of sums of so many numbers the roundings cancel one another."""


class Loss(NamedTuple):
    """Sums over target tokens, in nats."""

    smoothed: Tensor
    """KL divergence to the smoothed distribution, and what else is minimised; the only part that carries gradients."""
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

    Rows are taken in chunks; the gradient of a chunk is computed right behind its logits, which are then gone: so
    memory holds one chunk of logits, not N x V. With gradients, in bfloat16, each row's loss carries the rounding of
    probabilities and their sums (one part in 256 at the most, either way, so that of what is certain it may be below
    nought); without, the sums are exact.
    """
    dtype = hidden_ND.dtype
    if torch.is_autocast_enabled(hidden_ND.device.type):
        dtype = torch.get_autocast_dtype(hidden_ND.device.type)
    given = hidden_ND.to(dtype), weight_VD.to(dtype), None if bias_V is None else bias_V.to(dtype), gold_N, smoothing
    with torch.autocast(hidden_ND.device.type, enabled=False):  # which on GPUs would turn the softmax into float32
        if not torch.is_grad_enabled():
            return Loss(*_measured(*given))
        loss, nll = _SmoothedCrossEntropy.apply(*given)  # type: ignore[no-untyped-call]
        return Loss(loss, nll)


class _SmoothedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        loss, nll, *gradients = _with_gradients(hidden_ND, weight_VD, bias_V, gold_N, smoothing)
        ctx.save_for_backward(*gradients)
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return (*scaled(ctx.saved_tensors, grads[0]), None, None)


def scaled(gradients: Sequence[Tensor | None], factor: Tensor) -> list[Tensor | None]:
    """Gradients that were computed beforehand, times that of the loss; each keeps its type."""
    return [None if gradient is None else (gradient * factor).to(gradient.dtype) for gradient in gradients]


def chunk_rows(size: int, device: torch.device) -> int:
    """Rows of a chunk: 16 million logits on a CPU, 128 million on a GPU, where launches cost."""
    return max(64, (1 << 24 if device.type == "cpu" else 1 << 27) // size)


def _measured(
    hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Both sums of the loss, for their own sake: whatever the type of the logits, they are summed in float32."""
    size = len(weight_VD)
    loss = hidden_ND.new_zeros((), dtype=torch.float32)
    nll = torch.zeros_like(loss)
    rows = chunk_rows(size, hidden_ND.device)
    for hidden, gold in zip(torch.split(hidden_ND, rows), torch.split(gold_N, rows), strict=True):
        logits = multiply(hidden, weight_VD, bias_V).float()
        total = logits.logsumexp(1).sum()
        right = total - logits.gather(1, gold[:, None]).sum()
        nll += right
        loss += (1 - smoothing) * right + smoothing * (total - logits.sum() / size)
    return loss - len(gold_N) * entropy(smoothing, size), nll


def _with_gradients(
    hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N: Tensor, smoothing: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Both sums of the loss, and the gradients of the first for hidden states, matrix and bias.

    The gradient for the logits is p - q. Of q, the even part e/V is the same for each of them, so what it gives to a
    sum over the vocabulary or over the rows is known without a pass over N x V numbers. The rows of p need not sum to
    one, see `_Odds`: what they sum to divides a smaller factor of each product, or its result.
    """
    size, count = len(weight_VD), len(gold_N)
    even = smoothing / size
    weight_sum_D = weight_VD.sum(0, dtype=torch.float32)
    hidden_sum_D = hidden_ND.sum(0, dtype=torch.float32)
    nll = hidden_ND.new_zeros((), dtype=torch.float32)
    total = torch.zeros_like(nll)
    grad_hidden_ND = torch.empty_like(hidden_ND)
    grad_weight_VD = (hidden_sum_D * -even).expand(weight_VD.shape).contiguous()
    grad_bias_V = None if bias_V is None else torch.full_like(bias_V, -even * count, dtype=torch.float32)
    rows = chunk_rows(size, hidden_ND.device)
    for first in range(0, count, rows):
        hidden, gold = hidden_ND[first : first + rows], gold_N[first : first + rows, None]
        odds = _odds(hidden, weight_VD, bias_V, gold)
        nll += odds.nll
        total += odds.total
        place = torch.arange(len(gold), device=gold.device)[:, None] * size + gold
        q_N1 = ((1 - smoothing) * odds.sums_N1).to(odds.p_NV.dtype)
        odds.p_NV.put_(place, -q_N1, accumulate=True)  # scatter_ would copy all of p
        grad_hidden_ND[first : first + rows] = multiply(odds.p_NV, weight_VD.T) / odds.sums_N1
        grad_weight_VD += multiply(odds.p_NV.T, (hidden / odds.sums_N1).to(hidden.dtype).T)
        if grad_bias_V is not None:
            grad_bias_V += multiply(odds.p_NV.T, odds.sums_N1.reciprocal().to(hidden.dtype).T)[:, 0]
    grad_hidden_ND -= (weight_sum_D * even).to(grad_hidden_ND.dtype)
    logits_sum = hidden_sum_D @ weight_sum_D
    if bias_V is not None:
        logits_sum += count * bias_V.sum(dtype=torch.float32)
    loss = (1 - smoothing) * nll + smoothing * (total - logits_sum / size) - count * entropy(smoothing, size)
    low_bias_V = None if grad_bias_V is None else grad_bias_V.to(hidden_ND.dtype)
    return loss, nll, grad_hidden_ND, grad_weight_VD.to(weight_VD.dtype), low_bias_V


class _Odds(NamedTuple):
    p_NV: Tensor
    """In proportion to the softmax of each row of logits."""
    sums_N1: Tensor
    """What the rows of p sum to, in float32 or better."""
    nll: Tensor
    """The sum over the rows of their right tokens' negative log-likelihood."""
    total: Tensor
    """The sum over the rows of log sum exp z."""


def _odds(hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, gold_N1: Tensor) -> _Odds:
    """Softmax, or in bfloat16 on a CPU e^z in the place of z: two thirds of its time, unless that leaves its range."""
    logits_NV = multiply(hidden_ND, weight_VD, bias_V)
    right = logits_NV.gather(1, gold_N1).sum(dtype=torch.float32)
    if logits_NV.device.type == "cpu" and logits_NV.dtype == torch.bfloat16:
        sums_N1 = _row_sums(logits_NV.exp_())
        if sums_N1.min() > 1 / MOST and sums_N1.max() < MOST:  # which no NaN is
            total = sums_N1.log().sum()
            return _Odds(logits_NV, sums_N1, total - right, total)
        del logits_NV
        logits_NV = multiply(hidden_ND, weight_VD, bias_V)
    p_NV = logits_NV.softmax(1)
    nll = -p_NV.gather(1, gold_N1).float().clamp_min(LEAST).log().sum()
    kind = torch.promote_types(p_NV.dtype, torch.float32)
    return _Odds(p_NV, torch.ones_like(gold_N1, dtype=kind), nll, nll + right)


def _row_sums(x_NV: Tensor) -> Tensor:
    """Sums of rows of bfloat16, in float32: N1. From PyTorch they come rounded, so first rows are summed in parts."""
    whole = x_NV.size(1) // PART * PART
    parts_NP = x_NV[:, :whole].view(len(x_NV), whole // PART, PART).sum(-1)
    rest_N1 = x_NV[:, whole:].sum(1, keepdim=True)
    return torch.cat((parts_NP, rest_N1), 1).sum(1, keepdim=True, dtype=torch.float32)
