"""nmtk itself: search over pieces, in batches of similar length.

    python peer_nmtk.py JOB.json

Reads the job, prints one JSON object: see run.py.
"""

import json
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    """Load, translate once to warm up, then against the clock."""
    job = json.loads(Path(sys.argv[1]).read_text())
    began = time.perf_counter()
    import torch

    from nmtk.allocator import keep_memory
    from nmtk.bundle import Bundle
    from nmtk.decoding.options import DecodingOptions
    from nmtk.decoding.penalties import Average
    from nmtk.decoding.sentences import Sentence
    from nmtk.decoding.strategies import Beam, Greedy
    from nmtk.decoding.translator import Translator
    from nmtk.devices import pick_precision

    keep_memory(1024)
    torch.set_num_threads(job["threads"])
    device = torch.device("cpu")
    bundle = Bundle.load(Path(job["run"]), device, pick_precision(job["precision"], device))
    strategy = Beam(width=job["beam"], penalty=Average(alpha=job["alpha"])) if job["beam"] > 1 else Greedy()
    lengths = {"longest": job["longest"] + 1, "max_extra": job["longest"], "max_ratio": 0.0}
    options = DecodingOptions(strategy=strategy, batch_tokens=10**9, loop_guard=False, **lengths)
    translator = Translator(bundle, options)
    loaded = time.perf_counter() - began

    def translate(batch: list[list[int]]) -> list[list[int]]:
        return [best[0].ids for best in translator.search([Sentence(row) for row in batch])]

    def everything() -> list[list[int]]:
        found: list[list[int]] = [[] for _ in job["sources"]]
        order = sorted(range(len(found)), key=lambda i: -len(job["sources"][i]))
        for first in range(0, len(order), job["batch"]):
            places = order[first : first + job["batch"]]
            for place, ids in zip(places, translate([job["sources"][i] for i in places]), strict=True):
                found[place] = ids
        return found

    translate(job["sources"][: job["batch"]])
    began = time.perf_counter()
    found = everything()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"loaded": loaded, "seconds": seconds, "peak": peak, "found": found}))


main()
