"""Hugging Face's MarianMT in the plain loop, with bfloat16, SDPA and fused AdamW throughout.

`random batches` are what its users get: pairs in random order, and PyTorch's choice of attention. The others are given
nmtk's length buckets and its choice of attention's kernels; `compiled` is model and loss in one torch.compile.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nmtk.data.batches import Batch
from nmtk.data.mixture import Mixture
from nmtk.devices import attention_kernels
from nmtk.model.options import TransformerOptions
from tests.benchmarks.gpu.loop import Loop, batches_of, fed, pairs_of
from tests.benchmarks.gpu.task import Task


def unsorted(mixture: Mixture, batch_tokens: int) -> Iterator[Batch]:
    """Batches of pairs in random order, as large as nmtk's with their padding: what a plain data loader makes."""
    rng = np.random.default_rng(1)
    pairs = pairs_of(mixture, batch_tokens)
    lengths = np.maximum(pairs.source_lengths, pairs.target_lengths)
    while True:
        rows: list[int] = []
        longest = 0
        for row in rng.permutation(len(lengths)):
            longest = max(longest, int(lengths[row]))
            if rows and longest * (len(rows) + 1) > batch_tokens:
                yield pairs.batch(np.array(rows))
                rows, longest = [], int(lengths[row])
            rows.append(int(row))


def loops(
    task: Task, options: TransformerOptions, batch_tokens: int, device: torch.device
) -> dict[str, Callable[[], Loop]]:
    """The ways to run it, by name; each is made when it is its turn."""

    def loop(name: str, compile: bool, usual: bool) -> Loop:
        from transformers import MarianConfig, MarianMTModel

        vocabulary = task.vocabularies.target
        torch.manual_seed(1)
        model = MarianMTModel(
            MarianConfig(
                vocab_size=len(vocabulary),
                d_model=options.width,
                encoder_layers=options.encoder_layers,
                decoder_layers=options.decoder_layers,
                encoder_attention_heads=options.heads,
                decoder_attention_heads=options.heads,
                encoder_ffn_dim=options.inner,
                decoder_ffn_dim=options.inner,
                activation_function=options.activation,
                dropout=options.dropout,
                attention_dropout=options.attention_dropout,
                activation_dropout=options.feedforward_dropout,
                scale_embedding=options.scale_embeddings,
                pad_token_id=vocabulary.pad,
                bos_token_id=vocabulary.bos,
                eos_token_id=vocabulary.eos,
                decoder_start_token_id=vocabulary.bos,
                forced_eos_token_id=vocabulary.eos,
                attn_implementation="sdpa",
            )
        )
        model.to(device).train()

        def loss(source: Tensor, keep: Tensor, target: Tensor, gold: Tensor) -> Tensor:
            with torch.autocast(device.type, torch.bfloat16):
                out = model(input_ids=source, attention_mask=keep, decoder_input_ids=target, use_cache=False)
                return F.cross_entropy(
                    out.logits.flatten(0, 1),
                    gold.flatten(),
                    ignore_index=vocabulary.pad,
                    label_smoothing=0.1,
                    reduction="sum",
                )

        whole = torch.compile(loss, dynamic=True) if compile else loss

        def step(batch: Batch) -> Tensor:
            with nullcontext() if usual else attention_kernels(device):
                result: Tensor = whole(batch.source_BS, batch.keep_BS.long(), batch.target_BT, batch.gold_BT)
                return result

        made = unsorted if usual else batches_of
        optimiser = torch.optim.AdamW(model.parameters(), 1e-4, (0.9, 0.98), 1e-9, weight_decay=0.0, fused=True)
        return Loop(
            name, step, model.parameters(), lambda: fed(made(task.mixture, batch_tokens), device), device, optimiser
        )

    return {
        "hf, random batches": lambda: loop("hf, random batches", compile=False, usual=True),
        "hf": lambda: loop("hf", compile=False, usual=False),
        "hf, compiled": lambda: loop("hf, compiled", compile=True, usual=False),
    }
