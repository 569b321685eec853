"""The stack of encoder layers."""

from torch import Tensor, nn

from nmtk.model.dropout import Dropout
from nmtk.model.layers import EncoderLayer, make_final_norm
from nmtk.model.options import TransformerOptions
from nmtk.model.precision import to_compute


class Encoder(nn.Module):
    """Embedded source to memory (Vaswani et al. 2017, section 3.1)."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        self.positions = options.positions.at_input(options.width)
        self.dropout = Dropout(options.dropout)
        self.layers = nn.ModuleList(EncoderLayer(options) for _ in range(options.encoder_layers))
        self.norm = make_final_norm(options)

    def forward(self, x_BSD: Tensor, keep_BS: Tensor | None) -> Tensor:
        """Memory: BSD. What stands at padded positions means nothing."""
        keep_B11S = None if keep_BS is None else keep_BS[:, None, None, :]
        x_BSD = self.dropout(to_compute(self.positions(x_BSD, 0, x_BSD.size(1))))
        for layer in self.layers:
            x_BSD = layer(x_BSD, keep_B11S)
        memory_BSD: Tensor = self.norm(x_BSD)
        return memory_BSD
