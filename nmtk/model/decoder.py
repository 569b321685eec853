"""The stack of decoder layers."""

from typing import cast

from torch import Tensor, nn

from nmtk.model.cache import Cache
from nmtk.model.dropout import Dropout
from nmtk.model.layers import DecoderLayer, make_final_norm
from nmtk.model.options import TransformerOptions
from nmtk.model.precision import to_compute


class Decoder(nn.Module):
    """Embedded target and memory to hidden states that predict the next piece (Vaswani et al. 2017, section 3.1)."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        self.positions = options.positions.at_input(options.width)
        self.dropout = Dropout(options.dropout)
        # A ModuleList does not say what it holds.
        self.layers = cast(
            list[DecoderLayer], nn.ModuleList(DecoderLayer(options) for _ in range(options.decoder_layers))
        )
        self.norm = make_final_norm(options)

    def forward(self, x_BTD: Tensor, memory_BSD: Tensor, keep_BS: Tensor | None) -> Tensor:
        """Hidden states of all target positions at once, none of which sees a later one: BTD."""
        keep_B11S = None if keep_BS is None else keep_BS[:, None, None, :]
        x_BTD = self.dropout(to_compute(self.positions(x_BTD, 0, x_BTD.size(1))))
        for layer in self.layers:
            x_BTD = layer(x_BTD, memory_BSD, keep_B11S)
        hidden_BTD: Tensor = self.norm(x_BTD)
        return hidden_BTD

    def start(self, memory_BSD: Tensor, keep_BS: Tensor | None, width: int, longest: int, apart: bool = False) -> Cache:
        """A cache without a past, for W beams of each sentence and room for `longest` positions."""
        keep_B11S = None if keep_BS is None else keep_BS[:, None, None, :]
        memories = [layer.cross_attention.memory(memory_BSD, keep_B11S) for layer in self.layers]
        return Cache(memories, width, longest, apart)

    def step(self, x_BWD: Tensor, cache: Cache) -> Tensor:
        """Hidden states of the next position of each beam, which becomes part of the past: BWD."""
        x_BWD = to_compute(self.positions(x_BWD, cache.length, cache.length + 1))
        for layer, memory, past in zip(self.layers, cache.memories, cache.begin(), strict=True):
            x_BWD = layer.step(x_BWD, memory, past)
        cache.length += 1
        hidden_BWD: Tensor = self.norm(x_BWD)
        return hidden_BWD
