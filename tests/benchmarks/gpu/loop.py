"""A plain training loop: what peers and candidates are measured in, with nmtk's batches, prefetch and pinned memory."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from nmtk.data.batches import Batch
from nmtk.data.cursor import walk
from nmtk.data.mixture import Mixture, Section
from nmtk.data.prefetch import prefetch
from nmtk.training.flops import Lengths, wait_for
from tests.benchmarks.gpu.turns import Turn

CLIP = 1.0


class Fed(NamedTuple):
    """What a step is given, and what it counts for."""

    given: Any
    lengths: Lengths
    positions: int


def batches_of(mixture: Mixture, batch_tokens: int) -> Iterator[Batch]:
    """nmtk's own batches, for ever."""
    for share in walk(mixture, batch_tokens, 1, seed=1):
        yield from share.batches


def pairs_of(mixture: Mixture, batch_tokens: int) -> Section:
    """All pairs of a corpus that is no larger than a section, for who makes batches in a way of their own."""
    epoch = mixture.epoch(seed=1, number=1)
    (places,) = epoch.sections()
    return mixture.section(epoch, places, batch_tokens)


def fed(
    batches: Iterable[Batch], device: torch.device, made: Callable[[Batch], Any] = lambda batch: batch, pin: bool = True
) -> Iterator[Fed]:
    """Batches as a step wants them. What is `made` of one has `pin` and `to`, as a batch has."""
    for batch in batches:
        given = made(batch)
        positions = getattr(given, "positions", batch.source_BS.numel() + batch.gold_BT.numel())
        lengths = Lengths.of_batches([batch])
        yield Fed(given.pin() if pin and device.type == "cuda" else given, lengths, positions)


def adam(parameters: Iterable[nn.Parameter], **how: Any) -> torch.optim.Optimizer:
    """nmtk's optimiser, or another implementation of it."""
    return torch.optim.Adam(parameters, 1e-4, (0.9, 0.98), 1e-9, **(how or {"fused": True}))


class Loop:
    """Trains a step, which takes what is fed and gives the summed loss."""

    def __init__(
        self,
        name: str,
        step: Callable[[Any], Tensor],
        parameters: Iterable[nn.Parameter],
        feed: Callable[[], Iterator[Fed]],
        device: torch.device,
        optimiser: torch.optim.Optimizer | None = None,
        ahead: bool = True,
    ) -> None:
        self.name, self.step, self.device = name, step, device
        self.parameters = list(parameters)
        self.optimiser = optimiser or adam(self.parameters)
        self.loss = torch.zeros((), device=device)
        """Of the last update, a token."""
        self._feed = prefetch(feed) if ahead else feed()

    def update(self, item: Fed) -> None:
        """One update."""
        loss = self.step(item.given.to(self.device)) / item.lengths.target
        loss.backward()
        clip_grad_norm_(self.parameters, CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.loss = loss.detach()

    def turn(self, seconds: float) -> Turn:
        self.update(next(self._feed))  # not counted: memory is taken anew, and the prefetch was asleep
        waiting = next(self._feed)
        wait_for(self.device)
        begun = time.perf_counter()
        done: list[Fed] = []
        for item in chain([waiting], self._feed):
            self.update(item)
            done.append(item._replace(given=None))
            if time.perf_counter() - begun >= seconds:
                break
        wait_for(self.device)
        took = time.perf_counter() - begun
        if not torch.isfinite(self.loss):
            raise ArithmeticError(f"{self.name}: the loss is no number")
        lengths = Lengths(*map(sum, zip(*(item.lengths for item in done), strict=True)))
        return Turn(took, len(done), lengths, sum(item.positions for item in done))

    def close(self) -> None:
        """Nothing more is fed."""
        close = getattr(self._feed, "close", None)
        if close:
            close()
