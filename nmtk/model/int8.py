"""Weights in eight bits: half the memory traffic of bfloat16 and twice its speed, on CPUs that multiply bytes (VNNI).

Every row of a matrix and every row of its input has a scale of its own, so that its largest number becomes 127
(as in Wu 2020, arXiv 2004.09602, section 3, symmetric and per channel). Products and their sums are exact integers: a
row's result does not depend on the other rows. All between the products stays in float32; what rounding makes of that
in another batch, a millionth, can turn the rounding of a byte, a hundredth, and so now and then a near tie.
"""

import torch
from torch import Tensor, nn

from nmtk.model.transformer import NEAR, Transformer

LARGEST = 127
LEAST = 1e-30
"""A row of noughts has this for its largest number, so that nothing is divided by nought."""


class Int8Linear(nn.Module):
    """A linear map whose weights are bytes: [..., K] to [..., N] in float32. For inference, on CPUs."""

    def __init__(self, weight_NK: Tensor, bias_N: Tensor | None) -> None:
        super().__init__()
        weight_NK = weight_NK.detach().float()
        largest_N = weight_NK.abs().amax(1).clamp_min(LEAST)
        # Transposed without a copy: this is the order that the product wants. Plain attributes, since a module takes
        # longer to find its buffers than some of the steps below take.
        self.weight_KN = (weight_NK * (LARGEST / largest_N)[:, None]).round().to(torch.int8).t()
        self.scale_N = largest_N / LARGEST**2  # of both bytes: the input's scale is its largest number as it is
        self.bias_N = None if bias_N is None else bias_N.detach().float()

    def forward(self, x: Tensor) -> Tensor:
        x_RK = x.reshape(-1, x.shape[-1])
        rows = max(16, NEAR // self.scale_N.numel())
        if len(x_RK) <= rows:
            out_RN = self._multiply(x_RK)
        else:
            out_RN = x_RK.new_empty(len(x_RK), self.scale_N.numel())
            for part_RK, out in zip(torch.split(x_RK, rows), torch.split(out_RN, rows), strict=True):
                self._multiply(part_RK, out)
        return out_RN.view(*x.shape[:-1], -1)

    def _multiply(self, x_RK: Tensor, out: Tensor | None = None) -> Tensor:
        largest_R1 = x_RK.abs().amax(1, keepdim=True).clamp_min_(LEAST)
        bytes_RK = (x_RK * (LARGEST / largest_R1)).round_().to(torch.int8)
        sums_RN = torch._int_mm(bytes_RK, self.weight_KN) * largest_R1
        if self.bias_N is None:
            return torch.mul(sums_RN, self.scale_N, out=out)
        return torch.addcmul(self.bias_N, sums_RN, self.scale_N, out=out)


def quantise(model: Transformer) -> Transformer:
    """Put bytes in the place of the matrices of every layer and of the output; embeddings and norms stay. In place."""
    model.replace_matrices(Int8Linear)
    return model
