"""Candidate: Muon for the hidden matrices against Adam for all, from the same weights, for the same time.

What counts is the loss on held-out pairs at equal time, not at equal updates: a step of Muon costs more.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn

from nmtk.training.flops import wait_for
from nmtk.training.step import TrainingStep
from nmtk.training.validation import HeldOut
from tests.benchmarks.gpu.loop import Fed, Loop, adam, batches_of, fed
from tests.benchmarks.gpu.own import step_of
from tests.benchmarks.gpu.results import Budget, recorded, say
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Figures, fresh

WARMUP = 300
"""Updates, then 1/sqrt(update); an update's rate is that of the way times this factor."""
TOLD = 6
"""How often the held-out loss is told on the way."""


class Both(torch.optim.Optimizer):
    """Two optimisers as one."""

    def __init__(self, parts: Iterable[torch.optim.Optimizer]) -> None:
        self.parts = list(parts)

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Those of both."""
        return [group for part in self.parts for group in part.param_groups]

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)


def muon(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for what has two axes and is no embedding, with Adam's root mean square of an update; Adam for the rest."""
    hidden = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers" in name]
    known = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [torch.optim.Muon(hidden, 1e-4, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"), adam(rest)]


def measure(task: Task, scale: Scale, budget: Budget) -> Figures:
    """Held-out loss in nats a token against seconds, for each way."""
    ways: dict[str, tuple[float, Callable[[nn.Module], torch.optim.Optimizer]]] = {
        "Adam, rate 1e-3": (1e-3, lambda model: adam(model.parameters())),
        "Muon, rate 1e-3": (1e-3, lambda model: Both(muon(model))),
        "Muon, rate 3e-3": (3e-3, lambda model: Both(muon(model))),
    }
    valid = task.valid[:1000]
    held_out = HeldOut.of(
        [pair.source for pair in valid], [pair.target for pair in valid], task.vocabularies, scale.batch_tokens[0]
    )
    found: Figures = {}
    name = next(iter(scale.models))
    for way, (rate, make) in ways.items():
        if not budget.allows(scale.learn * 1.3 + 60, f"{name}: {way}"):
            continue
        row = f"{name}, {way}"
        with fresh(scale.device), recorded(found, row):
            step = step_of(task, scale.options(name), scale.device, compile=scale.device.type == "cuda")
            found[row] = _learn(task, scale, step, make(step.model), rate, held_out)
        say(f"  {row}: {found[row]}")
    return found


def _learn(
    task: Task, scale: Scale, step: TrainingStep, optimiser: torch.optim.Optimizer, rate: float, held_out: HeldOut
) -> Figures:
    def feed() -> Iterator[Fed]:
        return fed(batches_of(task.mixture, scale.batch_tokens[0]), scale.device)

    parameters = list(step.parameters())
    loop = Loop("learn", lambda batch: step(batch).smoothed, parameters, feed, scale.device, optimiser)
    curve: list[dict[str, float]] = []
    updates, spent = 0, 0.0
    for item in loop._feed:
        if updates == 10:  # compiled by now
            wait_for(scale.device)
            spent, begun = 0.0, time.perf_counter()
        updates += 1
        for group in optimiser.param_groups:
            group["lr"] = rate * min(updates / WARMUP, (WARMUP / updates) ** 0.5)
        loop.update(item)
        if updates > 10 and spent + time.perf_counter() - begun >= scale.learn * (len(curve) + 1) / TOLD:
            wait_for(scale.device)
            spent += time.perf_counter() - begun
            curve.append({"seconds": round(spent, 1), "updates": updates, "nll": round(_nll(step, held_out), 4)})
            begun = time.perf_counter()
            if len(curve) == TOLD:
                break
    loop.close()
    return {"nll": curve[-1]["nll"], "updates": updates, "curve": curve}


@torch.inference_mode()
def _nll(step: TrainingStep, held_out: HeldOut) -> float:
    device = next(step.parameters()).device
    step.eval()
    with step.uncompiled():
        total = sum(float(step(batch.to(device)).nll) for batch in held_out.batches)
    step.train()
    return total / sum(batch.tokens for batch in held_out.batches)
