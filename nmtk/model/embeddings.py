"""Token embeddings."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Embedding(nn.Module):
    """One vector for each piece, multiplied by sqrt(D) when `scale` is set (Vaswani et al. 2017, section 3.4).

    Weights start as N(0, 1/D): scaled, they have the size of the position signal; unscaled, as output weights of a
    tied model, they give logits of size one.
    """

    def __init__(self, size: int, width: int, scale: bool) -> None:
        super().__init__()
        self.factor = math.sqrt(width) if scale else 1.0
        self.weight = nn.Parameter(torch.empty(size, width))
        nn.init.normal_(self.weight, std=width**-0.5)

    def forward(self, ids_BT: Tensor, known_BT: Tensor | None = None) -> Tensor:
        """The vectors BTD; nought where `known` is False."""
        x_BTD = F.embedding(ids_BT, self.weight) * self.factor
        return x_BTD if known_BT is None else x_BTD * known_BT[..., None]

    def extra_repr(self) -> str:
        return f"{self.weight.size(0)}, {self.weight.size(1)}, factor={self.factor:g}"
