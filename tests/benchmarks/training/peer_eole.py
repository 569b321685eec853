"""eole: `eole train` with its YAML configuration.

What it has in common with OpenNMT-py, its way of counting tokens too, is in `onmt.py`.
"""

from pathlib import Path

from nmtk.documents import Document, to_yaml
from nmtk.files import write_text
from tests.benchmarks.training.engine import REPORT_EVERY
from tests.benchmarks.training.onmt import OnmtEngine
from tests.benchmarks.training.task import Task


class Eole(OnmtEngine):
    """The successor of OpenNMT-py. Its command line needs aiohttp, which it does not ask for."""

    name = "eole"
    installs = (("torch==2.13.0",), ("eole==0.6.4", "aiohttp"))
    packages = ("eole", "torch")
    precisions = ("float32", "bfloat16")

    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        model, training = task.recipe.model, task.recipe.training
        document: Document = {
            "save_data": str(folder / "data"),
            "overwrite": True,
            "seed": training.seed,
            "report_every": REPORT_EVERY,
            "src_vocab": str(task.folder / "pieces.txt"),
            "tgt_vocab": str(task.folder / "pieces.txt"),
            "share_vocab": True,
            "pad_token": "<pad>",
            "data": self.data(task),
            "training": {
                "model_path": str(folder / "model"),
                "compute_dtype": "bf16" if precision == "bfloat16" else "fp32",
                **self.training(task),
                "gpu_ranks": [],
                "adam_eps": task.adam.epsilon,
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
