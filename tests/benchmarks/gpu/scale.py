"""How large everything is that is measured: the real thing, or as tiny as tries the code on any machine."""

from collections.abc import Mapping
from typing import NamedTuple

import torch

from nmtk.documents import Document
from nmtk.model.options import TransformerOptions


class Scale(NamedTuple):
    """Sizes, and seconds of measuring."""

    device: torch.device
    models: Mapping[str, Document]
    """Options of what is trained, by name; `base` and `big` are those of Vaswani et al. 2017."""
    batch_tokens: tuple[int, ...]
    """Of the throughput part; all else is measured at the first."""
    turn: float
    """Seconds of one measured turn."""
    rounds: int
    learn: float
    """Seconds of training where optimisers are compared."""
    matrices: int
    """Rows of the square product that is the ceiling."""
    rows: int
    """Target tokens of the loss that is timed by itself."""

    def options(self, name: str, **changes: object) -> TransformerOptions:
        """A model's options, some of them changed."""
        return TransformerOptions.parse(dict(self.models[name]) | changes, name)


def full(device: torch.device, models: tuple[str, ...]) -> Scale:
    """For a large GPU."""
    return Scale(
        device,
        {name: {"preset": name} for name in models},
        batch_tokens=(25_000, 50_000, 100_000),
        turn=3.0,
        rounds=3,
        learn=60.0,
        matrices=8192,
        rows=25_000,
    )


def tiny(device: torch.device, models: tuple[str, ...]) -> Scale:
    """For trying that everything runs."""
    small = {"preset": "tiny", "width": 32, "heads": 2, "inner": 64, "encoder_layers": 1, "decoder_layers": 2}
    return Scale(
        device,
        dict.fromkeys(models, small),
        batch_tokens=(512, 1024),
        turn=0.2,
        rounds=2,
        learn=1.0,
        matrices=256,
        rows=300,
    )
