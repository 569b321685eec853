"""Is fast training as good? Equal updates must reach an equal validation loss, in every precision and within noise.

python -m tests.benchmarks.training.quality --data DATA --updates 800 -o quality.json

Trains nmtk on the benchmark's task in its default precision and in plain float32, with several seeds each. Started
again at the same commit, it goes on where it stopped. Exit status 1: the default is worse by more than noise.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, variance

from nmtk.files import write_text
from tests.benchmarks.training.environments import environment
from tests.benchmarks.training.machine import commit, describe
from tests.benchmarks.training.task import Task, make_ready

PRECISIONS = ("auto", "float32")
ERRORS = 2.0
"""Standard errors by which two means may differ and still be called equal."""


def main() -> None:
    """Train, compare and print; the results are written after each run."""
    asked = _parser().parse_args()
    if len(set(asked.seeds)) < 2:
        raise SystemExit("--seeds: found one, wanted two or more: noise is what differs between them")
    if asked.data:
        os.environ["NMTK_DATA"] = str(asked.data.absolute())
    task = make_ready(asked.work.absolute() / "task", asked.threads)
    home = asked.work.absolute() / f"quality-{commit()}-{asked.updates}"
    found: dict[str, dict[int, float]] = {precision: {} for precision in PRECISIONS}
    for seed in asked.seeds:
        for precision in PRECISIONS:
            found[precision][seed] = _train(task, home / f"{precision}-{seed}", precision, seed, asked.updates)
            print(f"{precision}, seed {seed}: nll {found[precision][seed]:.4f}", file=sys.stderr, flush=True)
            if asked.output:
                results = {"machine": describe(), "updates": asked.updates, "nll": found}
                write_text(asked.output, json.dumps(results, indent=1) + "\n")
    print(table(found), end="")
    verdict, equal = compare(*(list(found[precision].values()) for precision in PRECISIONS))
    print(verdict)
    sys.exit(not equal)


def table(found: Mapping[str, Mapping[int, float]]) -> str:
    """The validation losses, in nats a token, in Markdown: a seed a row, then the means."""
    fast, plain = (found[precision] for precision in PRECISIONS)
    rows = [(str(seed), fast[seed], plain[seed]) for seed in fast]
    rows.append(("mean", mean(fast.values()), mean(plain.values())))
    lines = ["| seed | auto | float32 | difference |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {one:.4f} | {other:.4f} | {one - other:+.4f} |" for name, one, other in rows]
    return "\n".join(lines) + "\n"


def compare(fast: Sequence[float], plain: Sequence[float]) -> tuple[str, bool]:
    """Whether the fast losses are no higher than the plain ones but for noise, which is that of the seeds.

    What a seed's two runs share makes the noise of their difference smaller: that is told too.
    """
    difference = mean(fast) - mean(plain)
    error = math.sqrt((variance(fast) + variance(plain)) / len(fast))
    paired = math.sqrt(variance(one - other for one, other in zip(fast, plain, strict=True)) / len(fast))
    equal = difference <= ERRORS * error
    word = "within noise" if equal else "WORSE than noise explains"
    return f"difference {difference:+.4f} nats, standard error {error:.4f} ({paired:.4f} by pairs): {word}", equal


def _train(task: Task, run: Path, precision: str, seed: int, updates: int) -> float:
    """Train one model; the validation loss it ends with, in nats a token, without label smoothing."""
    settings = {
        "precision": precision,
        "seed": seed,
        "updates": updates,
        "threads": task.threads,
        "checkpoint.every": 100,
    }
    command = [sys.executable, "-m", "nmtk", "train", str(task.folder / "recipe.yaml"), "-o", str(run)]
    run.parent.mkdir(parents=True, exist_ok=True)
    with run.with_suffix(".txt").open("a") as output:
        given = [f"training.{key}={value}" for key, value in settings.items()]
        subprocess.run([*command, *given], env=environment(task.threads), stdout=output, stderr=output, check=True)
    records = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    (last,) = (r["nll"] for r in records if r["kind"] == "validation" and r["update"] == updates)
    return float(last)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder with multi30k/; as NMTK_DATA says if not given")
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="two or more")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark"), help="where everything is made")
    parser.add_argument("-o", "--output", type=Path, help="where the results go, as JSON")
    return parser


if __name__ == "__main__":
    main()
