"""Candidate: few fixed shapes of batches: a whole step is compiled for each, and replayed as a CUDA graph."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.data.batches import Batch
from nmtk.data.mixture import Mixture
from nmtk.training.flops import Lengths
from nmtk.training.step import TrainingStep
from tests.benchmarks.gpu.loop import Fed, pairs_of

EDGES = (16, 24, 32, 40, 48, 64, 96, 128)
"""Lengths that both sides are padded to; what is longer than the last is left out here (4 pairs in a thousand)."""
IGNORED = -100


@dataclass(frozen=True)
class Fixed:
    """A batch of B sentences, each side of T positions; no other batch of this length has another B."""

    source_BT: Tensor
    source_lengths_B: Tensor
    target_BT: Tensor
    gold_BT: Tensor

    @classmethod
    def of(cls, batch: Batch, length: int) -> Self:
        """A batch padded on, and its gold marked where it is padding."""
        real_BT = torch.arange(batch.gold_BT.shape[1]) < batch.target_lengths_B[:, None]
        gold_BT = batch.gold_BT.where(real_BT, torch.tensor(IGNORED))

        def wide(x_BT: Tensor, fill: int) -> Tensor:
            return F.pad(x_BT, (0, length - x_BT.shape[1]), value=fill)

        sides = wide(batch.source_BS, 0), batch.source_lengths_B, wide(batch.target_BT, 0), wide(gold_BT, IGNORED)
        return cls(*sides)

    @property
    def positions(self) -> int:
        """Of both sides."""
        return 2 * self.gold_BT.numel()

    def pin(self) -> Self:
        """In page-locked memory."""
        return replace(self, **{name: value.pin_memory() for name, value in vars(self).items()})

    def to(self, device: torch.device) -> Self:
        """On the device."""
        return replace(self, **{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


def fixed_batches(mixture: Mixture, batch_tokens: int, device: torch.device) -> Iterator[Fed]:
    """Batches of few shapes, for ever: at least one of each shape first, then in random order."""
    rng = np.random.default_rng(1)
    pairs = pairs_of(mixture, batch_tokens)
    longest = np.maximum(pairs.source_lengths, pairs.target_lengths)
    groups = np.searchsorted(EDGES, longest)
    while True:
        plan: list[tuple[int, np.ndarray]] = []
        for group, edge in enumerate(EDGES):
            rows = rng.permutation(np.flatnonzero(groups == group))
            size = max(8, batch_tokens // edge // 8 * 8)
            plan += [(edge, rows[first : first + size]) for first in range(0, len(rows) - size + 1, size)]
        first = {edge: number for number, (edge, _) in reversed(list(enumerate(plan)))}
        others = rng.permutation([number for number in range(len(plan)) if number not in first.values()])
        for number in (*first.values(), *others):
            edge, rows = plan[number]
            batch = pairs.batch(rows)
            given = Fixed.of(batch, edge)
            yield Fed(given.pin() if device.type == "cuda" else given, Lengths.of_batches([batch]), given.positions)


class FixedStep(nn.Module):
    """The forward pass without a shape that depends on the data; the loss is PyTorch's, which can leave out rows."""

    def __init__(self, step: TrainingStep) -> None:
        super().__init__()
        self.step = step

    def forward(self, batch: Fixed) -> Tensor:
        model, length = self.step.model, batch.source_BT.shape[1]
        with self.step._precision(batch.source_BT.device):
            keep_BT = torch.arange(length, device=batch.source_BT.device) < batch.source_lengths_B[:, None]
            hidden_BTD = model.decode(batch.target_BT, model.encode(batch.source_BT, keep_BT), keep_BT)
            logits_NV = model.project(hidden_BTD.flatten(0, 1))
            return F.cross_entropy(
                logits_NV, batch.gold_BT.flatten(), ignore_index=IGNORED, reduction="sum", label_smoothing=0.1
            )


class Graphed:
    """A compiled step whose results live in the memory of CUDA graphs: the loss is copied out of it."""

    def __init__(self, step: FixedStep) -> None:
        self.compiled = torch.compile(step, mode="reduce-overhead", dynamic=False)

    def __call__(self, batch: Fixed) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()
        loss: Tensor = self.compiled(batch)
        return loss.clone()
