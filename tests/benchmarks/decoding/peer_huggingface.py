"""Hugging Face: `MarianMTModel.generate`, batches of similar length. Runs in an environment of its own.

    python peer_huggingface.py JOB.json

Reads the job, prints one JSON object: see run.py.
"""

import json
import sys
import time
from pathlib import Path

from tests.benchmarks.decoding.memory import peak


def main() -> None:
    """Load, translate once to warm up, then against the clock."""
    job = json.loads(Path(sys.argv[1]).read_text())
    began = time.perf_counter()
    import torch
    from safetensors.torch import load_file
    from transformers import MarianMTModel

    torch.set_num_threads(job["threads"])
    model = MarianMTModel.from_pretrained(job["marian"], dtype=getattr(torch, job["precision"])).eval()
    table = load_file(job["marian"] + "/positions.safetensors")["positions"].to(model.dtype)
    for stack in (model.model.encoder, model.model.decoder):
        stack.embed_positions.weight.data = table
    loaded = time.perf_counter() - began
    config, device = model.config, model.device

    @torch.inference_mode()
    def translate(batch: list[list[int]]) -> list[list[int]]:
        longest = max(map(len, batch)) + 1
        ids = [[*row, config.eos_token_id] + [config.pad_token_id] * (longest - len(row) - 1) for row in batch]
        mask = [[1] * (len(row) + 1) + [0] * (longest - len(row) - 1) for row in batch]
        out = model.generate(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(mask, device=device),
            num_beams=job["beam"],
            do_sample=False,
            min_new_tokens=job["shortest"],
            max_new_tokens=job["longest"],
            length_penalty=job["alpha"],
            early_stopping=job["beam"] > 1,
            suppress_tokens=job["never"],
        )
        eos = config.eos_token_id
        rows = [row[1:] for row in out.tolist()]
        return [row[: row.index(eos)] if eos in row else row for row in rows]

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
    print(json.dumps({"loaded": loaded, "seconds": seconds, "peak": peak(), "found": found}))


main()
