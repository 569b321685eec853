"""Variants that are measured must compute what is trained."""

import numpy as np
import pytest
import torch

from nmtk.data.batches import Batch, collate
from nmtk.data.packed import Sentences
from nmtk.model.norms import NormOrder
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.loss import entropy
from nmtk.training.step import TrainingStep
from tests.benchmarks.gpu.fixed import Fixed, FixedStep
from tests.benchmarks.gpu.packed import Packed, PackedStep
from tests.training.kit import vocabularies


def batch() -> Batch:
    rng = np.random.default_rng(0)

    def side() -> Sentences:
        lengths = rng.integers(1, 15, 9).astype(np.int32)
        return Sentences(rng.integers(10, 200, lengths.sum()).astype(np.uint16), lengths)

    return collate(side(), side(), vocabularies())


def step(norm_order: NormOrder) -> TrainingStep:
    torch.manual_seed(0)
    options = TransformerOptions(
        width=32, heads=4, inner=64, encoder_layers=2, decoder_layers=2, dropout=0.0, norm_order=norm_order
    )
    size = len(vocabularies().source)
    return TrainingStep(Transformer(options, size, size), 0.1, torch.float32)


def gradients(one: TrainingStep, loss: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, list(one.parameters())))


@pytest.mark.parametrize("norm_order", ["post", "pre"])
def test_packed_tokens_give_the_loss_and_gradients_of_padded_ones(norm_order: NormOrder) -> None:
    one = step(norm_order)
    padded, packed = one(batch()), PackedStep(one)(Packed.of(batch()))
    torch.testing.assert_close(packed, padded)
    torch.testing.assert_close(gradients(one, packed.smoothed), gradients(one, padded.smoothed), rtol=1e-4, atol=1e-4)


def test_fixed_shapes_give_the_loss_and_gradients_of_those_of_the_data() -> None:
    one, given = step("post"), batch()
    padded, fixed = one(given).smoothed, FixedStep(one)(Fixed.of(given, 24))
    torch.testing.assert_close(fixed - given.tokens * entropy(0.1, len(vocabularies().source)), padded)
    torch.testing.assert_close(gradients(one, fixed), gradients(one, padded), rtol=1e-4, atol=1e-4)
