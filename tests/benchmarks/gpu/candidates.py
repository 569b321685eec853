"""Part `candidates`: what might make training faster, each beside what nmtk does now, in turns in the same process.

A candidate is a function of this file and its name in CANDIDATES; `times` below 1.0 says that it does not pay.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from unittest import mock

import torch
from torch import Tensor

from nmtk.model.options import TransformerOptions
from nmtk.training import step as steps
from nmtk.training.step import TrainingStep
from tests.benchmarks.gpu.duel import duel
from tests.benchmarks.gpu.fixed import FixedStep, Graphed, fixed_batches
from tests.benchmarks.gpu.loop import Fed, Loop, adam, batches_of, fed
from tests.benchmarks.gpu.own import Own, step_of
from tests.benchmarks.gpu.packed import Packed, PackedStep
from tests.benchmarks.gpu.results import Budget, recorded, say
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.throughput import operations_of
from tests.benchmarks.gpu.turns import Contestant, Figures

DEFAULT = "default"
"""What all are measured against: nmtk's step in the plain loop."""


class At(NamedTuple):
    """Where a candidate is measured."""

    task: Task
    options: TransformerOptions
    batch_tokens: int
    device: torch.device

    def feed(self, **how: Any) -> Callable[[], Iterator[Fed]]:
        """nmtk's batches, made into what a step wants."""
        return lambda: fed(batches_of(self.task.mixture, self.batch_tokens), self.device, **how)

    def loop(self, step: TrainingStep, call: Callable[[Any], Tensor] | None = None, **how: Any) -> Loop:
        """A plain loop over a step's parameters."""
        given = {"feed": self.feed()} | how
        return Loop(
            "candidate",
            (lambda batch: step(batch).smoothed) if call is None else call,
            step.parameters(),
            device=self.device,
            **given,
        )

    def step(self, **how: Any) -> TrainingStep:
        """nmtk's step on a new model."""
        changes = how.pop("changes", {})
        options = TransformerOptions.parse(self.options.document() | changes, "candidate")
        return step_of(self.task, options, self.device, **({"compile": True} | how))


def default(at: At) -> Contestant:
    return at.loop(at.step())


def eager(at: At) -> Contestant:
    return at.loop(at.step(compile=False))


def whole_trainer(at: At) -> Contestant:
    """What log, checks, listeners, schedule and seeds cost."""
    return Own("trainer", at.task, at.options, at.batch_tokens, at.device, compile=True)


def whole_step_compiled(at: At) -> Contestant:
    """Embeddings and loss too, in one graph."""
    step = at.step(compile=False)
    compiled = torch.compile(step, dynamic=True)
    return at.loop(step, lambda batch: compiled(batch).smoothed)


def packed(at: At, compile: bool = True) -> Contestant:
    """No padding: variable-length attention over packed tokens."""
    step = at.step(compile=False)
    inner = PackedStep(step)
    if compile:
        inner.compile_layers()
    return at.loop(step, lambda given: inner(given).smoothed, feed=at.feed(made=Packed.of))


def packed_eager(at: At) -> Contestant:
    return packed(at, compile=False)


def fixed(at: At, how: str) -> Contestant:
    """Few shapes."""
    step = at.step(compile=False)
    inner = FixedStep(step)
    call: Callable[[Any], Tensor] = inner
    if how == "compiled":
        call = torch.compile(inner, dynamic=False)
    elif how == "graphs":
        call = Graphed(inner)
    return at.loop(step, call, feed=lambda: fixed_batches(at.task.mixture, at.batch_tokens, at.device))


def any_kernel(at: At) -> Contestant:
    """Attention's kernel as PyTorch chooses, cuDNN's among them."""
    step = at.step()

    @contextmanager
    def unchanged(_device: torch.device) -> Iterator[None]:
        yield

    def call(batch: Any) -> Tensor:
        with mock.patch.object(steps, "attention_kernels", unchanged):
            return step(batch).smoothed

    return at.loop(step, call)


def tf32(at: At) -> Contestant:
    """Products of float32 in the matrix units."""
    step = at.step(dtype=torch.float32)

    def call(batch: Any) -> Tensor:
        return step(batch).smoothed

    class Loop32(Loop):
        """The setting is the process's, so it lasts for an update."""

        def update(self, item: Fed) -> None:
            before = torch.get_float32_matmul_precision()
            torch.set_float32_matmul_precision("high")
            super().update(item)
            torch.set_float32_matmul_precision(before)

    return Loop32("tf32", call, step.parameters(), at.feed(), at.device)


CANDIDATES: dict[str, Callable[[At], Contestant]] = {
    "eager": eager,
    "packed, compiled": packed,
    "packed, eager": packed_eager,
    "any attention kernel": any_kernel,
    "the whole Trainer": whole_trainer,
    "no dropout (a bound)": lambda at: at.loop(at.step(changes={"dropout": 0.0})),
    "whole step compiled": whole_step_compiled,
    "fixed shapes, compiled": lambda at: fixed(at, "compiled"),
    "fixed shapes, CUDA graphs": lambda at: fixed(at, "graphs"),
    "foreach Adam": lambda at: (lambda step: at.loop(step, optimiser=adam(step.parameters(), foreach=True)))(at.step()),
    "memory not pinned": lambda at: at.loop(at.step(), feed=at.feed(pin=False)),
    "no prefetch": lambda at: at.loop(at.step(), ahead=False),
    "float32": lambda at: at.loop(at.step(dtype=torch.float32)),
    "float32 with TF32": tf32,
}


SMALL = ("eager", "fixed shapes, CUDA graphs", "packed, compiled")
"""What is measured again on batches of a sixth, where launches cost more than what is launched."""


def measure(task: Task, scale: Scale, budget: Budget, only: tuple[str, ...] = ()) -> Figures:
    """Each candidate against the default, on the first model; and some again on batches that launches dominate."""
    name = next(iter(scale.models))
    operations = operations_of(scale.options(name), len(task.vocabularies.target))
    found: Figures = {}
    for divisor, keys in ((1, tuple(CANDIDATES)), (6, SMALL)):
        at = At(task, scale.options(name), scale.batch_tokens[0] // divisor, scale.device)
        keys = tuple(key for key in keys if not only or key in only)
        if not keys or not budget.allows(120 if scale.device.type == "cuda" else 0, f"{at.batch_tokens:,} tokens"):
            continue
        with recorded(found, f"{name}, {at.batch_tokens:,} tokens: {DEFAULT}"), closing(default(at)) as reference:
            reference.turn(scale.turn)
            for key in keys:
                if not budget.allows(2 * scale.rounds * scale.turn + (60 if scale.device.type == "cuda" else 0), key):
                    continue
                say(f"candidate {key}, {at.batch_tokens:,} tokens")
                make = {key: lambda make=CANDIDATES[key], at=at: make(at)}
                rows = duel(make, scale, budget, operations, reference=DEFAULT, kept={DEFAULT: reference})
                beside = {"default_tokens_per_second": rows[DEFAULT].get("tokens_per_second")}
                found[f"{name}, {at.batch_tokens:,} tokens: {key}"] = rows.get(key, {}) | beside
    return found
