"""Where the time of a search goes: self-time of PyTorch's operations, in milliseconds a step, and how many are called.

    python -m tests.benchmarks.decoding.steps RUN --source TEXT [--precision int8] [--beam 5] [--batch 64]

One thread; a batch of the longest of the lines, translated by the model's own pieces. The profiler makes each call
dearer: shares hold, and the time without it stands beside.
"""

import argparse
import time
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from nmtk.decoding.sentences import Sentence
from nmtk.lines import read_lines
from tests.benchmarks.decoding.peer_nmtk import open_translator

MOST = 15
"""Operations that are told."""


def main() -> None:
    """Translate twice to warm up, then without the profiler, then with it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--precision", default="int8")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20, help="Tokens of each translation.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    job = {
        "run": str(asked.run),
        "precision": asked.precision,
        "beam": asked.beam,
        "alpha": 1.0,
        "longest": asked.steps,
        "shortest": asked.steps,
    }
    translator = open_translator(job)
    ids = sorted(translator.bundle.vocabularies.source.encode(list(read_lines(asked.source))), key=len)[-asked.batch :]
    batch = [Sentence(one) for one in ids]
    for _ in range(2):
        translator.decide(batch, 1)
    began = time.perf_counter()
    translator.decide(batch, 1)
    steps = asked.steps + 1  # the last is that of </s>
    print(f"a step of {len(batch)} sentences: {1000 * (time.perf_counter() - began) / steps:.2f} ms, reading included")
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        translator.decide(batch, 1)
    told = sorted(profiled.key_averages(), key=lambda one: -one.self_cpu_time_total)
    print(f"calls a step: {sum(one.count for one in told if one.key.startswith('aten::')) / steps:,.0f}")
    whole = sum(one.self_cpu_time_total for one in told)
    for one in told[:MOST]:
        part = one.self_cpu_time_total
        print(f"{one.key:40s} {part / steps / 1000:8.2f} ms {part / whole:6.1%} {one.count / steps:7.1f} calls")


if __name__ == "__main__":
    main()
