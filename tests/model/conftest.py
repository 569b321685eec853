"""Small random models, and the families of choices.

A test that takes a family by its name runs for each of its members, unless it says for which.
"""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch

from nmtk.model.feedforward import Activation
from nmtk.model.norms import Norm, NormOrder
from nmtk.model.options import TransformerOptions
from nmtk.model.positions import Positions
from nmtk.model.transformer import Transformer

KINDS = [kind.model_fields["kind"].default for kind in get_args(get_args(Positions)[0])]
FAMILIES = {
    "positions": KINDS,
    "norm_order": get_args(NormOrder),
    "norm": get_args(Norm),
    "activation": get_args(Activation),
    "tying": get_args(TransformerOptions.model_fields["tying"].annotation),
}
SMALL = {"width": 16, "heads": 2, "inner": 24, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.0}
VOCABULARY = 23


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marks = metafunc.definition.iter_markers("parametrize")
    chosen = {mark.args[0] for mark in marks if isinstance(mark.args[0], str)}
    for family, members in FAMILIES.items():
        if family in metafunc.fixturenames and family not in chosen:
            metafunc.parametrize(family, members)


@pytest.fixture
def make_model() -> Callable[..., Transformer]:
    """A small model in evaluation mode: no parameter is at a value, such as nought, that could hide a fault."""

    def make(sizes: tuple[int, int] = (VOCABULARY, VOCABULARY), **options: Any) -> Transformer:
        torch.manual_seed(1)
        model = Transformer(TransformerOptions.parse(SMALL | options, "test"), *sizes)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
        return model.eval()

    return make
