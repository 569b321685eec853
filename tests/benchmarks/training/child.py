"""An engine's run as a child process: its speed, memory and page faults while it trains, and then its end."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple


class EngineFailed(Exception):
    """The engine ended, or said nothing, before enough was measured."""


class Measured(NamedTuple):
    """One run of an engine, from the end of its warm-up on."""

    tokens_per_second: float
    tokens_per_update: float
    seconds: float
    peak_mib: float
    faults_per_second: float


class Limits(NamedTuple):
    """Seconds: of training that are not counted, of training that are, and of the whole run until it is given up."""

    warm_up: float
    measure: float
    give_up: float


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    rate: Callable[[str], float | None],
    report_every: int,
    limits: Limits,
) -> Measured:
    """Run the command in the folder until enough of its training was measured.

    A line of output that tells a speed tells that of the time since the one before. The clock starts with the first
    of them, so that neither loading nor the first updates count. Raises EngineFailed with the last lines of output.
    """
    tail: deque[str] = deque(maxlen=15)
    tokens, lines = 0.0, 0
    first = begun = last = faults_before = 0.0
    with _running(command, environment, folder, limits.give_up) as child, (folder / "output.txt").open("w") as output:
        for line in _lines(child):
            output.write(line)
            tail.append(line)
            now, speed = time.monotonic(), rate(line)
            if speed is None:
                continue
            first = first or now
            if begun:
                tokens, lines, last = tokens + speed * (now - last), lines + 1, now
                if now - begun >= limits.measure:
                    faults, peak = _memory(child.pid)
                    seconds = now - begun
                    updates = lines * report_every
                    return Measured(
                        tokens / seconds, tokens / updates, seconds, peak, (faults - faults_before) / seconds
                    )
            elif now - first >= limits.warm_up:
                begun = last = now
                faults_before, _ = _memory(child.pid)
    raise EngineFailed("".join(tail).strip() or "no output")


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, give_up: float
) -> Iterator[subprocess.Popen[str]]:
    """The process, in a session of its own, which is ended as a whole afterwards or when its time is up."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as child:

        def end() -> None:
            with suppress(ProcessLookupError):  # workers may live on where the engine itself has ended
                os.killpg(child.pid, signal.SIGKILL)

        watch = threading.Timer(give_up, end)
        watch.start()
        try:
            yield child
        finally:
            watch.cancel()
            end()


def _lines(child: subprocess.Popen[str]) -> Iterator[str]:
    assert child.stdout
    yield from child.stdout


def _memory(session: int) -> tuple[float, float]:
    """Page faults so far, and MiB of memory: the engine's peak, and what its workers have that it does not share."""
    faults = mib = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            own = int(folder.name) == session
            sizes = (folder / ("status" if own else "smaps_rollup")).read_text().splitlines()
        except OSError:  # it ended just now
            continue
        faults += int(fields[7]) + int(fields[9])
        mib += sum(int(line.split()[1]) / 1024 for line in sizes if line.startswith("VmHWM" if own else "Private_"))
    return faults, mib
