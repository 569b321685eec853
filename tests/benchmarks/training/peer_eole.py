"""eole: `eole train` with its YAML configuration.

Tokens: the second figure of "tok/s" is target tokens that are not padding, `</s>` included, over the wall clock since
the last line. What is not set here has its default, as its own recipes leave it; its layers are pre-norm. A bucket is
the corpus once, read by the engine itself: its defaults, made for GPUs, are nine copies of it and two more processes,
for which two cores have no room.
"""

import re
from pathlib import Path

from nmtk.documents import Document, to_yaml
from nmtk.files import write_text
from tests.benchmarks.training.engine import ENDLESS, REPORT_EVERY, Engine
from tests.benchmarks.training.task import Task


class Eole(Engine):
    """The successor of OpenNMT-py. Its command line needs aiohttp, which it does not ask for."""

    name = "eole"
    installs = (("torch==2.13.0",), ("eole==0.6.4", "aiohttp"))
    packages = ("eole", "torch")
    precisions = ("float32", "bfloat16")

    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        model, training = task.recipe.model, task.recipe.training
        beta1, beta2 = training.optimiser.betas
        document: Document = {
            "save_data": str(folder / "data"),
            "overwrite": True,
            "seed": training.seed,
            "report_every": REPORT_EVERY,
            "src_vocab": str(task.folder / "pieces.txt"),
            "tgt_vocab": str(task.folder / "pieces.txt"),
            "share_vocab": True,
            "pad_token": "<pad>",
            "data": {
                split: {f"path_{side}": str(task.text(split, language)) for side, language in _SIDES.items()}
                for split in ("train", "valid")
            },
            "training": {
                "model_path": str(folder / "model"),
                "compute_dtype": "bf16" if precision == "bfloat16" else "fp32",
                "world_size": 1,
                "gpu_ranks": [],
                "train_steps": ENDLESS,
                "valid_steps": ENDLESS,
                "save_checkpoint_steps": ENDLESS,
                "bucket_size": task.pairs,
                "num_workers": 0,
                "batch_type": "tokens",
                "batch_size": training.batch_tokens,
                "normalization": "tokens",
                "dropout": [model.dropout],  # the feed-forward network's too
                "attention_dropout": [model.attention_dropout],
                "optim": training.optimiser.kind,
                "adam_beta1": beta1,
                "adam_beta2": beta2,
                "adam_eps": training.optimiser.epsilon,
                "learning_rate": 2,
                "warmup_steps": training.schedule.warmup,
                "decay_method": "noam",
                "max_grad_norm": training.clip_norm,
                "label_smoothing": training.label_smoothing,
                "param_init_method": "xavier_uniform",
            },
            "model": {
                "architecture": "transformer",
                "hidden_size": model.width,
                "encoder": {"layers": model.encoder_layers},
                "decoder": {"layers": model.decoder_layers},
                "heads": model.heads,
                "transformer_ff": model.inner,
                "share_embeddings": True,
                "share_decoder_embeddings": True,
                "add_qkvbias": True,
                "add_final_linear_bias": True,
                "add_ffnbias": True,
                "embeddings": {"word_vec_size": model.width, "position_encoding": True},
            },
        }
        write_text(folder / "config.yaml", to_yaml(document))
        return [str(python.parent / "eole"), "train", "--config", str(folder / "config.yaml")]

    def rate(self, line: str) -> float | None:
        found = re.search(r"Step +\d+/ *\d+;.* \d+/ *(\d+) tok/s;", line)
        return float(found[1]) if found else None


_SIDES = {"src": "en", "tgt": "de"}
