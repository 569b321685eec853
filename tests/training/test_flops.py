"""The formula counts what PyTorch counts."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nmtk.data.generated import even_batch
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.flops import Lengths, forward_flops, matmul_ceiling

SIZES = {"width": 32, "inner": 80, "heads": 4, "encoder_layers": 3, "decoder_layers": 2, "dropout": 0.0}


@pytest.mark.parametrize(
    "changes", [{}, {"activation": "swiglu"}, {"tying": "none"}, {"norm_order": "pre"}, {"positions": "rotary"}]
)
@pytest.mark.parametrize("length", [1, 12, 30])
def test_training_costs_what_pytorch_counts(
    changes: dict[str, Any], length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmtk.model.linear.prefers_onednn", lambda *_: False)  # whose products PyTorch does not count
    model = Transformer(TransformerOptions.parse(SIZES | changes, "test"), 90, 90)
    batch = even_batch(5, length, 90, 90)
    with FlopCounterMode(display=False) as counted:
        model(batch.source_BS, None, batch.target_BT).sum().backward()
    lengths = Lengths.of_batches([batch])
    hidden = 5 * length * length - lengths.target_pairs  # computed, though the causal mask hides it
    masked = forward_flops(model, lengths._replace(target_pairs=lengths.target_pairs + hidden))
    assert counted.get_total_flops() == masked.training


def test_padding_is_not_counted() -> None:
    model = Transformer(TransformerOptions.parse(SIZES, "test"), 90, 90)
    apart = [Lengths.of(torch.tensor([s]), torch.tensor([t])) for s, t in ((3, 9), (8, 2))]
    together = Lengths.of(torch.tensor([3, 8]), torch.tensor([9, 2]))
    assert sum(forward_flops(model, together)) == sum(sum(forward_flops(model, one)) for one in apart)


def test_a_search_costs_the_source_once_and_the_target_for_each_hypothesis() -> None:
    model = Transformer(TransformerOptions.parse(SIZES, "test"), 90, 90)
    work = forward_flops(model, Lengths.of(torch.tensor([7]), torch.tensor([5])))
    assert work.decoding(1) == sum(work)
    assert work.decoding(3) - work.decoding(2) == work.decoder + work.output


def test_the_ceiling_is_measured() -> None:
    assert matmul_ceiling(torch.device("cpu"), torch.float32, seconds=0.01) > 0
