"""An engine: how it is installed, how it is started on the task, and where it says how fast it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from tests.benchmarks.training.task import Task

ENDLESS = 1_000_000
"""Updates or epochs: more than any engine is given time for."""

REPORT_EVERY = 5
"""Updates between two lines in which an engine tells its speed."""

KEPT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "2147483647",
    "MALLOC_TOP_PAD_": "67108864",
    "MALLOC_ARENA_MAX": "1",
}
"""The environment that tells glibc to keep what it once got from the kernel, as nmtk does by itself."""


class Engine(ABC):
    """One of those that are compared. Its file says how it counts tokens."""

    name: ClassVar[str]
    installs: ClassVar[Sequence[Sequence[str]]] = ()
    """What `pip install` is given, call by call, to make its environment; nothing: it is in this one."""
    packages: ClassVar[Sequence[str]]
    """Whose versions are told with the results."""
    precisions: ClassVar[Sequence[str]] = ("float32",)
    """The first is what its users get; `bfloat16` is left out where the processor is not fast at it."""
    keeps_memory: ClassVar[bool] = False
    """Whether it tells glibc to keep memory by itself, so that there is no second way to run it."""

    @abstractmethod
    def command(self, task: Task, folder: Path, python: Path, precision: str) -> list[str]:
        """Write its configuration into the folder, and give the command that trains without end."""

    @abstractmethod
    def rate(self, line: str) -> float | None:
        """Non-padding target tokens a second since the line before, `</s>` included, if a line of output tells it."""


class Row(NamedTuple):
    """One way to run an engine: a row of the table."""

    engine: Engine
    precision: str
    kept: bool

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.engine.name} {self.precision}" + (", memory kept" if self.kept else "")


def rows(engines: Sequence[Engine], fast_bfloat16: bool) -> list[Row]:
    """Each engine in each of its precisions, as its users run it and with memory kept."""
    return [
        Row(engine, precision, kept)
        for engine in engines
        for precision in engine.precisions
        if precision != "bfloat16" or fast_bfloat16
        for kept in ((False,) if engine.keeps_memory else (False, True))
    ]
