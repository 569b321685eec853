"""A crew: processes that translate batches side by side, each with a model of its own and one thread.

The matrices of one step of a search are small: two threads that share them wait for each other longer than they work.
Two processes do not.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol, Self

import torch

from nmtk.allocator import keep_memory
from nmtk.decoding.hypotheses import Hypothesis
from nmtk.decoding.sentences import Sentence
from nmtk.errors import NmtkError
from nmtk.processes import serve_parent

PRIMITIVES = 1024
"""The prepared products that oneDNN keeps: the shapes of a search come back, step by step, in every batch."""

Worker = Callable[[Sequence[Sentence], int], list[list[Hypothesis]]]
"""Translates a batch: for each sentence its best hypotheses, so many."""


class Crew(Protocol):
    """Whom a translator gives its batches to."""

    @property
    def size(self) -> int:
        """How many batches they work on at once."""

    @property
    def started(self) -> bool:
        """Whether they would begin at once; else a short text is done sooner without them."""

    def submit(self, batch: Sequence[Sentence], best: int) -> Callable[[], list[list[Hypothesis]]]:
        """Have a batch translated; what is returned waits for the result."""


class Processes:
    """A crew of so many processes, started when the first batch is given to them; `open_worker` makes each its worker.

    It is sent to new interpreters (spawned, not forked), so it must be something that pickles, and a script that
    uses a crew must do so under `if __name__ == "__main__"`.
    """

    def __init__(self, open_worker: Callable[[], Worker], size: int):
        self.size, self.started = size, False
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(size, context, _start, (open_worker,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:  # nobody wants what they are at
            for process in self._pool._processes.values():
                process.kill()
        self._pool.shutdown(cancel_futures=True)

    def submit(self, batch: Sequence[Sentence], best: int) -> Callable[[], list[list[Hypothesis]]]:
        """Have a batch translated; what is returned waits for the result.

        It raises NmtkError when a process has died.
        """
        self.started = True
        try:
            future = self._pool.submit(_work, batch, best)
        except BrokenProcessPool:
            raise _died(self.size) from None
        return lambda: self._wait(future)

    def _wait(self, future: "Future[list[list[Hypothesis]]]") -> list[list[Hypothesis]]:
        try:
            return future.result()
        except BrokenProcessPool:
            raise _died(self.size) from None


def _died(size: int) -> NmtkError:
    return NmtkError(f"a translating process died, out of memory perhaps: use fewer --threads than {size}")


_worker: Worker
"""A process' own, made once when it starts."""


def _start(open_worker: Callable[[], Worker]) -> None:
    global _worker
    serve_parent()
    keep_memory(PRIMITIVES)
    torch.set_num_threads(1)
    _worker = open_worker()


def _work(batch: Sequence[Sentence], best: int) -> list[list[Hypothesis]]:
    return _worker(batch, best)
