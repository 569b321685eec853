"""Mixed precision: weights in float32, and under autocast everything between them in the faster type."""

import torch
from torch import Tensor


def to_compute(x: Tensor) -> Tensor:
    """The tensor in the type that autocast computes in, or as it is where autocast is off.

    Called once, where a stack begins: sums and norms keep the type they are given, so the whole residual stream is
    in it, and no layer converts to float32 and back.
    """
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x
