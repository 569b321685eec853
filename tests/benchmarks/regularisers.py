"""What word dropout and the second pass of a consistency cost, an update beside the plain one.

    python tests/benchmarks/regularisers.py [--preset tiny] [--size 8000] [--tokens 4096] [--turns 5] [--threads 1]

Updates of all kinds take turns on the same generated batch, sentences of 25 tokens. Told are the medians by the clock
and of the processor's time, which holds beside other work too.
"""

import argparse
import statistics
import time

import torch

from nmtk.allocator import keep_memory
from nmtk.data.generated import even_batch
from nmtk.devices import pick_precision
from nmtk.documents import Document
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.training.distributed import Ranks
from nmtk.training.options import TrainingOptions
from nmtk.training.rehearsal import WARM, Rehearsal

KINDS: dict[str, Document] = {
    "plain": {},
    "word dropout": {"word_dropout": {}},
    "r-drop": {"consistency": "r-drop"},
    "simcut": {"consistency": "simcut"},
}
LENGTH = 25
"""Tokens of every sentence, on both sides."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("size", 8000), ("tokens", 4096), ("turns", 5), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--preset", default="tiny")
    given = parser.parse_args()
    keep_memory()
    torch.set_num_threads(given.threads)

    cpu = torch.device("cpu")
    dtype = pick_precision("auto", cpu)
    batch = even_batch(given.tokens // LENGTH, LENGTH, given.size, given.size)
    rehearsals = {}
    for name, setting in KINDS.items():
        torch.manual_seed(0)
        model = Transformer(TransformerOptions.parse({"preset": given.preset}, name), given.size, given.size)
        options = TrainingOptions.parse({"updates": 1} | setting, name)
        rehearsals[name] = Rehearsal(model, options, dtype, Ranks(0, 1, cpu))
    print(f"{given.preset}, {given.size} pieces, {batch.tokens} target tokens, {given.threads} threads, {dtype}")
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in KINDS}
    for turn in range(WARM + given.turns):
        for name, rehearsal in rehearsals.items():
            wall, work = time.perf_counter(), time.process_time()
            rehearsal.update([batch])
            if turn >= WARM:
                taken[name].append((time.perf_counter() - wall, time.process_time() - work))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()}
    for name, (wall, work) in medians.items():
        ratio = work / medians["plain"][1]
        print(f"{name:14s} {wall * 1e3:9.1f} ms {work * 1e3:9.1f} ms of the processor {ratio:6.2f} x")


if __name__ == "__main__":
    main()
