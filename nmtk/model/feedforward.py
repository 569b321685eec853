"""The position-wise feed-forward network and its activations."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.model.dropout import Dropout
from nmtk.model.linear import Linear

Activation: TypeAlias = Literal["relu", "gelu", "swish", "swiglu", "geglu"]


class _Activation(NamedTuple):
    function: Callable[[Tensor], Tensor]
    gated: bool


_ACTIVATIONS: dict[Activation, _Activation] = {
    "relu": _Activation(F.relu, gated=False),
    "gelu": _Activation(F.gelu, gated=False),
    "swish": _Activation(F.silu, gated=False),
    "swiglu": _Activation(F.silu, gated=True),
    "geglu": _Activation(F.gelu, gated=True),
}


class FeedForward(nn.Module):
    """Two linear maps with an activation between them (Vaswani et al. 2017, section 3.3).

    A gated activation (GLU variants, Shazeer 2020) multiplies the activation of one projection with another
    projection; both come from one matrix of 2F rows, the activated half first. It has half as many weights again as
    the plain form of the same F: shrink F to two thirds to compare like with like.
    """

    def __init__(self, width: int, inner: int, activation: Activation, dropout: float = 0.0) -> None:
        super().__init__()
        self.function, self.gated = _ACTIVATIONS[activation]
        self.inner = Linear(width, 2 * inner if self.gated else inner)
        self.dropout = Dropout(dropout)
        self.out = Linear(inner, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        h_BTF = self.inner(x_BTD)
        if self.gated:
            gate_BTF, value_BTF = h_BTF.chunk(2, dim=-1)
            h_BTF = self.dropout(self.function(gate_BTF) * value_BTF)
        elif self.function is F.relu and self.dropout.active:
            h_BTF = self.dropout(h_BTF, relu=True)
        else:
            h_BTF = self.dropout(self.function(h_BTF))
        out_BTD: Tensor = self.out(h_BTF)
        return out_BTD
