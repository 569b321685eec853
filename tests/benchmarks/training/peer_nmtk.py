"""nmtk: `nmtk train` with a recipe.

Tokens: `tokens_per_second` of its log is real target tokens, `</s>` included, over the wall clock since the last line.
"""

import re
from pathlib import Path

from tests.benchmarks.training.engine import REPORT_EVERY, Engine
from tests.benchmarks.training.task import Task


class Nmtk(Engine):
    """As it stands in this checkout."""

    name = "nmtk"
    packages = ("torch", "numpy")
    precisions = ("auto", "float32")
    keeps_memory = True

    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        settings = {"precision": precision, "threads": task.threads, "log_every": REPORT_EVERY}
        given = [f"training.{key}={value}" for key, value in settings.items()]
        train = [str(python), "-m", "nmtk", "train", str(task.folder / "recipe.yaml"), *given]
        return [*train, "-o", str(folder / "run")]

    def rate(self, line: str) -> float | None:
        found = re.match(r"train .*\| tokens_per_second ([\d,]+)", line)
        return float(found[1].replace(",", "")) if found else None
