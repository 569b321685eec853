"""Train nmtk and its peers side by side, in turns, and tell how fast each is.

python -m tests.benchmarks.training.run --data DATA --threads 2 -o results.json

DATA holds multi30k/ (see recipes/multi30k-en-de); nothing else may run on the machine. The first call makes an
environment for each peer, unless --venv names one, and cuts the text into pieces, both under --work.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from nmtk.devices import has_fast_bfloat16
from nmtk.files import write_text
from tests.benchmarks.training.child import EngineFailed, Limits, measure
from tests.benchmarks.training.engine import KEPT, REPORT_EVERY, Engine, Row, rows
from tests.benchmarks.training.environments import environment, python_of, versions
from tests.benchmarks.training.machine import describe
from tests.benchmarks.training.peer_eole import Eole
from tests.benchmarks.training.peer_huggingface import HuggingFace
from tests.benchmarks.training.peer_joeynmt import JoeyNMT
from tests.benchmarks.training.peer_nmtk import Nmtk
from tests.benchmarks.training.peer_opennmt import OpenNMT
from tests.benchmarks.training.report import Results, table
from tests.benchmarks.training.task import Task, make_ready

ENGINES: tuple[Engine, ...] = (Nmtk(), HuggingFace(), JoeyNMT(), Eole(), OpenNMT())
LOADING = 300
"""Seconds after which an engine is given up that has not begun to train."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write the results after each run."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # so that no engine outlives this process
    if asked.data:
        os.environ["NMTK_DATA"] = str(asked.data.absolute())
    work = asked.work.absolute()
    engines = [engine for engine in ENGINES if engine.name in asked.peers.split(",")]
    if unknown := set(asked.peers.split(",")) - {engine.name for engine in engines}:
        raise SystemExit(f"--peers: found {sorted(unknown)[0]}, wanted of {', '.join(e.name for e in ENGINES)}")
    given = dict(venv.split("=", 1) for venv in asked.venv)
    pythons = {
        engine.name: python_of(engine, Path(given[engine.name]) if engine.name in given else None, work / "venv")
        for engine in engines
    }
    task = make_ready(work / "task", asked.threads)
    results: Results = {
        "machine": describe(),
        "versions": {engine.name: versions(engine, pythons[engine.name]) for engine in engines},
        "task": f"{task.pairs:,} pairs, {task.target_tokens:,} target tokens an epoch; {asked.threads} threads, "
        f"{asked.turns} turns of {asked.seconds:g} s after a warm-up of {asked.warm_up:g} s",
        "runs": [],
    }
    chosen = rows(engines, has_fast_bfloat16(torch.device("cpu")))
    limits = Limits(asked.warm_up, asked.seconds, LOADING + 2 * (asked.warm_up + asked.seconds))
    for turn in range(1, asked.turns + 1):
        for row in chosen:
            found = _run(row, task, pythons[row.engine.name], work / "run", limits)
            results["runs"].append({"row": row.name, "turn": turn, **found})
            print(f"turn {turn} {row.name}: {_brief(found)}", file=sys.stderr, flush=True)
            if asked.output:
                write_text(asked.output, json.dumps(results, indent=1) + "\n")
    print(table(results), end="")


def _run(row: Row, task: Task, python: Path, folder: Path, limits: Limits) -> Results:
    """One run of one row, in a new folder; what went wrong where it failed, so that the other rows are measured."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = row.engine.command(task, folder, python, row.precision)
    child = environment(task.threads) | (KEPT if row.kept else {})
    try:
        return measure(command, child, folder, row.engine.rate, REPORT_EVERY, limits)._asdict()
    except EngineFailed as error:
        return {"failed": str(error)}


def _brief(found: Results) -> str:
    if "failed" in found:
        return f"failed: {found['failed'].splitlines()[-1]}"
    return f"{found['tokens_per_second']:,.0f} target tokens/s, {found['peak_mib']:,.0f} MiB"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ",".join(engine.name for engine in ENGINES)
    parser.add_argument("--data", type=Path, help="the folder with multi30k/; as NMTK_DATA says if not given")
    parser.add_argument("--peers", default=names, help=f"which of {names}")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0, help="of training that are measured, each turn")
    parser.add_argument("--warm-up", type=float, default=15.0, help="seconds of training before them")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark"), help="where everything is made")
    parser.add_argument(
        "--venv", action="append", default=[], metavar="PEER=FOLDER", help="an environment that is there"
    )
    parser.add_argument("-o", "--output", type=Path, help="where the results go, as JSON")
    return parser


if __name__ == "__main__":
    main()
