"""OpenNMT-py: `onmt_train` with its YAML configuration.

What it has in common with eole, its way of counting tokens too, is in `onmt.py`. It is installed without its
dependencies, which would bring a torch below 2.3.
"""

from pathlib import Path

from nmtk.documents import Document, to_yaml
from nmtk.files import write_text
from tests.benchmarks.training.engine import REPORT_EVERY
from tests.benchmarks.training.onmt import OnmtEngine
from tests.benchmarks.training.task import Task


class OpenNMT(OnmtEngine):
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
            "data": self.data(task),
            **self.training(task),
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
