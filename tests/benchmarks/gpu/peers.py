"""Part `peers`: nmtk's Trainer beside Hugging Face's MarianMT and JoeyNMT, in turns, on the same pairs.

The peers get nmtk's batches, prefetch and pinned memory and a loop without anything else in it; nmtk runs as for its
users, with its log, its checks and its listeners.
"""

from collections.abc import Callable
from functools import partial

from tests.benchmarks.gpu import huggingface, joeynmt
from tests.benchmarks.gpu.duel import duel
from tests.benchmarks.gpu.own import Own
from tests.benchmarks.gpu.results import Budget
from tests.benchmarks.gpu.scale import Scale
from tests.benchmarks.gpu.task import Task
from tests.benchmarks.gpu.throughput import operations_of
from tests.benchmarks.gpu.turns import Contestant, Figures


def measure(task: Task, scale: Scale, budget: Budget) -> Figures:
    """Each size's contestants; `times` is against the best peer, so nmtk's is how many times as fast it is."""
    found: Figures = {}
    for size in scale.models:
        options, tokens, device = scale.options(size), scale.batch_tokens[0], scale.device
        contestants: dict[str, Callable[[], Contestant]] = {
            "nmtk, compiled": partial(Own, "nmtk, compiled", task, options, tokens, device, compile=True),
            "nmtk": partial(Own, "nmtk", task, options, tokens, device, compile=False),
            **huggingface.loops(task, options, tokens, device),
            "joeynmt": partial(joeynmt.loop, task, options, tokens, device),
        }
        rows = duel(contestants, scale, budget, operations_of(options, len(task.vocabularies.target)))
        speeds = {name: row["tokens_per_second"] for name, row in rows.items() if "tokens_per_second" in row}
        peers = [speed for name, speed in speeds.items() if not name.startswith("nmtk")]
        for name, speed in speeds.items():
            rows[name]["times"] = round(speed / max(peers), 3) if peers else None
        found[size] = rows
    return found
