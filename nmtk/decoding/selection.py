"""The largest of many numbers, without sorting them or copying them once more."""

import torch
from torch import Tensor

RUN = 32
"""Entries looked at together: the maxima of runs are cheap, and far fewer than the entries."""


def largest_sums(base_BW: Tensor, more_BWV: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of base_BW + more_BWV in each sentence, best first: sums_BC and places_BC in W * V.

    The largest entries lie in the `count` runs of the vocabulary with the largest maxima, so only those are added up
    and sorted: faster than the top of all W * V, and the same but for the order of equals. C is smaller than `count`
    where W * V is.
    """
    B, W, V = more_BWV.shape
    runs, flat_BE = V // RUN, more_BWV.reshape(B, W * V)
    if W * runs <= count:
        sums_BC, places_BC = (base_BW[..., None] + more_BWV).flatten(1).topk(min(count, W * V))
        return sums_BC, places_BC
    peaks_BWN = more_BWV[..., : runs * RUN].reshape(B, W, runs, RUN).amax(-1) + base_BW[..., None]
    best_BC = peaks_BWN.flatten(1).topk(count, sorted=False).indices
    within = torch.arange(RUN, device=flat_BE.device)
    starts_BC = best_BC // runs * V + best_BC % runs * RUN
    places_BE = (starts_BC[..., None] + within).flatten(1)
    if rest := V % RUN:
        rows = torch.arange(W, device=flat_BE.device)[:, None] * V
        ends = (rows + torch.arange(V - rest, V, device=flat_BE.device)).flatten()
        places_BE = torch.cat([places_BE, ends.expand(B, -1)], 1)
    sums_BE = flat_BE.gather(1, places_BE) + base_BW.gather(1, places_BE // V)
    sums_BC, chosen_BC = sums_BE.topk(count)
    return sums_BC, places_BE.gather(1, chosen_BC)
