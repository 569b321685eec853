"""What the rules of decoding cost: the time of each, beside that of a step of the model.

    python tests/benchmarks/rules.py [MODEL] [ROWS ...]

MODEL is a model folder or a run; without one, a base model with a vocabulary of 8,000 that has learned nothing.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from nmtk.bundle import Bundle
from nmtk.decoding.guard import LoopGuard, VarietyGuard
from nmtk.decoding.living import Living
from nmtk.decoding.repetition import NoRepeat
from nmtk.decoding.rules import Rule
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer

WIDTH, STEP, SOURCE = 4, 28, 20
REPEATS = 30


def best(work: Callable[[], object]) -> float:
    """The least of many times, in milliseconds of the processor, so that other programs do not count."""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * 1000


@torch.inference_mode()
def measure(model: Transformer, rows: int) -> None:
    sentences, cpu = max(1, rows // WIDTH), torch.device("cpu")
    width, vocabulary = rows // sentences, model.output_weight_VD.shape[0]
    memory = model.encode(torch.randint(5, vocabulary, (sentences, SOURCE)), None)
    cache = model.start(memory, None, width, STEP + REPEATS)
    token_BWT = torch.randint(5, vocabulary, (sentences, width, STEP))
    for at in range(STEP):
        model.step(token_BWT[..., at].flatten(), cache)
    next_BWV = torch.randn(sentences, width, vocabulary)
    places, logp_BW = torch.arange(sentences), torch.zeros(sentences, width)
    living = Living(STEP + 1, places, places, places + 99, token_BWT, logp_BW)

    step = best(lambda: model.step(token_BWT[..., -1].flatten(), cache))
    print(f"{sentences} sentences x {width}: a step takes {step:.2f} ms")
    rules: dict[str, list[Rule]] = {
        "loop guard": [LoopGuard([3] * sentences, cpu), VarietyGuard([6] * sentences, cpu)],
        "loop guard, some sources repeat": [
            LoopGuard([9] + [3] * (sentences - 1), cpu),
            VarietyGuard([6] * sentences, cpu),
        ],
        "no repeated 3-gram": [NoRepeat(3)],
    }
    for name, made in rules.items():
        took = best(lambda made=made: [rule.apply(living, next_BWV) for rule in made])  # type: ignore[misc]
        print(f"    {name}: {took:.3f} ms, {took / step:.1%} of a step")


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    path, *rows = arguments or [""]
    if path and not path.isdigit():
        model = Bundle.load(Path(path), torch.device("cpu"), torch.float32).model
    else:
        rows = arguments
        model = Transformer(TransformerOptions.parse({"preset": "base"}, "benchmark"), 8000, 8000).eval()
    for count in map(int, rows or ("5", "320")):
        measure(model, count)


if __name__ == "__main__":
    main(sys.argv[1:])
