"""Progress: how far a translation is, told on standard error now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nmtk.translation.job import Job
from nmtk.translation.shards import Shard

SOON = 5.0
"""Seconds of work before a terminal shows anything: what is done sooner needs no word."""

EVERY = 30.0
"""Seconds from one line to the next where standard error is no terminal."""


class Progress:
    """Takes in how many lines there are, and tells them with their speed: by a live line, or plain ones."""

    def __init__(self, live: bool, now: Callable[[], float] = time.monotonic) -> None:
        self.live, self.now = live, now
        self.began = self.last = 0.0
        self.first: int | None = None
        self.show, self.close = self._open_bar, _nothing

    def __call__(self, lines: int) -> None:
        """The first call says how many there were when the work began: they count, but not for the speed."""
        now = self.now()
        if self.first is None:
            self.first, self.began, self.last = lines, now, now
        elif now - self.last >= (SOON if self.live else EVERY):
            figures = f"{lines:,} lines, {(lines - self.first) / (now - self.began):,.1f} a second"
            if self.live:
                self.show(figures)
            else:
                sys.stderr.write(f"nmtk: {figures}\n")
                self.last = now

    def _open_bar(self, figures: str) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn

        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False)
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        task = bar.add_task(figures, total=None)
        bar.start()
        self.show, self.close = lambda figures: bar.update(task, description=figures), bar.stop


def _nothing() -> None: ...


@contextmanager
def watched(job: Job) -> Iterator[Callable[[int], None]]:
    """What is to be told how far the job is; of processes that torchrun started, the first speaks for all.

    It is silent where nobody wants to hear, and where the lines themselves come and go at the terminal.
    """
    ranks = Shard.of_environment()
    if job.quiet or job.typed or job.shown or sys.stderr is None or (ranks and ranks.number > 1):
        yield lambda _: None
        return
    progress = Progress(live=sys.stderr.isatty())
    try:
        yield progress
    finally:
        progress.close()
