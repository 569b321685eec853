"""OpenNMT-py: `onmt_train` with its YAML configuration.

Tokens: the second figure of "tok/s" is target tokens that are not padding, `</s>` included, over the wall clock since
the last line. Its layers are pre-norm, its buckets as eole's. It is installed without its dependencies, which would
bring a torch below 2.3.
"""

import re
from pathlib import Path

from nmtk.documents import Document, to_yaml
from nmtk.files import write_text
from tests.benchmarks.training.engine import ENDLESS, REPORT_EVERY, Engine
from tests.benchmarks.training.task import Task


class OpenNMT(Engine):
    """Version 3.5.1, the last: on a newer torch it trains, though it cannot load what it saved."""

    name = "opennmt"
    installs = (
        ("torch==2.13.0",),
        ("--no-deps", "OpenNMT-py==3.5.1"),
        ("configargparse", "fasttext-wheel", "numpy", "pyahocorasick", "pyonmttok", "pyyaml", "rapidfuzz", "regex"),
        ("sacrebleu", "six", "spacy"),
    )
    packages = ("OpenNMT-py", "torch")
    precisions = ("float32",)  # its mixed precision is float16 on CUDA

    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        model, training = task.recipe.model, task.recipe.training
        beta1, beta2 = training.optimiser.betas
        pieces = (task.folder / "pieces.txt").read_text("utf-8")
        write_text(folder / "pieces.txt", pieces.replace("<pad>\n", "<blank>\n"))  # its name for padding is fixed
        document: Document = {
            "save_data": str(folder / "data"),
            "save_model": str(folder / "model"),
            "overwrite": True,
            "seed": training.seed,
            "report_every": REPORT_EVERY,
            "src_vocab": str(folder / "pieces.txt"),
            "tgt_vocab": str(folder / "pieces.txt"),
            "share_vocab": True,
            "data": {
                split: {f"path_{side}": str(task.text(split, language)) for side, language in _SIDES.items()}
                for split in ("train", "valid")
            },
            "world_size": 1,
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
            "learning_rate": 2,
            "warmup_steps": training.schedule.warmup,
            "decay_method": "noam",
            "max_grad_norm": training.clip_norm,
            "label_smoothing": training.label_smoothing,
            "param_init": 0,
            "param_init_glorot": True,
            "encoder_type": "transformer",
            "decoder_type": "transformer",
            "enc_layers": model.encoder_layers,
            "dec_layers": model.decoder_layers,
            "heads": model.heads,
            "hidden_size": model.width,
            "word_vec_size": model.width,
            "transformer_ff": model.inner,
            "add_qkvbias": True,
            "add_ffnbias": True,
            "position_encoding": True,
            "share_embeddings": True,
            "share_decoder_embeddings": True,
        }
        write_text(folder / "config.yaml", to_yaml(document))
        return [str(python.parent / "onmt_train"), "--config", str(folder / "config.yaml")]

    def rate(self, line: str) -> float | None:
        found = re.search(r"Step +\d+/ *\d+;.* \d+/ *(\d+) tok/s;", line)
        return float(found[1]) if found else None


_SIDES = {"src": "en", "tgt": "de"}
