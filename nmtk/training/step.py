"""The forward pass of training: from a batch to its loss."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from nmtk.data.batches import Batch
from nmtk.devices import attention_kernels
from nmtk.model.transformer import Transformer
from nmtk.training.loss import Loss, smoothed_cross_entropy
from nmtk.training.options import TrainingOptions

COMPILED_FROM = 5_000
"""Updates from which on `compile: auto` finds compiling worth its minute."""


def pays_to_compile(device: torch.device, updates: int | None) -> bool:
    """What `compile: auto` means: on GPUs, for runs that are long enough or have no set end.

    On CPUs the compiled layers are slower than what they are compiled from: see tests/benchmarks/RESULTS.md.
    """
    return device.type == "cuda" and (updates is None or updates >= COMPILED_FROM)


class TrainingStep(nn.Module):
    """Batch in, loss out: one module, so that what wraps it (DDP) sees the whole pass."""

    def __init__(self, model: Transformer, smoothing: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.model, self.smoothing, self.dtype = model, smoothing, dtype
        self.compiled = False

    def compile_layers(self) -> None:
        """Have each layer compiled when it first runs, once for all layers of a stack and all shapes of batches."""
        for layer in (*self.model.encoder.layers, *self.model.decoder.layers):
            layer.compile(dynamic=True)
        self.compiled = True

    def uncompiled(self) -> AbstractContextManager[None]:
        """Where it lasts, layers run as they are: to validate, they would all be compiled again, for inference."""
        return torch.compiler.set_stance("force_eager") if self.compiled else nullcontext()

    def forward(self, batch: Batch) -> Loss:
        """The sums of the loss over the batch's real target tokens, in nats."""
        with self._precision(device := batch.source_BS.device), attention_kernels(device):
            memory_BSD = self.model.encode(batch.source_BS, keep_BS := batch.keep_BS)
            hidden_BTD = self.model.decode(batch.target_BT, memory_BSD, keep_BS)
            hidden_ND = hidden_BTD.flatten(0, 1).index_select(0, batch.real_N)
            gold_N = batch.gold_BT.flatten().index_select(0, batch.real_N)
            output = self.model.output_weight_VD, gold_N, self.smoothing, self.model.output_bias_V
            return smoothed_cross_entropy(hidden_ND, *output)

    def _precision(self, device: torch.device) -> AbstractContextManager[None]:
        return torch.autocast(device.type, self.dtype, enabled=self.dtype != torch.float32)


def make_step(model: Transformer, options: TrainingOptions, dtype: torch.dtype, device: torch.device) -> TrainingStep:
    """The step that the options ask for, its layers compiled where they say so."""
    step = TrainingStep(model, options.label_smoothing, dtype)
    if options.compile is True or (options.compile == "auto" and pays_to_compile(device, options.updates)):
        step.compile_layers()
    return step
