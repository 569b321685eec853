"""Ranks without torchrun: forked from a process that has imported everything, so that they start in no time."""

import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

Patch = Callable[[int], None]
"""Changes something in the process of a rank, whose number it is given."""


class Rank(NamedTuple):
    process: ForkServerProcess
    told: Path

    @property
    def stderr(self) -> str:
        return self.told.read_text() if self.told.exists() else ""

    def code(self, timeout: float = 60) -> int:
        self.process.join(timeout)
        assert self.process.exitcode is not None, "it goes on"
        return self.process.exitcode


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def launched(
    folder: Path, *arguments: object, ranks: int = 2, patience: float = 1, patch: Patch | None = None
) -> Iterator[list[Rank]]:
    """Run `nmtk ARGUMENTS...` on some ranks; what is left of them at the end is killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nmtk.recipe.run", "nmtk.cli.app", "nmtk.training.sharding", "tensorboard"])
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "GLOO_SOCKET_IFNAME": "lo"}
    environment |= {"WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1", "NMTK_PATIENCE": str(patience)}
    folder.mkdir(exist_ok=True)
    started = []
    for rank in range(ranks):
        told = folder / f"rank-{rank}-{time.monotonic_ns()}"
        own = environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        given = [str(argument) for argument in arguments]
        process = context.Process(target=_run, args=(own, given, str(told), patch), daemon=True)
        process.start()
        started.append(Rank(process, told))
    try:
        yield started
    finally:
        for one in started:
            one.process.kill()
            one.process.join()
            one.process.close()


def launch(folder: Path, *arguments: object, ranks: int = 2, patch: Patch | None = None) -> None:
    """Run `nmtk ARGUMENTS...` on some ranks to its end, which must be a good one."""
    with launched(folder, *arguments, ranks=ranks, patch=patch) as started:
        codes = [one.code(120) for one in started]
        assert codes == [0] * ranks, [one.stderr for one in started]


def _run(environment: dict[str, str], arguments: list[str], told: str, patch: Patch | None) -> None:
    os.environ.update(environment)
    os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT), 2)
    sys.stderr = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
    if patch:
        patch(int(environment["RANK"]))
    sys.argv = ["nmtk", *arguments]
    from nmtk.cli.app import main

    main()
