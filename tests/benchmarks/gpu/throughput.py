"""Part `throughput`: nmtk's own Trainer, base and big, at several sizes of batches, as it is and compiled."""

import time
from collections.abc import Callable
from contextlib import closing

import torch

from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.flops import Lengths, forward_flops
from tests.benchmarks.gpu.ceiling import best
from tests.benchmarks.gpu.own import Own
from tests.benchmarks.gpu.results import Budget, recorded
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Figures, compiled, figures, fresh, peak_gib


def operations_of(options: TransformerOptions, size: int) -> Callable[[Lengths], float]:
    """What training such a model on sentences of some lengths needs, by nmtk's formula."""
    with torch.device("meta"):
        model = Transformer(options, size, size)
    return lambda lengths: forward_flops(model, lengths).training


def measure(task: Task, scale: Scale, budget: Budget) -> Figures:
    """Rows by model, batch and way; each in a process that has forgotten the row before."""
    found: Figures = {}
    device = scale.device
    on_gpu = device.type == "cuda"
    for name in scale.models:
        operations = operations_of(scale.options(name), len(task.vocabularies.target))
        for compile in (True, False):
            for batch_tokens in scale.batch_tokens:
                row = f"{name}, {batch_tokens:,} tokens, {'compiled' if compile else 'eager'}"
                start = 60 if compile and batch_tokens == scale.batch_tokens[0] and on_gpu else 10
                if not budget.allows((scale.rounds + 1) * scale.turn + start, row):
                    continue
                with fresh(device), recorded(found, row):
                    told = _row(task, scale, row, name, batch_tokens, compile)
                    turns = told.pop("turns")
                    found[row] = told | figures(turns, operations, best(device)) | {"peak_gib": peak_gib(device)}
    return found


def _row(task: Task, scale: Scale, row: str, name: str, batch_tokens: int, compile: bool) -> Figures:
    with closing(Own(row, task, scale.options(name), batch_tokens, scale.device, compile)) as own:
        begun = time.perf_counter()
        own.turn(scale.turn)
        first = time.perf_counter() - begun - scale.turn
        before = compiled()
        turns = [own.turn(scale.turn) for _ in range(scale.rounds)]
    recompiled = compiled()["graphs"] - before["graphs"]
    return {"turns": turns, "first_seconds": round(first, 1), **before, "compiled_while_measured": recompiled}
