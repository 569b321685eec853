"""Part `curve`: the recipe itself, trained for its time: learning curve, held-out BLEU and translations.

The Trainer saves its state where the time of one call ends, and goes on from there in the next, in the same folder.
"""

import os
import shutil
import signal
import threading
from pathlib import Path

import torch
from rich.console import Console

from nmtk.bundle import Bundle, checkpoints_in
from nmtk.decoding.translator import Translator
from nmtk.evaluation.metrics import evaluate
from nmtk.files import write_text
from nmtk.training.averaging import average_bundles
from nmtk.training.progress import Log, PlainLines
from tests.benchmarks.gpu.own import trainer
from tests.benchmarks.gpu.results import Budget, say
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.turns import Figures

FINISH = 75.0
"""Seconds that are left for the end: averaging, and translating the held-out pairs with a beam."""


def measure(task: Task, scale: Scale, budget: Budget, run: Path, out: Path, minutes: float | None) -> Figures:
    """Train on until the time of the recipe, or of this call, is over. Log and translations go to `out`."""
    model, training = task.recipe.model, task.recipe.training.minimal()
    if minutes:
        training["time"] = minutes * 60
    training.pop("device", None)
    heard = [PlainLines(Console(stderr=True))]
    made = trainer(task, model, training, run, scale.device, heard)
    alarm = threading.Timer(max(1.0, budget.left - FINISH), os.kill, (os.getpid(), signal.SIGTERM))
    alarm.daemon = True
    alarm.start()
    try:
        reason = made.train()
    finally:
        alarm.cancel()
    shutil.copy(run / "log.jsonl", out / "curve-log.jsonl")
    found: Figures = {
        "stopped": reason,
        "updates": made.state.update,
        "epochs": round(made.state.epochs, 2),
        "target_tokens": made.state.tokens,
        "seconds": round(made.state.seconds),
        "curve": [record for record in Log(run / "log.jsonl").read() if record["kind"] == "validation"],
    }
    return found if made.interrupted else found | _finish(task, scale, run, out)


def _finish(task: Task, scale: Scale, run: Path, out: Path) -> Figures:
    saved = checkpoints_in(run)
    chosen = list(saved)[-task.recipe.training.average.count :]
    mean = average_bundles([saved[update] for update in chosen])
    mean.save(run / "model")
    dtype = torch.bfloat16 if scale.device.type == "cuda" else torch.float32
    bundle = Bundle.load(run / "model", scale.device, dtype, packed=True)
    sources, references = [pair.source for pair in task.valid], [pair.target for pair in task.valid]
    lines = Translator(bundle, task.recipe.decoding).translate_all(sources)
    write_text(out / "curve-translations.txt", "".join(line + "\n" for line in lines))
    scores = evaluate(lines, [references], ["bleu", "chrf"])
    say(f"  mean of {len(chosen)} checkpoints: {', '.join(f'{score.name} {score.score:.2f}' for score in scores)}")
    shown = [
        dict(zip(("source", "reference", "translation"), row, strict=True))
        for row in zip(sources, references, lines, strict=True)
    ]
    return {
        "averaged": chosen,
        "scores": {score.name: [round(score.score, 2), score.signature] for score in scores},
        "examples": shown[:10],
    }
