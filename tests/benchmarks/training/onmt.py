"""What OpenNMT-py and eole, its successor, have in common: names of options, and the line that tells the speed.

Tokens: the second figure of "tok/s" is target tokens that are not padding, `</s>` included, over the wall clock since
the last line. What is not set has its default, as their own recipes leave it; layers are pre-norm. A bucket is
the corpus once, read by the engine itself: the defaults, made for GPUs, are nine copies of it and two more processes,
for which two cores have no room.
"""

import re

from nmtk.documents import Document
from tests.benchmarks.training.engine import ENDLESS, Engine
from tests.benchmarks.training.task import Task


class OnmtEngine(Engine):
    """One of the family."""

    def data(self, task: Task) -> Document:
        """Where the text is."""
        sides = {"src": "en", "tgt": "de"}
        return {
            split: {f"path_{side}": str(task.text(split, language)) for side, language in sides.items()}
            for split in ("train", "valid")
        }

    def training(self, task: Task) -> Document:
        """How it is trained."""
        model, training = task.recipe.model, task.recipe.training
        beta1, beta2 = task.adam.betas
        return {
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
            "optim": task.adam.kind,
            "adam_beta1": beta1,
            "adam_beta2": beta2,
            "learning_rate": 2,
            "warmup_steps": training.schedule.warmup,
            "decay_method": "noam",
            "max_grad_norm": training.clip_norm,
            "label_smoothing": training.label_smoothing,
        }

    def rate(self, line: str) -> float | None:
        found = re.search(r"Step +\d+/ *\d+;.* \d+/ *(\d+) tok/s;", line)
        return float(found[1]) if found else None
