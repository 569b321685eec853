"""Training on one GPU: correctness, ceilings, throughput, peers, candidates and a real run, in one command.

Once, on any machine, learn the vocabulary of 32,000 pieces and pack the corpus into one file (some minutes):

    python -m tests.benchmarks.gpu.run --part build --data $NMTK_DATA --task build/europarl.tar.xz

Then, where the GPU is, with nothing but this checkout, that file and nmtk's dependencies:

    python -m tests.benchmarks.gpu.run --task build/europarl.tar.xz -o results \\
        --part check,ceiling,throughput --seconds 560
    python -m tests.benchmarks.gpu.run --task build/europarl.tar.xz -o results \\
        --part peers,candidates,loss,optimisers --seconds 560
    python -m tests.benchmarks.gpu.run --task build/europarl.tar.xz -o results \\
        --part curve --run /tmp/curve --seconds 560

A call ends within its seconds: what there is no time for is skipped and said, so a part that was cut can be called
again by itself. `curve` goes on from the checkpoints in its --run folder, as often as it takes to reach --minutes.
Figures come as `results/gpu.json` and, ready for RESULTS.md, `results/gpu.md`; parts of earlier calls are kept. The
exit code is 1 when a check failed or a part broke; the other parts are run all the same.

    python -m tests.benchmarks.gpu.run --tiny --trace-only --device cpu -o /tmp/tiny

tries all of it in a few minutes anywhere, on a task that nmtk writes itself.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nmtk.devices import pick_device
from nmtk.files import write_text
from tests.benchmarks.gpu import candidates, ceiling, check, curve, kernels, muon, peers, report, throughput
from tests.benchmarks.gpu.results import Budget, Results, recorded, say
from tests.benchmarks.gpu.scale import Scale, full, tiny
from tests.benchmarks.gpu.task import Task, build, unpack
from tests.benchmarks.gpu.turns import Figures

PARTS = ("check", "ceiling", "throughput", "peers", "candidates", "loss", "optimisers", "muon", "curve")


def main() -> int:
    """Run the parts that are asked for, in order."""
    asked = _arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        task_file = asked.task or Path(work, "task.tar.xz")
        if asked.part == ("build",) or not task_file.is_file():
            build(task_file, Path(work, "build"), asked.tiny)
        if asked.part == ("build",):
            return 0
        begun = time.monotonic()
        task = unpack(task_file, Path(work, "unpacked"))
        say(f"{task.recipe.name}: {sum(task.mixture.sizes):,} pairs, unpacked in {time.monotonic() - begun:.1f} s")
        return _measure(asked, task)


def _measure(asked: argparse.Namespace, task: Task) -> int:
    device = pick_device(asked.device)
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
    torch._dynamo.config.recompile_limit = 64  # models of all sizes and kinds share one process here
    if asked.trace_only:
        _trace_only()
    scale = (tiny if asked.tiny else full)(device, asked.models)
    budget, results, broken = Budget(asked.seconds), Results(asked.out / "gpu.json", device), False
    parts = _parts(asked, task, scale, budget)
    for part in asked.part:
        say(f"== {part}, {budget.left:.0f} s left")
        begun = time.monotonic()
        found: Figures = {}
        with recorded(found, part):
            found[part] = parts[part]()
        figures = found[part]
        broken |= "failed" in figures or any(
            row.get("passed") is False for row in figures.values() if isinstance(row, dict)
        )
        results.keep(part, figures)
        say(f"== {part}: {time.monotonic() - begun:.0f} s")
        write_text(asked.out / "gpu.md", report.markdown(results.document))
    print(report.markdown(results.document, only=asked.part))
    return int(broken)


def _trace_only() -> None:
    """What is compiled is traced as ever, then run as it is: a C++ compiler takes minutes for what a GPU's does not."""
    module, function = torch.nn.Module.compile, torch.compile

    def traced_module(self: torch.nn.Module, **how: Any) -> None:
        module(self, **how | {"backend": "aot_eager"})

    def traced(what: Any, mode: str | None = None, **how: Any) -> Any:
        return function(what, **how | {"backend": "aot_eager"})

    torch.nn.Module.compile, torch.compile = traced_module, traced  # type: ignore[method-assign,assignment]


def _parts(asked: argparse.Namespace, task: Task, scale: Scale, budget: Budget) -> dict[str, Callable[[], Figures]]:
    run = asked.run or asked.out / "curve"
    return {
        "check": lambda: check.measure(task, scale),
        "ceiling": lambda: ceiling.measure(task, scale),
        "throughput": lambda: throughput.measure(task, scale, budget),
        "peers": lambda: peers.measure(task, scale, budget),
        "candidates": lambda: candidates.measure(task, scale, budget, asked.only),
        "loss": lambda: kernels.measure_loss(task, scale, budget),
        "optimisers": lambda: kernels.measure_optimisers(task, scale, budget),
        "muon": lambda: muon.measure(task, scale, budget),
        "curve": lambda: curve.measure(task, scale, budget, run, asked.out, asked.minutes),
    }


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", type=_names, default=PARTS, help=f"build, or some of {', '.join(PARTS)}")
    parser.add_argument("--task", type=Path, help="the packed task; made by --part build")
    parser.add_argument("--data", help="the folder of the raw corpora, to build from; else NMTK_DATA")
    parser.add_argument("-o", "--out", type=Path, default=Path("results"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--models", type=_names, default=("base", "big"))
    parser.add_argument("--only", type=lambda text: tuple(text.split(";")), default=(), help="candidates, apart by ;")
    parser.add_argument("--seconds", type=float, default=3600.0, help="until when all must be over")
    parser.add_argument("--run", type=Path, help="the folder of the real run, kept between calls")
    parser.add_argument("--minutes", type=float, help="of the real run, all calls together; else the recipe's")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--trace-only", action="store_true", help="compile nothing, but trace what would be")
    asked = parser.parse_args()
    if asked.data:
        os.environ["NMTK_DATA"] = asked.data
    if asked.part != ("build",) and (strange := set(asked.part) - set(PARTS)):
        parser.error(f"--part: found {min(strange)}, wanted build alone, or some of {', '.join(PARTS)}")
    if asked.task and not asked.task.is_file() and asked.part != ("build",):
        parser.error(f"--task: no such file: {asked.task}; make it with --part build")
    return asked


if __name__ == "__main__":
    sys.exit(main())
