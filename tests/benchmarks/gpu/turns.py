"""Turns: who is compared takes turns in one process, so that all meet the same machine; what counts is the median."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import torch

from nmtk.training.flops import Lengths, wait_for

Figures = dict[str, Any]


class Turn(NamedTuple):
    """What was done in one turn, and how long it took until the device had done it."""

    seconds: float
    updates: int
    lengths: Lengths
    """Of the real tokens; `target` is what speeds are told in."""
    positions: int
    """Of both sides, padding included."""

    @property
    def speed(self) -> float:
        """Real target tokens a second."""
        return self.lengths.target / self.seconds

    @property
    def padding(self) -> float:
        """The share of positions that hold no token."""
        return 1 - (self.lengths.source + self.lengths.target) / self.positions


class Contestant(Protocol):
    """Something that trains."""

    def turn(self, seconds: float) -> Turn:
        """Train for about so long, and for one update at least; the first of all turns also compiles."""

    def close(self) -> None:
        """No more turns."""


def figures(turns: Sequence[Turn], operations: Callable[[Lengths], float], ceiling: float) -> Figures:
    """What is told of several turns.

    operations: what a model of this size needs for sentences of these lengths; the same for all contestants of a
    size. ceiling: operations a second of the best matrix product of this machine.
    """
    speeds = [turn.speed for turn in turns]
    rates = [operations(turn.lengths) / turn.seconds for turn in turns]
    return {
        "tokens_per_second": round(statistics.median(speeds)),
        "lowest": round(min(speeds)),
        "highest": round(max(speeds)),
        "update_ms": round(1000 * statistics.median(turn.seconds / turn.updates for turn in turns), 2),
        "tokens_per_update": round(sum(t.lengths.target for t in turns) / sum(t.updates for t in turns)),
        "padding": round(statistics.median(turn.padding for turn in turns), 4),
        "tflops": round(statistics.median(rates) / 1e12, 1),
        "mfu": round(statistics.median(rates) / ceiling, 4),
    }


@contextmanager
def fresh(device: torch.device) -> Iterator[None]:
    """No memory is kept from what was before, nor for what comes after. What was compiled stays."""
    relax(device)
    try:
        yield
    finally:
        relax(device)


def relax(device: torch.device) -> None:
    """Give back the memory that nobody holds, so that the next one to train has all of it."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib(device: torch.device) -> float | None:
    """The most memory that tensors took on the device since it was fresh."""
    return round(torch.cuda.max_memory_allocated() / 2**30, 2) if device.type == "cuda" else None


def compiled() -> dict[str, int]:
    """How many graphs were compiled since the start, and how often one could not be made whole."""
    from torch._dynamo.utils import counters

    return {
        "graphs": counters["stats"].get("unique_graphs", 0),
        "breaks": sum(counters["graph_break"].values()),
    }


def seconds_of(function: Callable[[], object], device: torch.device, budget: float = 0.3) -> float:
    """The median time of a call that keeps the device busy, after two that do not count."""
    times: list[float] = []
    for _ in range(2):
        function()
    wait_for(device)
    ends = time.perf_counter() + budget
    while len(times) < 5 or (time.perf_counter() < ends and len(times) < 200):
        if device.type == "cuda":
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            function()
            stop.record()
            stop.synchronize()
            times.append(start.elapsed_time(stop) / 1000)
        else:
            begun = time.perf_counter()
            function()
            times.append(time.perf_counter() - begun)
    return statistics.median(times)
