"""nmtk itself: search over pieces, in batches of similar length, by as many processes as the job says.

    python peer_nmtk.py JOB.json

Reads the job, prints one JSON object: see run.py.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from nmtk.allocator import keep_memory
from nmtk.bundle import Bundle
from nmtk.decoding.crew import PRIMITIVES, Processes, Worker
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.penalties import Average
from nmtk.decoding.sentences import Sentence
from nmtk.decoding.strategies import Beam, Greedy
from nmtk.decoding.translator import Translator
from nmtk.devices import pick_device, pick_precision
from tests.benchmarks.decoding.memory import peak


def open_translator(job: dict[str, Any]) -> Translator:
    """The model and the search, as the job says."""
    device = pick_device("cpu")
    bundle = Bundle.load(Path(job["run"]), device, pick_precision(job["precision"], device), packed=True)
    beam = Beam(width=job["beam"], penalty=Average(alpha=job["alpha"]), stop="full")  # as the peers do
    strategy = beam if job["beam"] > 1 else Greedy()
    lengths = {
        "longest": job["longest"] + 1,
        "max_extra": job["longest"] + 1,
        "max_ratio": 0.0,
        "min_length": job["shortest"],
    }
    return Translator(bundle, DecodingOptions(strategy=strategy, batch_tokens=10**9, loop_guard=False, **lengths))


def worker(job: dict[str, Any]) -> Worker:
    """What translates a batch."""
    return open_translator(job).decide


def main() -> None:
    """Load, translate once to warm up, then against the clock."""
    import torch

    job = json.loads(Path(sys.argv[1]).read_text())
    keep_memory(PRIMITIVES)
    torch.set_num_threads(job["threads"])
    began = time.perf_counter()
    decide = worker(job)
    loaded = time.perf_counter() - began
    crew = Processes(partial(worker, job), job["workers"]) if job["workers"] > 1 else None
    order = sorted(range(len(job["sources"])), key=lambda place: -len(job["sources"][place]))
    batches = [order[first : first + job["batch"]] for first in range(0, len(order), job["batch"])]

    def everything(batches: list[list[int]]) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in job["sources"]]
        given = [[Sentence(job["sources"][place]) for place in places] for places in batches]
        pending = [crew.submit(batch, 1) if crew else partial(decide, batch, 1) for batch in given]
        for places, wait in zip(batches, pending, strict=True):
            for place, best in zip(places, wait(), strict=True):
                found[place] = best[0].ids
        return found

    everything(batches[:1] * 2 * job["workers"])
    began = time.perf_counter()
    found = everything(batches)
    seconds = time.perf_counter() - began
    print(json.dumps({"loaded": loaded, "seconds": seconds, "peak": peak(), "found": found}))
    if crew:
        crew.__exit__(None)


if __name__ == "__main__":
    main()
