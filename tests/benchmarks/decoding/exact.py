"""Does a translation depend on the batch that it is made in? Lines one by one, backwards in batches, all with others.

    python -m tests.benchmarks.decoding.exact RUN --source TEXT [--lines 1000] [--precision float32]

Told is how many texts differ from those of the first arrangement, one line a batch, and the largest difference of a
score. The search is the model's own.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import pick_device, pick_precision
from nmtk.lines import read_lines


class Compared(NamedTuple):
    """An arrangement beside that of one line a batch."""

    arrangement: str
    texts: int
    """How many differ."""
    score: float
    """The largest difference of two scores."""


def compare(
    bundle: Bundle, options: DecodingOptions, lines: Sequence[str], others: Sequence[str]
) -> Iterator[Compared]:
    """Translate the lines in each arrangement; `others` are translated with them in the last."""

    def found(lines: Sequence[str], batch_tokens: int) -> list[tuple[str, float]]:
        translator = Translator(bundle, options.model_copy(update={"batch_tokens": batch_tokens}))
        return [(best.text, best.score) for best, *_ in translator.candidates(lines)]

    alone = found(lines, 1)
    arranged = {
        "backwards, 300 tokens a batch": found(lines[::-1], 300)[::-1],
        "all at once, with others": found([*others, *lines], 10**6)[len(others) :],
    }
    for arrangement, there in arranged.items():
        texts = sum(one[0] != other[0] for one, other in zip(alone, there, strict=True))
        score = max(abs(one[1] - other[1]) for one, other in zip(alone, there, strict=True))
        yield Compared(arrangement, texts, score)


def main() -> None:
    """Print a line for each arrangement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--others", type=int, default=50)
    parser.add_argument("--precision", default="float32")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    device = pick_device("cpu")
    bundle = Bundle.load(asked.run, device, pick_precision(asked.precision, device), packed=True)
    options = DecodingOptions.parse(bundle.decoding, str(asked.run))
    lines = list(read_lines(asked.source))[: asked.lines]
    others = [line + " " + line for line in lines[: asked.others]]
    for arrangement, texts, score in compare(bundle, options, lines, others):
        print(f"{arrangement}: {texts} of {len(lines):,} texts differ, scores by {score:.1e} at the most")


if __name__ == "__main__":
    main()
