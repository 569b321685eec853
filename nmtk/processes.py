"""Processes: those that torchrun starts with this one, and what every one has in common that works for this one."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def world_size() -> int:
    """How many processes torchrun has started, on all machines; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_rank() -> int:
    """The number of this process among them, from 0."""
    return int(os.environ["RANK"]) if world_size() > 1 else 0


def local_size() -> int:
    """How many of them are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def local_rank() -> int:
    """The number of this process among those of its machine, from 0."""
    return int(os.environ["LOCAL_RANK"]) if world_size() > 1 else 0


def restarts() -> int:
    """How often torchrun has started them again after one had failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Within it SIGTERM leaves the block as an exception does, and the process ends with 143; a second ends it at once.

    Semaphores of processes that work for this one have names, which stay behind where it dies of the signal: Python's
    resource tracker then complains on standard error. Whoever hears the signal already, or ignores it, goes on so.
    """
    here = threading.current_thread() is threading.main_thread()  # no other has a say in signals
    if not here or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def serve_parent() -> None:
    """To be called first in a process that works for another: it ends with that one, however that one ends.

    An interrupt is left to the parent, which hears it too. A parent that was killed cannot end anybody, and whoever
    works for it would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
