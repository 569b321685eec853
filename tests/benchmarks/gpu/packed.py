"""Candidate: the whole model on packed tokens, [N, D] without any padding, with variable-length flash attention.

The weights and everything between attentions are nmtk's own modules. Only sinusoid positions and dropout outside
attention are known here, which is what the paper's models have.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.data.batches import Batch
from nmtk.model.decoder import Decoder
from nmtk.model.encoder import Encoder
from nmtk.model.layers import DecoderLayer, EncoderLayer
from nmtk.model.positions import AddTable
from nmtk.model.precision import to_compute
from nmtk.training.loss import Loss, smoothed_cross_entropy
from nmtk.training.step import TrainingStep


@dataclass(frozen=True)
class Side:
    """One side of a batch: its N tokens end to end. `cuts` are the B + 1 places between sentences."""

    ids_N: Tensor
    place_N: Tensor
    cuts: Tensor
    longest: int

    @classmethod
    def of(cls, ids_BT: Tensor, lengths_B: Tensor) -> Self:
        """From a padded side, on the CPU."""
        place_BT = torch.arange(ids_BT.shape[1]).expand(ids_BT.shape)
        keep_BT = place_BT < lengths_B[:, None]
        cuts = F.pad(lengths_B.cumsum(0), (1, 0)).int()
        return cls(ids_BT[keep_BT], place_BT[keep_BT], cuts, int(lengths_B.max()))

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """With all its tensors sent through a function."""
        ids_N, place_N, cuts = map(function, (self.ids_N, self.place_N, self.cuts))
        return replace(self, ids_N=ids_N, place_N=place_N, cuts=cuts)


@dataclass(frozen=True)
class Packed:
    """A batch without padding; what `Batch` is for the padded model."""

    source: Side
    target: Side
    gold_N: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """From a padded batch, on the CPU."""
        gold_N = batch.gold_BT.flatten()[batch.real_N]
        source = Side.of(batch.source_BS, batch.source_lengths_B)
        return cls(source, Side.of(batch.target_BT, batch.target_lengths_B), gold_N)

    @property
    def positions(self) -> int:
        """All of them are tokens."""
        return len(self.source.ids_N) + len(self.target.ids_N)

    def pin(self) -> Self:
        """In page-locked memory."""
        pinned = self.source.map(Tensor.pin_memory), self.target.map(Tensor.pin_memory)
        return type(self)(*pinned, self.gold_N.pin_memory())

    def to(self, device: torch.device) -> Self:
        """On the device."""

        def move(x: Tensor) -> Tensor:
            return x.to(device, non_blocking=True)

        return type(self)(self.source.map(move), self.target.map(move), move(self.gold_N))


def mix(q_NHK: Tensor, k_MHK: Tensor, v_MHK: Tensor, queries: Side, keys: Side, causal: bool) -> Tensor:
    """Attention of each sentence's queries to its own keys: NHK."""
    if q_NHK.device.type == "cuda":
        return _flash(q_NHK, k_MHK, v_MHK, queries, keys, causal)
    keep_NM = _sentence(queries)[:, None] == _sentence(keys)
    if causal:
        keep_NM = keep_NM & (keys.place_N <= queries.place_N[:, None])
    q_1HNK, k_1HMK, v_1HMK = (x.transpose(0, 1)[None] for x in (q_NHK, k_MHK, v_MHK))
    return F.scaled_dot_product_attention(q_1HNK, k_1HMK, v_1HMK, keep_NM)[0].transpose(0, 1)


def _sentence(side: Side) -> Tensor:
    return torch.searchsorted(side.cuts, torch.arange(len(side.ids_N)), right=True)


def _flash(q_NHK: Tensor, k_MHK: Tensor, v_MHK: Tensor, queries: Side, keys: Side, causal: bool) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    known = inspect.signature(varlen_attn).parameters  # torch 2.10 says is_causal, later ones a window
    window = (-1, 0) if causal else (-1, -1)
    how: dict[str, Any] = {"is_causal": causal} if "is_causal" in known else {"window_size": window}
    mixed = varlen_attn(q_NHK, k_MHK, v_MHK, queries.cuts, keys.cuts, queries.longest, keys.longest, **how)
    assert isinstance(mixed, Tensor)  # without the sums that it could give too
    return mixed


def _cut(x_ND: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    return x_ND.view(len(x_ND), parts, heads, -1).unbind(1)


class PackedEncoderLayer(nn.Module):
    """An encoder layer on packed tokens."""

    def __init__(self, layer: EncoderLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x_ND: Tensor, side: Side) -> Tensor:
        attention = self.layer.self_attention

        def attend(z_ND: Tensor) -> Tensor:
            q_NHK, k_NHK, v_NHK = _cut(attention.project(z_ND), 3, attention.heads)
            return attention.out(mix(q_NHK, k_NHK, v_NHK, side, side, False).flatten(1))

        return self.layer.feed_residual(self.layer.self_residual(x_ND, attend), self.layer.feed_forward)


class PackedDecoderLayer(nn.Module):
    """A decoder layer on packed tokens."""

    def __init__(self, layer: DecoderLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x_ND: Tensor, memory_MD: Tensor, side: Side, source: Side) -> Tensor:
        own, cross = self.layer.self_attention, self.layer.cross_attention

        def attend(z_ND: Tensor) -> Tensor:
            q_NHK, k_NHK, v_NHK = _cut(own.project(z_ND), 3, own.heads)
            return own.out(mix(q_NHK, k_NHK, v_NHK, side, side, True).flatten(1))

        def look(z_ND: Tensor) -> Tensor:
            (q_NHK,) = _cut(cross.query(z_ND), 1, cross.heads)
            k_MHK, v_MHK = _cut(cross.remember(memory_MD), 2, cross.heads)
            return cross.out(mix(q_NHK, k_MHK, v_MHK, side, source, False).flatten(1))

        x_ND = self.layer.cross_residual(self.layer.self_residual(x_ND, attend), look)
        return self.layer.feed_residual(x_ND, self.layer.feed_forward)


class PackedStep(nn.Module):
    """The forward pass of training on packed tokens, with the weights of a padded one."""

    def __init__(self, step: TrainingStep) -> None:
        super().__init__()
        self.step = step
        encoder: Iterable[Any] = step.model.encoder.layers  # to a ModuleList all are just modules
        decoder: Iterable[Any] = step.model.decoder.layers
        self.encoder = nn.ModuleList(PackedEncoderLayer(layer) for layer in encoder)
        self.decoder = nn.ModuleList(PackedDecoderLayer(layer) for layer in decoder)

    def compile_layers(self) -> None:
        """As the padded step does it."""
        for layer in (*self.encoder, *self.decoder):
            layer.compile(dynamic=True)

    def forward(self, packed: Packed) -> Loss:
        model, source, target = self.step.model, packed.source, packed.target
        with self.step._precision(source.ids_N.device):
            memory_MD = self._place(model.source_embedding(source.ids_N), source, model.encoder)
            for layer in self.encoder:
                memory_MD = layer(memory_MD, source)
            memory_MD = model.encoder.norm(memory_MD)
            hidden_ND = self._place(model._target_embedding(target.ids_N), target, model.decoder)
            for layer in self.decoder:
                hidden_ND = layer(hidden_ND, memory_MD, target, source)
            output = model.output_weight_VD, packed.gold_N, self.step.smoothing, model.output_bias_V
            return smoothed_cross_entropy(model.decoder.norm(hidden_ND), *output)

    def _place(self, x_ND: Tensor, side: Side, stack: Encoder | Decoder) -> Tensor:
        assert isinstance(stack.positions, AddTable)
        signal_TD = stack.positions.table(0, side.longest)
        return stack.dropout(to_compute(x_ND + signal_TD[side.place_N]))
