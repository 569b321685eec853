"""Decoding: nmtk beside CTranslate2 and Hugging Face, with the same weights, in turns.

    python -m tests.benchmarks.decoding.run RUN --source IN --reference REF --peers VENV -o results.json

RUN is a run of nmtk's (post-norm, three-way tying, sinusoids: what Marian can be); VENV an environment with ctranslate2
and transformers. Each engine gets the same pieces and the same penalty (mean log-probability of a token), in batches of
similar length, and is timed without reading the model or cutting text; tokens count `</s>`. CTranslate2 and nmtk have
one worker of one thread for each core. Where float32 finds another translation than nmtk's float32, the line and the
reason are printed. `--join 4` makes long sources of four lines each; with `--exact N` every translation has N tokens,
for a model that was never trained (untrained.py); nmtk alone takes the step of `</s>` too.
"""

import argparse
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from sacrebleu import BLEU

from nmtk.bundle import Bundle
from nmtk.files import write_text
from nmtk.lines import read_lines
from tests.benchmarks.decoding import marian
from tests.benchmarks.decoding.differences import explain
from tests.benchmarks.training.machine import describe

HERE = Path(__file__).parent
ENGINES = {"nmtk": "peer_nmtk.py", "ctranslate2": "peer_ctranslate2.py", "huggingface": "peer_huggingface.py"}
PRECISIONS = {
    "nmtk": ("int8", "bfloat16", "float32"),
    "ctranslate2": ("int8", "float32"),
    "huggingface": ("float32",),
}


def main() -> None:
    """Measure every engine in every precision, beam and batch, turn by turn; the results are written after each."""
    asked = _parser().parse_args()
    bundle = Bundle.load(asked.run)
    work = asked.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "marian").exists():
        marian.write(bundle, work / "marian")
    sources = bundle.vocabularies.source.encode(_lines(asked.source, asked))
    references = _lines(asked.reference, asked)
    rows: dict[str, list[dict[str, Any]]] = {}
    found: dict[str, list[list[int]]] = {}
    for turn in range(asked.turns):
        for beam, batch in ((1, 64), (5, 64), (5, 1)):
            some = sources if batch > 1 else sources[: asked.alone]
            for engine, precisions in PRECISIONS.items():
                for precision in precisions:
                    name = f"{engine} {precision}, beam {beam}, batch {batch}"
                    job = _job(asked, bundle, work, some, engine, precision, beam, batch)
                    one = _measure(engine, job, work, asked)
                    ids = one.pop("found")
                    one["tokens_per_second"] = sum(len(row) + 1 for row in ids) / one["seconds"]
                    texts = bundle.vocabularies.target.decode(ids)
                    one["bleu"] = BLEU().corpus_score(texts, [references[: len(texts)]]).score
                    rows.setdefault(name, []).append(one)
                    found[name] = ids
                    print(
                        f"turn {turn + 1} {name}: {one['tokens_per_second']:,.0f} tokens/s", file=sys.stderr, flush=True
                    )
                    if asked.output:
                        results = {"machine": describe(), "rows": rows, "identical": _identical(found)}
                        write_text(asked.output, json.dumps(results, indent=1) + "\n")
    print(table(rows, _identical(found)), end="")
    for name, ids in found.items():
        if "nmtk" not in name and "float32" in name:
            _explain(name, bundle, sources, found[_wanted(name)], ids)


def _lines(path: Path, asked: argparse.Namespace) -> list[str]:
    """The first lines of a text, as many neighbours joined as was asked for."""
    lines = list(islice(read_lines(path), asked.lines))
    return [" ".join(lines[first : first + asked.join]) for first in range(0, len(lines), asked.join)]


def _explain(
    name: str, bundle: Bundle, sources: list[list[int]], ours: list[list[int]], theirs: list[list[int]]
) -> None:
    for number, (source, our, their) in enumerate(zip(sources, ours, theirs, strict=False), 1):
        if our != their:
            print(f"{name}: line {number} {explain(bundle, source, our, their)}")


def table(rows: dict[str, list[dict[str, Any]]], identical: dict[str, str]) -> str:
    """Medians over the turns, in Markdown."""
    lines = [
        "| engine | tokens/s | ms a line | load s | peak MiB | BLEU | as nmtk's float32 |",
        "| --- |" + " ---: |" * 6,
    ]
    for name, turns in rows.items():
        speed, line, load, peak, bleu = (
            median(one[key] for one in turns) for key in ("tokens_per_second", "line", "loaded", "peak", "bleu")
        )
        lines.append(
            f"| {name} | {speed:,.0f} | {1000 * line:.1f} | {load:.2f} | {peak:,.0f} | {bleu:.2f} | {identical[name]} |"
        )
    return "\n".join(lines) + "\n"


def _identical(found: dict[str, list[list[int]]]) -> dict[str, str]:
    """How many lines are those of nmtk in float32, in the same beam and batch."""
    return {
        name: f"{sum(map(list.__eq__, ids, found[_wanted(name)]))} of {len(ids)}" if _wanted(name) in found else ""
        for name, ids in found.items()
    }


def _wanted(name: str) -> str:
    return f"nmtk float32,{name.partition(',')[2]}"


def _job(
    asked: argparse.Namespace,
    bundle: Bundle,
    work: Path,
    sources: list[list[int]],
    engine: str,
    precision: str,
    beam: int,
    batch: int,
) -> dict[str, Any]:
    vocabulary = bundle.vocabularies.target
    alone = batch == 1  # a sentence has no work for two threads: every engine is slower with them
    return {
        "run": str(asked.run),
        "marian": str(work / "marian"),
        "ctranslate2": str(work / "ctranslate2"),
        "sources": sources,
        "beam": beam,
        "batch": batch,
        "threads": asked.threads if engine == "huggingface" and not alone else 1,
        "workers": 1 if alone else asked.threads,
        "layout": (1 if alone else asked.threads, 1),
        "precision": precision,
        "alpha": 1.0,
        "longest": asked.exact or 80 * asked.join,
        "shortest": asked.exact or 0,
        "never": [vocabulary.pad, vocabulary.bos, vocabulary.unk],
        "eos": bundle.vocabularies.source.pieces([bundle.vocabularies.source.eos])[0],
    }


def _measure(engine: str, job: dict[str, Any], work: Path, asked: argparse.Namespace) -> dict[str, Any]:
    path = work / "job.json"
    write_text(path, json.dumps(job))
    python = sys.executable if engine == "nmtk" else str(asked.peers / "bin" / "python")
    environment = os.environ | {"OMP_NUM_THREADS": str(job["threads"]), "PYTHONPATH": str(HERE.parents[2])}
    ended = subprocess.run(
        [python, str(HERE / ENGINES[engine]), str(path)], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    one: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return one | {"line": one["seconds"] / len(job["sources"])}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True, help="environment with ctranslate2 and transformers")
    parser.add_argument("--lines", type=int, default=1000, help="a batch for each worker, at the least")
    parser.add_argument("--alone", type=int, default=100, help="lines that are translated one by one")
    parser.add_argument("--join", type=int, default=1, help="neighbouring lines that make one source")
    parser.add_argument("--exact", type=int, help="tokens of every translation, </s> not among them")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--work", type=Path, required=True, help="folder for the converted models")
    parser.add_argument("-o", "--output", type=Path)
    return parser


if __name__ == "__main__":
    main()
