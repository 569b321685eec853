"""The options of a model, and the named sizes they can start from."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from nmtk.documents import Document
from nmtk.model.feedforward import Activation
from nmtk.model.norms import Norm, NormOrder
from nmtk.model.positions import Positions, Sinusoid
from nmtk.options import Options

PRESETS: dict[str, Document] = {
    "tiny": {"width": 128, "heads": 4, "inner": 256, "encoder_layers": 4, "decoder_layers": 4, "dropout": 0.3},
    "small": {"width": 512, "heads": 4, "inner": 1024, "encoder_layers": 6, "decoder_layers": 6, "dropout": 0.3},
    "base": {},
    "big": {"width": 1024, "heads": 16, "inner": 4096, "dropout": 0.3},
    "deep-shallow": {"encoder_layers": 12, "decoder_layers": 1},
}
"""Fields that a preset sets; all others have their defaults.

`base` and `big` are those of Vaswani et al. 2017 (table 3), `small` is fairseq's `transformer_iwslt_de_en`,
`deep-shallow` puts the layers where they cost no decoding time (Kasai et al. 2021), and `tiny` is for corpora of some
ten thousand pairs.
"""

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class TransformerOptions(Options):
    """Recipe key `model`. A preset gives fields their values; any field may be given beside it."""

    preset: Literal["tiny", "small", "base", "big", "deep-shallow"] = "base"
    width: PositiveInt = 512
    heads: PositiveInt = 8
    inner: PositiveInt = 2048
    encoder_layers: PositiveInt = 6
    decoder_layers: PositiveInt = 6
    dropout: Rate = 0.1
    attention_dropout: Rate = 0.0
    feedforward_dropout: Rate = 0.0
    norm_order: NormOrder = "post"
    norm: Norm = "layer"
    activation: Activation = "relu"
    positions: Positions = Sinusoid()
    tying: Literal["three-way", "decoder", "none"] = "three-way"
    scale_embeddings: bool = True
    output_bias: bool = False

    @property
    def drops(self) -> bool:
        """Whether there is dropout anywhere, so that no two passes of training are the same."""
        return bool(self.dropout or self.attention_dropout or self.feedforward_dropout)

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        preset = given.get("preset")
        return PRESETS.get(preset, {}) | given if isinstance(preset, str) else given

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be cut into {self.heads} heads of equal width")
        self.positions.check(self.width, self.heads)
        return self
