"""CTranslate2: `Translator.translate_batch`. Runs in an environment of its own, with transformers to convert the model.

    python peer_ctranslate2.py JOB.json

Reads the job, prints one JSON object: see run.py.
"""

import json
import os
import sys
import time
from pathlib import Path

from tests.benchmarks.decoding.memory import peak


def convert(marian: str, folder: str) -> None:
    """Write the model in CTranslate2's format."""
    from ctranslate2.converters.transformers import BartLoader, MarianMTLoader
    from safetensors.torch import load_file
    from transformers import MarianMTModel

    model = MarianMTModel.from_pretrained(marian).eval()
    table = load_file(marian + "/positions.safetensors")["positions"]
    for stack in (model.model.encoder, model.model.decoder):
        stack.embed_positions.weight.data = table
    model.config.normalize_before = model.config.normalize_embedding = False
    spec = BartLoader.get_model_spec(MarianMTLoader(), model)
    spec.decoder.start_from_zero_embedding = False  # our decoder begins with a piece of its own
    pieces = json.loads(Path(marian, "pieces.json").read_text())
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    config = model.config
    spec.config.add_source_eos = False
    spec.config.bos_token, spec.config.eos_token = pieces[config.bos_token_id], pieces[config.eos_token_id]
    spec.config.unk_token = pieces[0 if config.unk_token_id is None else config.unk_token_id]
    spec.config.decoder_start_token = pieces[config.decoder_start_token_id]
    spec.validate()
    spec.optimize(quantization="float32")
    Path(folder).mkdir()
    spec.save(folder)


def main() -> None:
    """Convert where that is not done, load, translate once to warm up, then against the clock."""
    job = json.loads(Path(sys.argv[1]).read_text())
    if not Path(job["ctranslate2"]).exists():
        convert(job["marian"], job["ctranslate2"])
        os.execv(sys.executable, [sys.executable, *sys.argv])
    began = time.perf_counter()
    import ctranslate2

    replicas, threads = job["layout"]
    translator = ctranslate2.Translator(
        job["ctranslate2"], compute_type=job["precision"], inter_threads=replicas, intra_threads=threads
    )
    loaded = time.perf_counter() - began
    pieces = json.loads(Path(job["marian"], "pieces.json").read_text())
    numbers = {piece: number for number, piece in enumerate(pieces)}
    sources = [[*(pieces[i] for i in row), job["eos"]] for row in job["sources"]]

    def translate(batch: list[list[str]]) -> list[list[int]]:
        found = translator.translate_batch(
            batch,
            beam_size=job["beam"],
            length_penalty=job["alpha"],
            max_batch_size=job["batch"],
            min_decoding_length=max(1, job["shortest"]),
            max_decoding_length=job["longest"],
            disable_unk=True,
        )
        return [[numbers[piece] for piece in one.hypotheses[0]] for one in found]

    translate(sources[: job["batch"]])
    began = time.perf_counter()
    found = [translate([source])[0] for source in sources] if job["batch"] == 1 else translate(sources)
    seconds = time.perf_counter() - began
    print(json.dumps({"loaded": loaded, "seconds": seconds, "peak": peak(), "found": found}))


main()
