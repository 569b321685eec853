"""The forward pass of training: from a batch to its loss."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from nmtk.data.batches import Batch
from nmtk.devices import attention_kernels
from nmtk.model.transformer import Transformer
from nmtk.training.consistency import Consistency
from nmtk.training.consistency_loss import consistent_cross_entropy
from nmtk.training.loss import Loss, smoothed_cross_entropy
from nmtk.training.options import TrainingOptions
from nmtk.training.word_dropout import WordDropout, draw_known

COMPILED_FROM = 5_000
"""Updates from which on `compile: auto` finds compiling worth its minute."""


def pays_to_compile(device: torch.device, updates: int | None) -> bool:
    """What `compile: auto` means: on GPUs, for runs that are long enough or have no set end.

    On CPUs the compiled layers are slower than what they are compiled from: see tests/benchmarks/RESULTS.md.
    """
    return device.type == "cuda" and (updates is None or updates >= COMPILED_FROM)


class TrainingStep(nn.Module):
    """Batch in, loss out: one module, so that what wraps it (DDP) sees the whole pass.

    The two passes of a consistency are one over the batch and its copy: so layers run once, as all that shards,
    compiles or averages them expects. Neither it nor word dropout is there while the model is evaluated.
    """

    def __init__(
        self,
        model: Transformer,
        smoothing: float,
        dtype: torch.dtype,
        words: WordDropout | None = None,
        consistency: Consistency | None = None,
    ) -> None:
        super().__init__()
        self.model, self.smoothing, self.dtype, self.consistency = model, smoothing, dtype, consistency
        self.source_rates = _unknown(words.source if words else 0.0, consistency)
        self.target_rates = _unknown(words.target if words else 0.0, consistency)
        self.compiled = False

    def compile_layers(self) -> None:
        """Have each layer compiled when it first runs, once for all layers of a stack and all shapes of batches.

        DDP would have PyTorch cut what is compiled where its buckets end, so that gradients are exchanged during the
        backward pass. Those of a layer are there when its own pass ends: nothing is left to cut.
        """
        from torch._dynamo import config  # takes seconds to import

        config.optimize_ddp = False
        for layer in (*self.model.encoder.layers, *self.model.decoder.layers):
            layer.compile(dynamic=True)
        self.compiled = True

    def uncompiled(self) -> AbstractContextManager[None]:
        """Where it lasts, layers run as they are: to validate, they would all be compiled again, for inference."""
        return torch.compiler.set_stance("force_eager") if self.compiled else nullcontext()

    def forward(self, batch: Batch) -> Loss:
        """The sums of the loss over the batch's real target tokens, in nats."""
        with self._precision(device := batch.source_BS.device), attention_kernels(device):
            twice = self.consistency if self.model.training else None
            hidden_ND = self._hidden_ND(batch.twice() if twice else batch)
            gold_N = batch.gold_BT.flatten().index_select(0, batch.real_N)
            output = self.model.output_weight_VD, gold_N, self.smoothing, self.model.output_bias_V
            if twice:
                hidden_2ND = hidden_ND.view(2, len(gold_N), hidden_ND.size(1))
                return consistent_cross_entropy(hidden_2ND, *output, twice.weights)
            return smoothed_cross_entropy(hidden_ND, *output)

    def _hidden_ND(self, batch: Batch) -> Tensor:
        known_BS = known_BT = None
        if self.model.training:
            known_BS = draw_known(batch.source_BS, self.source_rates)
            known_BT = draw_known(batch.target_BT, self.target_rates)
        memory_BSD = self.model.encode(batch.source_BS, keep_BS := batch.keep_BS, known_BS)
        hidden_BTD = self.model.decode(batch.target_BT, memory_BSD, keep_BS, known_BT)
        return hidden_BTD.flatten(0, 1).index_select(0, batch.real_N)

    def _precision(self, device: torch.device) -> AbstractContextManager[None]:
        return torch.autocast(device.type, self.dtype, enabled=self.dtype != torch.float32)


def _unknown(rate: float, consistency: Consistency | None) -> tuple[float, ...]:
    """The share of tokens that each pass does not see: what word dropout takes, and what is cut from the second."""
    return (rate,) if consistency is None else (rate, 1 - (1 - rate) * (1 - consistency.cut))


def make_step(model: Transformer, options: TrainingOptions, dtype: torch.dtype, device: torch.device) -> TrainingStep:
    """The step that the options ask for, its layers compiled where they say so."""
    step = TrainingStep(model, options.label_smoothing, dtype, options.word_dropout, options.consistency)
    if options.compile is True or (options.compile == "auto" and pays_to_compile(device, options.updates)):
        step.compile_layers()
    return step
