"""Matrices laid out beforehand as oneDNN wants to read them, for translating on CPUs.

`F.linear` in float32 asks MKL, which takes its widest vectors on Intel's processors only and orders the matrix anew at
every call. oneDNN with its own layout takes less than half its time on an AMD EPYC of the Zen 4 kind, but for the
smallest products; in bfloat16, which PyTorch always multiplies by oneDNN, it is the layout alone that is saved
(tests/benchmarks/packed.py measures both).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.model.linear import SMALL, has_onednn
from nmtk.model.transformer import Transformer


class PackedLinear(nn.Module):
    """A linear map whose weights are in oneDNN's layout: [..., K] to [..., N] in their type. For inference, on CPUs."""

    def __init__(self, weight_NK: Tensor, bias_N: Tensor | None) -> None:
        super().__init__()
        weight_NK = weight_NK.detach()
        # Plain attributes, since a module takes longer to find its buffers than some of the steps take.
        self.size = weight_NK.numel()
        self.small_NK = weight_NK if self.size <= SMALL and weight_NK.dtype == torch.float32 else None
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight_NK.contiguous())
        self.bias_N = None if bias_N is None else bias_N.detach()

    def forward(self, x: Tensor) -> Tensor:
        if self.small_NK is not None and x.numel() // x.shape[-1] * self.size <= SMALL:
            return F.linear(x, self.small_NK, self.bias_N)
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias_N, "none", [], "")
        return out


def pack(model: Transformer) -> Transformer:
    """Lay out the matrices of every layer and of the output, where that can be done (`has_onednn`). In place.

    Their plain form is given up, and with it their names among the parameters.
    """
    weight = model.source_embedding.weight
    if has_onednn(weight.device, weight.dtype):
        model.replace_matrices(PackedLinear)
    return model
