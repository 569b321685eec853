"""Model FLOPs: what a model's matrix products cost by the formula, and how many the machine does at its best.

A product of [m, k] and [k, n] is 2 * m * k * n operations. The backward pass has two products of that size for each of
the forward pass, so training costs three times as much. Counted are real tokens, without padding, and of the decoder's
self-attention the positions that it may see, half of a square. Norms, softmax, dropout, embeddings and the vectors of
relative positions are not counted, nor what is computed twice to save memory: this is the work that the model needs,
whatever the machine makes of it (the `MFU` of Chowdhery et al. 2022, appendix B).
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from nmtk.data.batches import Batch
from nmtk.model.linear import multiply, prefers_onednn
from nmtk.model.transformer import Transformer

BACKWARD = 2
"""Products of the backward pass for one of the forward pass."""


class Lengths(NamedTuple):
    """What the formula needs to know of some sentences, `</s>` included."""

    source: int = 0
    """Source tokens."""
    target: int = 0
    """Target tokens."""
    source_pairs: int = 0
    """Pairs of source tokens of one sentence: the sum of S * S."""
    target_pairs: int = 0
    """A target token and one that it sees, itself included: the sum of T * (T + 1) / 2."""
    cross_pairs: int = 0
    """Pairs of a target and a source token: the sum of S * T."""

    @classmethod
    def of(cls, source_B: Tensor, target_B: Tensor) -> "Lengths":
        """Those of pairs with so many source and target tokens."""
        sums = (
            source_B,
            target_B,
            source_B * source_B,
            target_B * (target_B + 1) // 2,
            source_B * target_B,
        )
        return cls(*(int(side_B.sum()) for side_B in sums))

    @classmethod
    def of_batches(cls, batches: Iterable[Batch]) -> "Lengths":
        """Those of all pairs of some batches."""
        each = [cls.of(batch.source_lengths_B, batch.target_lengths_B) for batch in batches]
        return cls(*map(sum, zip(*each, strict=True))) if each else cls()


class Flops(NamedTuple):
    """Operations of a forward pass, by the part of the model that needs them."""

    encoder: int
    memory: int
    """The keys and values that cross-attention makes of the source, once for a sentence."""
    decoder: int
    output: int

    @property
    def training(self) -> int:
        """Of a forward and a backward pass."""
        return (1 + BACKWARD) * sum(self)

    def decoding(self, width: int) -> int:
        """Of a search with so many hypotheses for each sentence, all of the target's length."""
        return self.encoder + self.memory + width * (self.decoder + self.output)


def forward_flops(model: Transformer, of: Lengths) -> Flops:
    """The operations of one forward pass of a model over sentences of these lengths.

    A layer, with D its width and F that of its feed-forward network: for each token, 8DD in self-attention's four
    projections (in cross-attention 4DD of them on either side) and 4DF in the feed-forward network, 6DF in a gated one;
    for each pair of a query and a key, 4D in scores and mixing. The output is 2DV for each target token.
    """
    options = model.options
    width = options.width
    square = width * width
    gated = model.decoder.layers[0].feed_forward.gated
    feed = (6 if gated else 4) * width * options.inner
    encoder = of.source * (8 * square + feed) + of.source_pairs * 4 * width
    decoder = of.target * (8 * square + 4 * square + feed) + (of.target_pairs + of.cross_pairs) * 4 * width
    return Flops(
        encoder=options.encoder_layers * encoder,
        memory=options.decoder_layers * of.source * 4 * square,
        decoder=options.decoder_layers * decoder,
        output=of.target * 2 * model.output_weight_VD.numel(),
    )


_SIZES = {"cpu": (512, 1024, 2048), "cuda": (2048, 4096, 8192), "mps": (1024, 2048, 4096)}


def matmul_ceiling(device: torch.device, dtype: torch.dtype, seconds: float = 0.5) -> float:
    """Operations a second of square matrix products, at the best of a few sizes and of several tries each.

    Nothing that is made of matrix products can be faster on this device in this type with these threads.
    """
    best = 0.0
    for size in _SIZES.get(device.type, _SIZES["cuda"]):
        one, other, out = (torch.randn(size, size, device=device).to(dtype) for _ in range(3))
        products: list[Callable[[], object]] = [partial(torch.mm, one, other, out=out)]
        if prefers_onednn(one, size):
            products.append(partial(multiply, one, other))
        best = max(best, *(2 * size**3 * _a_second(product, device, seconds) for product in products))
    return best


def _a_second(product: Callable[[], object], device: torch.device, seconds: float) -> float:
    """How often it is done in a second, at the best of several tries."""
    product()
    wait_for(device)
    best = 0.0
    began = ended = time.perf_counter()
    repeats = 1
    while ended == began or ended - began < seconds:
        before = time.perf_counter()
        for _ in range(repeats):
            product()
        wait_for(device)
        ended = time.perf_counter()
        best = max(best, repeats / (ended - before))
        repeats = max(1, round(repeats * seconds / 5 / (ended - before)))
    return best


def wait_for(device: torch.device) -> None:
    """Go on when the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
