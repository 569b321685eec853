"""Candidates that are no training by themselves: forms of the loss, and of the optimiser's step, timed alone."""

from collections.abc import Callable, Iterable
from functools import partial
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training import loss as losses
from tests.benchmarks.gpu.loop import adam
from tests.benchmarks.gpu.muon import muon
from tests.benchmarks.gpu.results import Budget, recorded, say
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Figures, fresh, peak_gib, seconds_of

CHUNKS = (24, 25, 26, 27, 28, 29)
"""Powers of two: logits of a chunk."""


def _timed(found: Figures, name: str, call: Callable[[], object], device: torch.device) -> None:
    with fresh(device), recorded(found, name):
        found[name] = {"ms": round(1000 * seconds_of(call, device), 3), "peak_gib": peak_gib(device)}
    say(f"  {name}: {found[name]}")


def measure_loss(task: Task, scale: Scale, budget: Budget) -> Figures:
    """Forward and backward of the output layer, milliseconds, by form of the loss."""
    found: Figures = {}
    size, rows, device = len(task.vocabularies.target), scale.rows, scale.device
    for name in scale.models:
        width = scale.options(name).width
        hidden_ND = torch.randn(rows, width, device=device).bfloat16().requires_grad_()
        weight_VD = (torch.randn(size, width, device=device) * width**-0.5).requires_grad_()
        gold_N = torch.randint(size, (rows,), device=device)

        def whole(hidden_ND: Tensor, weight_VD: Tensor, gold_N: Tensor) -> Tensor:
            logits_NV = F.linear(hidden_ND, weight_VD.bfloat16())
            return F.cross_entropy(logits_NV.float(), gold_N, label_smoothing=0.1, reduction="sum")

        def own(hidden_ND: Tensor, weight_VD: Tensor, gold_N: Tensor) -> Tensor:
            return losses.smoothed_cross_entropy(hidden_ND, weight_VD.bfloat16(), gold_N, 0.1).smoothed

        forms: dict[str, Callable[..., Tensor]] = {"nmtk": own, "one piece": whole}
        if budget.allows(60, f"{name}: compiled losses"):
            forms["one piece, compiled"] = torch.compile(whole)
        for form, function in forms.items():

            def call(
                function: Callable[..., Tensor] = function,
                hidden_ND: Tensor = hidden_ND,
                weight_VD: Tensor = weight_VD,
                gold_N: Tensor = gold_N,
            ) -> None:
                torch.autograd.grad(function(hidden_ND, weight_VD, gold_N), (hidden_ND, weight_VD))

            _timed(found, f"{name}, {form}", call, device)
            if form == "nmtk":
                for power in CHUNKS:
                    chunk = max(64, (1 << power) // size)
                    with mock.patch.object(losses, "chunk_rows", lambda *_, chunk=chunk: chunk):
                        _timed(found, f"{name}, nmtk, chunks of 2^{power} logits", call, device)
        given = hidden_ND.detach(), weight_VD.detach().bfloat16(), None, gold_N, 0.1
        if budget.allows(60, f"{name}: nmtk's gradients compiled"):
            compiled = torch.compile(losses._with_gradients)
            _timed(found, f"{name}, nmtk, compiled", partial(compiled, *given), device)
    return found


def measure_optimisers(task: Task, scale: Scale, budget: Budget) -> Figures:
    """One step of each optimiser on a model's parameters, milliseconds."""
    found: Figures = {}
    forms: dict[str, Callable[[nn.Module], Iterable[torch.optim.Optimizer]]] = {
        "fused Adam": lambda model: [adam(model.parameters())],
        "foreach Adam": lambda model: [adam(model.parameters(), foreach=True)],
        "Muon for matrices, fused Adam for the rest": muon,
    }
    for name in scale.models:
        if not budget.allows(15, f"{name}: optimisers"):
            continue
        for form, make in forms.items():
            model = _with_gradients(scale.options(name), len(task.vocabularies.target), scale.device)
            optimisers = list(make(model))

            def call(optimisers: list[torch.optim.Optimizer] = optimisers) -> None:
                for optimiser in optimisers:
                    optimiser.step()

            _timed(found, f"{name}, {form}", call, scale.device)
    return found


def _with_gradients(options: TransformerOptions, size: int, device: torch.device) -> Transformer:
    model = Transformer(options, size, size).to(device)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    return model
