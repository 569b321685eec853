"""Hugging Face's MarianMT, trained by the plain loop of `huggingface_loop.py`: the best case for its users.

The library has neither the length buckets nor the loop, so both are written here as for a fair race: batches are cut
by the same rule as nmtk's, logits go to PyTorch's own cross-entropy, and the optimiser is PyTorch's AdamW.

Tokens: the loop counts the labels that are not padding, `</s>` included, over the wall clock since the last line.
"""

import json
import re
from pathlib import Path

from nmtk.files import write_text
from tests.benchmarks.training.engine import REPORT_EVERY, Engine
from tests.benchmarks.training.task import Task


class HuggingFace(Engine):
    """transformers' MarianMTModel; bfloat16 is autocast, which on CPUs its users have to ask for."""

    name = "hf"
    installs = (("torch==2.13.0",), ("transformers==5.23.0",))
    packages = ("transformers", "torch")
    precisions = ("float32", "bfloat16")

    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        model, training = task.recipe.model, task.recipe.training
        sizes = {
            "d_model": model.width,
            "encoder_layers": model.encoder_layers,
            "decoder_layers": model.decoder_layers,
            "encoder_attention_heads": model.heads,
            "decoder_attention_heads": model.heads,
            "encoder_ffn_dim": model.inner,
            "decoder_ffn_dim": model.inner,
            "activation_function": model.activation,
            "dropout": model.dropout,
            "attention_dropout": model.attention_dropout,
            "activation_dropout": model.feedforward_dropout,
            "scale_embedding": model.scale_embeddings,
        }
        document = {
            "folder": str(task.folder),
            "model": sizes,
            "bfloat16": precision == "bfloat16",
            "batch_tokens": training.batch_tokens,
            "rate": task.adam.rate,
            "betas": task.adam.betas,
            "epsilon": task.adam.epsilon,
            "warmup": training.schedule.warmup,
            "smoothing": training.label_smoothing,
            "clip_norm": training.clip_norm,
            "seed": training.seed,
            "report_every": REPORT_EVERY,
        }
        write_text(folder / "config.json", json.dumps(document, indent=1) + "\n")
        return [str(python), str(Path(__file__).with_name("huggingface_loop.py")), str(folder / "config.json")]

    def rate(self, line: str) -> float | None:
        found = re.match(r"update \d+ loss \S+ rate (\S+) target tokens/s", line)
        return float(found[1]) if found else None
