"""nmtk's own Trainer as it trains for its users, stopped at the clock, and its step in the plain loop."""

import tempfile
import time
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import torch

from nmtk.bundle import Bundle
from nmtk.data.cursor import Share
from nmtk.documents import Document
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.distributed import Ranks
from nmtk.training.flops import Lengths, wait_for
from nmtk.training.options import TrainingOptions
from nmtk.training.step import TrainingStep
from nmtk.training.trainer import Trainer
from nmtk.training.validation import HeldOut, Validator
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Turn

ENDLESS = 10**9


class Enough(Exception):
    """The turn is over."""


class Clock:
    """A listener that takes the time from the end of a turn's first update on, and ends the turn when it is up.

    It also stands between the trainer and its data, so what it counts is what was trained on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.begin(0.0)

    def begin(self, seconds: float) -> None:
        """A new turn of so many seconds."""
        self.limit, self.begun, self.took = seconds, 0.0, 0.0
        self.lengths: list[Lengths] = []
        """Of each update that counts."""
        self.positions = 0

    def counted(self, shares: Generator[Share]) -> Generator[Share]:
        """The same, each counted when the trainer takes it."""
        with closing(shares):
            for share in shares:
                self.lengths.append(Lengths.of_batches(share.batches))
                self.positions += sum(batch.source_BS.numel() + batch.gold_BT.numel() for batch in share.batches)
                yield share

    def record(self, record: Any) -> None: ...

    def done(self, share: float | None, seconds: float, update: int) -> None:
        if not self.begun:
            wait_for(self.device)
            self.lengths, self.positions, self.begun = [], 0, time.perf_counter()
        elif time.perf_counter() - self.begun >= self.limit:
            wait_for(self.device)
            self.took = time.perf_counter() - self.begun
            raise Enough

    def say(self, text: str) -> None: ...

    def close(self) -> None: ...


def trainer(
    task: Task, model: TransformerOptions, training: Document, run: Path, device: torch.device, heard: list[Any]
) -> Trainer:
    """The Trainer of a recipe's run, for the task at hand."""
    options = TrainingOptions.parse({"device": device.type} | training, "training")
    torch.manual_seed(options.seed)
    size = len(task.vocabularies.source)
    bundle = Bundle(Transformer(model, size, size), task.vocabularies, task.recipe.decoding.document(), {})
    sources, references = [pair.source for pair in task.valid], [pair.target for pair in task.valid]
    held_out = HeldOut.of(sources, references, task.vocabularies, options.effective_tokens, bundle.model.longest)
    validator = Validator(held_out, options.validation, task.recipe.decoding, task.recipe.data.target)
    dtype = torch.float32 if options.precision == "float32" else torch.bfloat16
    ranks = Ranks(0, 1, device)
    run.mkdir(parents=True, exist_ok=True)
    return Trainer(run, bundle, task.mixture, validator, options, dtype, ranks, heard)


class Own:
    """nmtk as its users run it, but for validation and checkpoints."""

    def __init__(
        self, name: str, task: Task, model: TransformerOptions, batch_tokens: int, device: torch.device, compile: bool
    ) -> None:
        self.name, self.clock = name, Clock(device)
        self._folder = tempfile.TemporaryDirectory()
        training: Document = {
            "updates": ENDLESS,
            "batch_tokens": batch_tokens,
            "compile": compile,
            "validation": {"every": ENDLESS},
            "checkpoint": {"every": ENDLESS},
        }
        few = task._replace(valid=task.valid[:10])
        self.trainer = trainer(few, model, training, Path(self._folder.name), device, [self.clock])
        fed = self.trainer._shares
        self.trainer._shares = lambda: self.clock.counted(fed())  # type: ignore[method-assign]

    def turn(self, seconds: float) -> Turn:
        self.clock.begin(seconds)
        with suppress(Enough):
            self.trainer.train()
        clock = self.clock
        lengths = Lengths(*map(sum, zip(*clock.lengths, strict=True)))
        return Turn(clock.took, len(clock.lengths), lengths, clock.positions)

    def close(self) -> None:
        """Remove what it wrote."""
        self._folder.cleanup()


def step_of(
    task: Task,
    model: TransformerOptions,
    device: torch.device,
    dtype: torch.dtype = torch.bfloat16,
    compile: bool = False,
) -> TrainingStep:
    """A new model's training step on the device."""
    torch.manual_seed(1)
    size = len(task.vocabularies.source)
    step = TrainingStep(Transformer(model, size, size).to(device).train(), 0.1, dtype)
    if compile:
        step.compile_layers()
    return step
