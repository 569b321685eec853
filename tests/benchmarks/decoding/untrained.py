"""A model of another size with the vocabulary of a run, its weights as they are before training.

    python -m tests.benchmarks.decoding.untrained RUN FOLDER

What it says means nothing, but a step of it costs what a step of a trained one costs: with `--exact`, which fixes the
length of every translation, run.py measures the engines on it at a size that takes days to train on a CPU.
"""

import argparse
from pathlib import Path

import torch

from nmtk.bundle import Bundle
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer


def main() -> None:
    """Write the model folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", default="base")
    asked = parser.parse_args()
    vocabularies = Bundle.load(asked.run).vocabularies
    torch.manual_seed(1)
    options = TransformerOptions.parse({"preset": asked.preset}, "--preset")
    model = Transformer(options, len(vocabularies.source), len(vocabularies.target))
    Bundle(model, vocabularies, {}, {}).save(asked.folder)


if __name__ == "__main__":
    main()
