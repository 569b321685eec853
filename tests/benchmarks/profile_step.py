"""Where the time of a training update goes: self-time of each operation, in milliseconds an update.

NMTK_DATA=/path/to/data python tests/benchmarks/profile_step.py recipes/multi30k-en-de --threads 1 \\
    vocabulary.size=8000 model.inner=1024 model.dropout=0.1 training.batch_tokens=4096
"""

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch
from rich.console import Console
from torch.profiler import ProfilerActivity, profile

from nmtk.allocator import keep_memory
from nmtk.data.cursor import Share, walk
from nmtk.devices import pick_device, pick_precision
from nmtk.model.transformer import Transformer
from nmtk.recipe.prepare import prepare
from nmtk.recipe.recipe import Located, load
from nmtk.training.distributed import Ranks
from nmtk.training.rehearsal import Rehearsal

GROUPS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm"),
    "softmax": ("_softmax", "_softmax_backward_data", "_log_softmax", "logsumexp", "exp_", "amax"),
    "copies and casts": ("copy_", "cat", "clone", "_to_copy", "contiguous"),
    "norms": ("native_layer_norm", "native_layer_norm_backward"),
    "activations, and dropout after them": ("relu", "clamp_min", "threshold_backward", "elu_backward"),
    "dropout's random numbers": ("random_", "ge"),  # those of long runs are NumPy's, which no profile of PyTorch sees
    "sums (of biases' gradients)": ("sum",),
    "adding and multiplying": ("add", "add_", "mul", "mul_", "sub", "sub_"),
    "optimiser and norm of the gradient": ("_fused_adam_", "linalg_vector_norm"),
}


def updates(located: Located, run: Path) -> tuple[Rehearsal, list[Share]]:
    """What makes updates as the trainer does, and the shares of the first of them."""
    recipe = located.recipe
    options = recipe.training
    prepared = prepare(located, run, Console(stderr=True))
    device = pick_device(options.device)
    torch.manual_seed(options.seed)
    model = Transformer(recipe.model, len(prepared.vocabularies.source), len(prepared.vocabularies.target)).to(device)
    rehearsal = Rehearsal(model, options, pick_precision(options.precision, device), Ranks(0, 1, device))
    shares = islice(walk(prepared.mixture, options.effective_tokens, options.accumulate, options.seed), 40)
    return rehearsal, list(shares)


def report(averages: "torch.autograd.profiler_util.EventList", count: int) -> None:
    """Print the self-time of each group, and of the operations that are in none."""
    times = {event.key.removeprefix("aten::"): event.self_cpu_time_total / count / 1000 for event in averages}
    whole = sum(times.values())
    for group, names in GROUPS.items():
        part = sum(times.pop(name, 0.0) for name in names)
        print(f"{group:36s} {part:8.1f} ms {part / whole:6.1%}")
    print(f"{'all else':36s} {sum(times.values()):8.1f} ms {sum(times.values()) / whole:6.1%}")
    for name, part in sorted(times.items(), key=lambda item: -item[1])[:5]:
        print(f"    {name:32s} {part:8.1f} ms")
    print(f"{'an update':36s} {whole:8.1f} ms")


def main() -> None:
    """Measure without the profiler, then with it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--run", type=Path, help="A folder that keeps what is prepared.")
    asked = parser.parse_intermixed_args()
    keep_memory()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as place:
        rehearsal, shares = updates(load(asked.recipe, asked.settings), asked.run or Path(place))
    for share in shares[:3]:
        rehearsal.update(share.batches)
    speeds = []
    for share in shares[3:][: asked.updates]:
        begun = time.perf_counter()
        rehearsal.update(share.batches)
        speeds.append(share.tokens / (time.perf_counter() - begun))
    print(f"target tokens a second: {sorted(speeds)[len(speeds) // 2]:,.0f} (median), {asked.threads} threads")
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for share in shares[3:][: asked.updates]:
            rehearsal.update(share.batches)
    measured = shares[3:][: asked.updates]
    print(f"an update has {sum(share.tokens for share in measured) / len(measured):,.0f} target tokens")
    report(profiled.key_averages(), len(measured))


if __name__ == "__main__":
    main()
