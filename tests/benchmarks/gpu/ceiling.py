"""Part `ceiling`: what the machine can do at its best: matrix products of the model's shapes, and moving bytes."""

from functools import cache, partial

import torch

from nmtk.training.flops import matmul_ceiling
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Figures, seconds_of


@cache
def best(device: torch.device) -> float:
    """Operations a second of bfloat16 matrix products: what MFU is a share of."""
    return matmul_ceiling(device, torch.bfloat16)


def measure(task: Task, scale: Scale) -> Figures:
    """TFLOP/s of products in bfloat16, TB/s of a copy."""
    device, rows, size = scale.device, scale.batch_tokens[0], len(task.vocabularies.target)
    shapes = {"square": (scale.matrices,) * 3}
    for name in scale.models:
        options = scale.options(name)
        width, inner = options.width, options.inner
        shapes |= {
            f"{name} queries, keys, values": (rows, width, 3 * width),
            f"{name} projection": (rows, width, width),
            f"{name} feed-forward in": (rows, width, inner),
            f"{name} feed-forward out": (rows, inner, width),
            f"{name} output": (rows, width, size),
        }
    found: Figures = {"bfloat16 ceiling TFLOP/s": round(best(device) / 1e12, 1)}
    for name, (m, k, n) in shapes.items():
        one, other = (torch.randn(*axes, device=device).bfloat16() for axes in ((m, k), (n, k)))
        taken = seconds_of(partial(torch.matmul, one, other.T), device)
        found[f"{name} {m}x{k}x{n} TFLOP/s"] = round(2 * m * k * n / taken / 1e12, 1)
    source = torch.randn(2**29 if device.type == "cuda" else 2**20, device=device)
    target = torch.empty_like(source)
    taken = seconds_of(lambda: target.copy_(source), device)
    found["copy TB/s"] = round(2 * source.nbytes / taken / 1e12, 2)
    return found
