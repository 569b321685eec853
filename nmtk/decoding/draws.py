"""Random draws that belong to a sentence: the same for it in whatever batch it is translated.

A generator's numbers depend on all that was drawn before, and so on the batch. Here a number is a hash of what it is
for: the seed, the sentence's key, the row among its hypotheses, the step. So nothing need be kept between steps.
"""

import torch
from torch import Tensor

from nmtk.devices import sum_type

_GAMMA, _FIRST, _SECOND = (
    constant - (1 << 64) for constant in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
"""The constants of SplitMix64 (Steele, Lea & Flood 2014, figure 16), as they are in 64 bits with a sign."""

_BITS = 24
"""Bits of a uniform number: as many as float32 holds exactly."""

_LIST = 64
"""Tokens that are sorted at first where the most probable are wanted: for most rows they are enough."""


def uniforms(seed: int, key_B: Tensor, width: int, step: int) -> Tensor:
    """A number in [0, 1) for each of the `width` rows of each sentence at a step: uniform_BW, float32."""
    row_W = torch.arange(width, device=key_B.device)
    hash_B = _mix(_mix(torch.full_like(key_B, seed)) ^ key_B)
    hash_BW = _mix(_mix(hash_B[:, None] ^ row_W) ^ step)
    return _shift(hash_BW, 64 - _BITS).float() * 2.0**-_BITS


def draw(score_RV: Tensor, uniform_R: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """A token for each row, by its scores (logits, with -inf for what cannot be): token_R.

    The scores are divided by the temperature; then only the `top_k` best stay (0: all); of these the fewest that have
    `top_p` of the probability (Holtzman et al. 2020, section 3.1), one at the least. What stays is drawn from by
    inverting its distribution function.
    """
    score_RV = score_RV.float()
    # At most 0 before the exponential, so that a low temperature can only overflow to what cannot be.
    part_RV = (score_RV - score_RV.amax(1, keepdim=True)).div_(temperature).exp_()
    size = part_RV.shape[1]
    if top_k:
        return _from_best(part_RV, uniform_R, top_p, min(top_k, size), None)
    if top_p < 1:
        return _from_best(part_RV, uniform_R, top_p, min(_LIST, size), part_RV.sum(1, keepdim=True))
    return _invert(part_RV, uniform_R)


def _from_best(part_RV: Tensor, uniform_R: Tensor, top_p: float, count: int, whole_R1: Tensor | None) -> Tensor:
    """Draw from the `count` largest parts, or of these from the fewest that have `top_p` of the whole.

    Where the whole is more than these have, and `top_p` of it too, the row is drawn again from a longer list.
    """
    part_RC, token_RC = part_RV.topk(count)
    sum_R1 = part_RC.sum(1, keepdim=True)
    before_RC = (part_RC.cumsum(1) - part_RC) / (sum_R1 if whole_R1 is None else whole_R1)
    place_R = _invert(part_RC.where(before_RC < top_p, 0.0), uniform_R)
    token_R = token_RC.gather(1, place_R[:, None]).squeeze(1)
    size = part_RV.shape[1]
    if whole_R1 is not None and count < size:
        short = (sum_R1 < top_p * whole_R1).squeeze(1).nonzero().squeeze(1)
        if len(short):
            longer = min(8 * count, size)
            token_R[short] = _from_best(part_RV[short], uniform_R[short], top_p, longer, whole_R1[short])
    return token_R


def _invert(part_RV: Tensor, uniform_R: Tensor) -> Tensor:
    """The first place up to which more than this share of the row's sum lies; never one whose own part is 0."""
    sum_RV = part_RV.cumsum(1, dtype=sum_type(part_RV.device))
    aim_R1 = uniform_R[:, None].to(sum_RV.dtype) * sum_RV[:, -1:]
    # Only rows that are no numbers lead beyond the end; search tells of them.
    return torch.searchsorted(sum_RV, aim_R1, right=True).squeeze(1).clamp(max=part_RV.shape[1] - 1)


def _mix(x: Tensor) -> Tensor:
    """SplitMix64's next number: every bit of x changes about half of the bits. Overflow is wanted."""
    x = x + _GAMMA
    x = (x ^ _shift(x, 30)) * _FIRST
    x = (x ^ _shift(x, 27)) * _SECOND
    return x ^ _shift(x, 31)


def _shift(x: Tensor, bits: int) -> Tensor:
    """To the right, with zeros coming in: torch's own shift repeats the sign."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)
