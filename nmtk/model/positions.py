"""How the model knows the order of the pieces: one class for each kind, and the union of them is the registry.

A kind acts at two seams: `at_input` gives a module that is applied to the embeddings, and `attend` gives the module
that compares queries with keys in self-attention. A new kind is a class here, and a name in `Positions`.
"""

import math
from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from nmtk.errors import DataError
from nmtk.model.attention import Attend, attention_weights
from nmtk.options import BY_KIND, Options

TABLE = 1024
"""Positions that are computed beforehand; later ones are computed when they are needed."""


class AtInput(nn.Module):
    """Adds nothing: base of the modules that place the embeddings."""

    def forward(self, x_BTD: Tensor, start: int, stop: int) -> Tensor:
        """Embeddings at positions start..stop-1 (or all at one, in a step of decoding), placed: BTD."""
        return x_BTD


class _Position(Options):
    """Base of the kinds: one that does nothing."""

    def check(self, width: int, heads: int) -> None:
        """Raise ValueError when the model's sizes do not suit."""

    def at_input(self, width: int) -> AtInput:
        """The module that is applied to the embeddings, before dropout."""
        return AtInput()

    def attend(self, head_width: int, dropout: float) -> Attend:
        """The module that compares queries and keys in self-attention; each layer has its own."""
        return Attend(dropout)

    def longest(self) -> int | None:
        """The most pieces that a sequence may have; None when there is no such limit."""
        return None


def interleaved(start: int, stop: int, width: int) -> Tensor:
    """Sin and cos of p / 10000^(2i/D) at columns 2i and 2i+1: TD (Vaswani et al. 2017, section 3.5)."""
    angle_TI = _angles(start, stop, torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angle_TI.sin(), angle_TI.cos()], dim=-1).flatten(1).float()


def concatenated(start: int, stop: int, width: int) -> Tensor:
    """All sines, then all cosines, of p / 10000^(i/(D/2-1)): TD (`get_timing_signal_1d` of Tensor2Tensor).

    Marian and fairseq have it from there. The wavelengths reach 10000 * 2 pi, where those of the paper's formula stop
    one short of it.
    """
    half = width // 2
    angle_TI = _angles(start, stop, torch.arange(half, dtype=torch.float64) / max(half - 1, 1))
    return torch.cat([angle_TI.sin(), angle_TI.cos()], dim=-1).float()


def hf_marian(start: int, stop: int, width: int) -> Tensor:
    """All sines, then all cosines, of p / 10000^(2i/D): the paper's wavelengths in Tensor2Tensor's order: TD.

    This is what Hugging Face computes for Marian models, although Marian itself has the wavelengths of `concatenated`.
    """
    angle_TI = _angles(start, stop, torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.cat([angle_TI.sin(), angle_TI.cos()], dim=-1).float()


def _angles(start: int, stop: int, exponent_I: Tensor) -> Tensor:
    return torch.arange(start, stop, dtype=torch.float64)[:, None] * torch.exp(-math.log(10000.0) * exponent_I)


_LAYOUTS: dict[str, Callable[[int, int, int], Tensor]] = {
    "interleaved": interleaved,
    "concatenated": concatenated,
    "hf-marian": hf_marian,
}


class _Table(nn.Module):
    """Rows of a function of the position: kept for the first positions, computed for later ones."""

    rows_TN: Tensor

    def __init__(self, function: Callable[[int, int, int], Tensor], width: int) -> None:
        super().__init__()
        self.function = function
        self.width = width
        self.register_buffer("rows_TN", function(0, TABLE, width), persistent=False)

    def forward(self, start: int, stop: int) -> Tensor:
        if stop <= self.rows_TN.size(0):
            return self.rows_TN[start:stop]
        return self.function(start, stop, self.width).to(self.rows_TN.device, self.rows_TN.dtype)


class AddTable(AtInput):
    """Adds a fixed signal."""

    def __init__(self, function: Callable[[int, int, int], Tensor], width: int) -> None:
        super().__init__()
        self.table = _Table(function, width)

    def forward(self, x_BTD: Tensor, start: int, stop: int) -> Tensor:
        signal_TD: Tensor = self.table(start, stop)
        return x_BTD + signal_TD.to(x_BTD.dtype)


class Sinusoid(_Position):
    """Fixed waves of many lengths, added to the embeddings (Vaswani et al. 2017, section 3.5).

    `interleaved` is the paper's order of columns, `concatenated` that of Tensor2Tensor and Marian, which also space
    the wavelengths a little wider, and `hf-marian` the paper's wavelengths in Tensor2Tensor's order.
    """

    kind: Literal["sinusoid"] = "sinusoid"
    layout: Literal["interleaved", "concatenated", "hf-marian"] = "interleaved"

    def check(self, width: int, heads: int) -> None:
        if width % 2:
            raise ValueError(f"sinusoid positions need an even width, found {width}")

    def at_input(self, width: int) -> AtInput:
        return AddTable(_LAYOUTS[self.layout], width)


class AddLearned(AtInput):
    """Adds one learned vector for each position."""

    def __init__(self, longest: int, width: int) -> None:
        super().__init__()
        self.weight_TD = nn.Parameter(torch.empty(longest, width))
        nn.init.normal_(self.weight_TD, std=width**-0.5)

    def forward(self, x_BTD: Tensor, start: int, stop: int) -> Tensor:
        if stop > self.weight_TD.size(0):
            raise DataError(
                f"a sequence of {stop} pieces, but this model learned positions for {self.weight_TD.size(0)}: "
                "split the line, or train with a larger model.positions.maximum"
            )
        return x_BTD + self.weight_TD[start:stop]


class Learned(_Position):
    """A learned vector for each position, added to the embeddings (Gehring et al. 2017)."""

    kind: Literal["learned"] = "learned"
    maximum: PositiveInt = 1024

    def at_input(self, width: int) -> AtInput:
        return AddLearned(self.maximum, width)

    def longest(self) -> int | None:
        return self.maximum


class RelativeAttend(Attend):
    """Attention whose scores and values depend on the distance from query to key (Shaw et al. 2018, section 3)."""

    def __init__(self, clip: int, head_width: int, dropout: float) -> None:
        super().__init__(dropout)
        self.clip = clip
        self.key_NK = nn.Parameter(torch.empty(2 * clip + 1, head_width))
        self.value_NK = nn.Parameter(torch.empty(2 * clip + 1, head_width))
        nn.init.xavier_uniform_(self.key_NK)
        nn.init.xavier_uniform_(self.value_NK)

    def distances(self, queries: int, keys: int, beams: int) -> Tensor:
        """Row of the tables for each query and key: TS. The queries are the last positions of the keys."""
        device = self.key_NK.device
        key_S = torch.arange(keys, device=device) // beams
        query_T = torch.arange(keys - queries, keys, device=device) // beams
        return (key_S - query_T[:, None]).clamp(-self.clip, self.clip) + self.clip

    def weights(self, q_BHTK: Tensor, k_BHSK: Tensor, keep_BHTS: Tensor | None, causal: bool, beams: int = 1) -> Tensor:
        key_TSK = self.key_NK[self.distances(q_BHTK.size(-2), k_BHSK.size(-2), beams)]
        bias_BHTS = torch.einsum("bhtk,tsk->bhts", q_BHTK / math.sqrt(q_BHTK.size(-1)), key_TSK)
        return attention_weights(q_BHTK, k_BHSK, keep_BHTS, causal, bias_BHTS)

    def forward(
        self,
        q_BHTK: Tensor,
        k_BHSK: Tensor,
        v_BHSK: Tensor,
        keep_BHTS: Tensor | None,
        causal: bool,
        beams: int = 1,
    ) -> Tensor:
        weights_BHTS: Tensor = self.dropout(self.weights(q_BHTK, k_BHSK, keep_BHTS, causal, beams))
        value_TSK = self.value_NK[self.distances(q_BHTK.size(-2), k_BHSK.size(-2), beams)]
        return weights_BHTS @ v_BHSK + torch.einsum("bhts,tsk->bhtk", weights_BHTS, value_TSK)


class Relative(_Position):
    """Learned vectors for distances up to `clip` either way, in keys and values (Shaw et al. 2018).

    The vectors are shared by the heads of a layer. Costs T * S * K numbers of memory in each layer.
    """

    kind: Literal["relative"] = "relative"
    clip: NonNegativeInt = 16

    def attend(self, head_width: int, dropout: float) -> Attend:
        return RelativeAttend(self.clip, head_width, dropout)


def rotation(start: int, stop: int, width: int) -> Tensor:
    """Cos and sin of p / 10000^(2i/K), cosines first: T by K."""
    angle_TI = _angles(start, stop, torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.cat([angle_TI.cos(), angle_TI.sin()], dim=-1).float()


class RotaryAttend(Attend):
    """Turns each pair of neighbouring columns of queries and keys by an angle that grows with the position.

    Two vectors turned so have a product that depends on their distance alone (Su et al. 2021, section 3.2.2).
    """

    def __init__(self, head_width: int, dropout: float) -> None:
        super().__init__(dropout)
        self.table = _Table(rotation, head_width)

    def turn(self, x_BHTK: Tensor, start: int, stop: int) -> Tensor:
        cos_TI, sin_TI = self.table(start, stop).to(x_BHTK.dtype).chunk(2, dim=-1)
        even_BHTI, odd_BHTI = x_BHTK[..., 0::2], x_BHTK[..., 1::2]
        return torch.stack(
            [even_BHTI * cos_TI - odd_BHTI * sin_TI, even_BHTI * sin_TI + odd_BHTI * cos_TI], dim=-1
        ).flatten(-2)


class Rotary(_Position):
    """Queries and keys of self-attention are rotated by their position (Su et al. 2021)."""

    kind: Literal["rotary"] = "rotary"

    def check(self, width: int, heads: int) -> None:
        if width // heads % 2:
            raise ValueError(f"rotary positions need heads of even width, found {width // heads}")

    def attend(self, head_width: int, dropout: float) -> Attend:
        return RotaryAttend(head_width, dropout)


class NoPositions(_Position):
    """The encoder sees a bag of pieces; the decoder knows order only through its causal mask (Haviv et al. 2022)."""

    kind: Literal["none"] = "none"


Positions: TypeAlias = Annotated[
    Sinusoid | Learned | Relative | Rotary | NoPositions, Field(discriminator="kind"), BY_KIND
]
