"""JoeyNMT: `joeynmt train` with its YAML configuration.

Tokens: "Tokens per Sec" is target tokens that are not padding, `</s>` included, over the wall clock since the last
line. Its token batches are not bucketed by length, which is how its users train.
"""

import re
from pathlib import Path

from nmtk.documents import to_yaml
from nmtk.files import write_text
from tests.benchmarks.training.engine import ENDLESS, REPORT_EVERY, Engine
from tests.benchmarks.training.task import Task


class JoeyNMT(Engine):
    """Version 2.3.0, on a newer torch than it was made for."""

    name = "joeynmt"
    installs = (("torch==2.13.0",), ("joeynmt==2.3.0", "sentencepiece==0.2.0", "importlib_metadata"))
    packages = ("joeynmt", "torch")
    precisions = ("float32",)  # it turns 16 bits off on CPUs

    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        model, training = task.recipe.model, task.recipe.training
        side = {"level": "word", "voc_file": str(task.folder / "pieces.txt")}
        stack = {
            "type": "transformer",
            "num_heads": model.heads,
            "hidden_size": model.width,
            "ff_size": model.inner,
            "dropout": model.dropout,  # the attention's and the feed-forward network's too
            "layer_norm": model.norm_order,
            "embeddings": {"embedding_dim": model.width, "scale": True, "dropout": model.dropout},
        }
        document = {
            "name": "benchmark",
            "model_dir": str(folder / "model"),
            "use_cuda": False,
            "random_seed": training.seed,
            "data": {
                "train": str(task.folder / "train"),
                "dev": str(task.folder / "valid"),
                "dataset_type": "plain",
                "src": {"lang": "en", **side},
                "trg": {"lang": "de", **side},
            },
            "testing": {},
            "training": {
                "optimizer": task.adam.kind,
                "adam_betas": list(task.adam.betas),
                "learning_rate": task.adam.rate,
                "learning_rate_min": 1e-9,
                "scheduling": "warmupinversesquareroot",
                "learning_rate_warmup": training.schedule.warmup,
                "label_smoothing": training.label_smoothing,
                "clip_grad_norm": training.clip_norm,
                "normalization": "tokens",
                "batch_type": "token",
                "batch_size": training.batch_tokens,
                "epochs": ENDLESS,
                "validation_freq": ENDLESS,
                "logging_freq": REPORT_EVERY,
            },
            "model": {
                "initializer": "xavier_uniform",
                "embed_initializer": "xavier_uniform",
                "tied_embeddings": True,
                "tied_softmax": True,
                "encoder": {**stack, "num_layers": model.encoder_layers},
                "decoder": {**stack, "num_layers": model.decoder_layers},
            },
        }
        write_text(folder / "config.yaml", to_yaml(document))
        return [str(python), "-m", "joeynmt", "train", str(folder / "config.yaml"), "--skip-test"]

    def rate(self, line: str) -> float | None:
        found = re.search(r"Step: +\d+, .*Tokens per Sec: +(\d+)", line)
        return float(found[1]) if found else None
