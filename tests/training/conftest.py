"""A small recipe of its own text, trained in a second or two."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nmtk.cli.app import main
from nmtk.documents import Document, to_yaml

WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
]
Train = Callable[..., subprocess.CompletedProcess[str]]


def sentences(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(count)]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe that learns to say words backwards, of 300 pairs and 12 updates."""
    folder = tmp_path / "backwards"
    folder.mkdir()
    for number, (name, count) in enumerate({"train": 300, "valid": 20, "test": 20}.items()):
        source = sentences(count, number)
        target = [" ".join(reversed(line.split())) for line in source]
        (folder / f"{name}.en").write_text("".join(line + "\n" for line in source))
        (folder / f"{name}.de").write_text("".join(line + "\n" for line in target))
    document: Document = {
        "name": "backwards",
        "data": {
            "source": "en",
            "target": "de",
            "train": [{"source": "train.en", "target": "train.de"}],
            "valid": {"source": "valid.en", "target": "valid.de"},
            "test": {"test": {"source": "test.en", "target": "test.de"}},
            "held_out": "keep",
        },
        "vocabulary": {"size": 280},
        "model": {"preset": "tiny", "width": 16, "inner": 32, "encoder_layers": 1, "decoder_layers": 1, "heads": 2},
        "training": {
            "updates": 12,
            "batch_tokens": 256,
            "optimiser": {"kind": "adam", "rate": 0.01},
            "schedule": {"kind": "inverse-sqrt", "warmup": 4},
            "log_every": 2,
            "validation": {"every": 6},
            "checkpoint": {"every": 4},
            "device": "cpu",
            "precision": "float32",  # or a processor fast at bfloat16 would have results of its own
            "threads": 1,
        },
        "decoding": {"strategy": "greedy"},
        "robustness": {"lines": 0},
    }
    (folder / "recipe.yaml").write_text(to_yaml(document))
    return folder


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def train(recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Train:
    """Run `nmtk train` on the recipe, as the command does: `train("run", "key=value", ...)`."""

    def run(name: str, *settings: str) -> subprocess.CompletedProcess[str]:
        arguments = ["nmtk", "train", str(recipe), "-o", str(tmp_path / name), *settings]
        monkeypatch.setattr(sys, "argv", arguments)
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run
