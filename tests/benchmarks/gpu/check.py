"""Part `check`: what the GPU computes against the CPU in float32, for every kind of position, norm and way to run.

The reference is the same model on the CPU, in float32, without dropout. Distances are |x - reference| / |reference|.
Limits: float32 differs by the order of its sums; in bfloat16 a single product is right to one part in some hundred,
and a gradient has gone through a dozen of them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

import torch

from nmtk.bundle import Bundle
from nmtk.data.batches import Batch
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import attention_kernels
from nmtk.documents import Document
from nmtk.model.attention import Attend
from nmtk.model.transformer import Transformer
from nmtk.training.loss import Loss
from nmtk.training.schedules import Constant
from nmtk.training.step import TrainingStep
from tests.benchmarks.gpu.loop import batches_of
from tests.benchmarks.gpu.own import Own
from tests.benchmarks.gpu.packed import Packed, PackedStep
from tests.benchmarks.gpu.results import recorded, say
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Figures

SHALLOW: Document = {"encoder_layers": 2, "decoder_layers": 2, "dropout": 0.0}
"""On top of the first model's options: as wide as that, but for what float32 on the CPU costs."""
KINDS: dict[str, Document] = {
    **{
        f"positions {kind}": {"positions": {"kind": kind}}
        for kind in ("sinusoid", "learned", "relative", "rotary", "none")
    },
    "pre-norm": {"norm_order": "pre"},
    "RMS norm": {"norm": "rms"},
    "pre-norm, RMS norm, SwiGLU, output bias": {
        "norm_order": "pre",
        "norm": "rms",
        "activation": "swiglu",
        "output_bias": True,
    },
}
LOSS = {torch.float32: 1e-5, torch.bfloat16: 5e-3}
GRADIENT = {torch.float32: 1e-4, torch.bfloat16: 5e-2}


class Passed(NamedTuple):
    """What a model makes of a batch."""

    loss: float
    gradient: torch.Tensor


def through(step: TrainingStep, batch: Batch | Packed, call: Callable[..., Loss] | None = None) -> Passed:
    """Loss a token and all gradients, on the CPU."""
    step.zero_grad()
    loss = (call or step)(batch).smoothed
    loss.backward()
    gradient = torch.cat([p.grad.float().flatten().cpu() for p in step.parameters() if p.grad is not None])
    return Passed(float(loss.detach()), gradient)


def distances(one: Passed, reference: Passed) -> tuple[float, float]:
    """Of the loss and of the gradient."""
    loss = abs(one.loss - reference.loss) / abs(reference.loss)
    return loss, float((one.gradient - reference.gradient).norm() / reference.gradient.norm())


def measure(task: Task, scale: Scale) -> Figures:
    """Every check with its distance, its limit and whether it held."""
    found: Figures = {}
    for name, check in _checks(task, scale):
        rows: Figures = {}
        with recorded(rows, name):
            rows = {f"{name}: {what}": _verdict(value, limit) for what, value, limit in check()}
        for row, said in rows.items():
            said.setdefault("passed", False)  # what failed has not passed
            say(f"  {'pass' if said['passed'] else 'FAIL'} {row} {said.get('value', said.get('failed'))}")
        found |= rows
    return found


def _verdict(value: float, limit: float) -> Figures:
    return {"passed": value <= limit, "value": float(f"{value:.3g}"), "limit": limit}  # NaN passes nothing


Check = Callable[[], list[tuple[str, float, float]]]


def _checks(task: Task, scale: Scale) -> Iterator[tuple[str, Check]]:
    for name, changes in KINDS.items():
        for dtype in (torch.float32, torch.bfloat16):
            yield f"{name}, {_name(dtype)}", partial(_against_cpu, task, scale, changes, dtype)
    for name in ("positions sinusoid", "pre-norm"):
        yield f"{name}, compiled", partial(_compiled, task, scale, KINDS[name])
    for dtype in (torch.float32, torch.bfloat16) if scale.device.type == "cpu" else (torch.bfloat16,):
        yield f"packed, {_name(dtype)}", partial(_packed, task, scale, dtype)
    yield "a row with nothing to attend to", lambda: _masked(scale)
    yield "greedy search in float32", lambda: _greedy(task, scale)
    yield "the Trainer learns", lambda: _learns(task, scale)


def _batch(task: Task) -> Batch:
    return next(islice(batches_of(task.mixture, 1024), 3, None))


def _steps(task: Task, scale: Scale, changes: Document, dtype: torch.dtype) -> tuple[TrainingStep, TrainingStep]:
    """The model on the CPU in float32, and a copy on the device."""
    options, size = scale.options(next(iter(scale.models)), **SHALLOW, **changes), len(task.vocabularies.source)
    torch.manual_seed(0)
    reference = TrainingStep(Transformer(options, size, size), 0.1, torch.float32)
    other = TrainingStep(Transformer(options, size, size), 0.1, dtype)
    other.load_state_dict(reference.state_dict())
    return reference, other.to(scale.device)


def _against_cpu(task: Task, scale: Scale, changes: Document, dtype: torch.dtype) -> list[tuple[str, float, float]]:
    reference, other = _steps(task, scale, changes, dtype)
    batch = _batch(task)
    loss, gradient = distances(through(other, batch.to(scale.device)), through(reference, batch))
    return [("loss", loss, LOSS[dtype]), ("gradient", gradient, GRADIENT[dtype])]


def _compiled(task: Task, scale: Scale, changes: Document) -> list[tuple[str, float, float]]:
    _, plain = _steps(task, scale, changes, torch.bfloat16)
    _, compiled = _steps(task, scale, changes, torch.bfloat16)
    compiled.compile_layers()
    found = []
    for batch in islice(batches_of(task.mixture, 1024), 4):
        moved = batch.to(scale.device)
        found.append(distances(through(compiled, moved), through(plain, moved)))
    loss, gradient = (max(values) for values in zip(*found, strict=True))
    return [("loss", loss, LOSS[torch.bfloat16]), ("gradient", gradient, GRADIENT[torch.bfloat16])]


def _packed(task: Task, scale: Scale, dtype: torch.dtype) -> list[tuple[str, float, float]]:
    reference, other = _steps(task, scale, {}, dtype)
    batch = _batch(task)
    packed = Packed.of(batch).to(scale.device)
    loss, gradient = distances(through(other, packed, PackedStep(other)), through(reference, batch))
    return [("loss", loss, LOSS[dtype]), ("gradient", gradient, GRADIENT[dtype])]


def _masked(scale: Scale) -> list[tuple[str, float, float]]:
    """It must be nought, in whatever kernel is taken."""
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        q, k, v = (torch.randn(2, 2, 5, 32, device=scale.device, dtype=dtype) for _ in range(3))
        keep = torch.ones(2, 1, 1, 5, dtype=torch.bool, device=scale.device)
        keep[0] = False
        with attention_kernels(scale.device):
            mixed = Attend()(q, k, v, keep, False)
        found.append((_name(dtype), float(mixed[0].abs().max()) if mixed.isfinite().all() else float("nan"), 0.0))
    return found


def _greedy(task: Task, scale: Scale) -> list[tuple[str, float, float]]:
    reference, other = _steps(task, scale, {}, torch.float32)
    options = DecodingOptions.parse({"strategy": "greedy", "longest": 30, "batch_tokens": 512}, "check")
    lines = [pair.source for pair in task.valid[:64]]
    both = [
        Translator(Bundle(step.model.eval(), task.vocabularies, {}, {}), options).translate_all(lines)
        for step in (reference, other)
    ]
    return [("lines that differ", sum(one != two for one, two in zip(*both, strict=True)), 0)]


def _learns(task: Task, scale: Scale) -> list[tuple[str, float, float]]:
    """The loss at the end of some updates as a share of that at the beginning."""
    options = scale.options(next(iter(scale.models)), **SHALLOW)
    own = Own("check", task, options, 2048 if scale.device.type == "cuda" else 512, scale.device, compile=False)
    own.trainer.options = own.trainer.options.model_copy(update={"log_every": 5, "schedule": Constant()})
    heard: list[float] = []
    own.clock.record = lambda record: heard.append(record["loss"])  # type: ignore[method-assign]
    while own.trainer.state.update < 40:
        own.turn(0.1)
    own.close()
    return [("loss", heard[-1] / heard[0], 0.97)]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
