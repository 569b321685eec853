"""Prefetch: items made in a thread while others are in use, some of them or only the next.

An error of the thread is raised where the item was due.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 4
"""Items that are made before they are asked for."""


def prefetch(items: Callable[[], Iterator[T]]) -> Generator[T]:
    """Make items in a thread, some ahead of their use."""
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(AHEAD)
    stop = threading.Event()

    def put(entry: tuple[T | None, BaseException | None]) -> None:
        while not stop.is_set():
            try:
                ready.put(entry, timeout=0.2)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items():
                put((item, None))
                if stop.is_set():
                    return
            put((None, StopIteration()))
        except BaseException as error:  # noqa: BLE001 (raised again in the reader's thread)
            put((None, error))

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


class Ahead(Generic[T]):
    """An iterator whose items are large: the next one is made in a thread, from when `begin` is called."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items, self._thread = items, ThreadPoolExecutor(1, "ahead")
        self._coming: Future[T] | None = None

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        coming = self.begin()
        self._coming = None  # or the item would be held here for as long as the next one
        return coming.result()

    def begin(self) -> Future[T]:
        """Begin with the next item, if that is not done yet."""
        if self._coming is None:
            self._coming = self._thread.submit(next, self._items)
        return self._coming

    def close(self) -> None:
        """Wait for what was begun, and make no more."""
        self._thread.shutdown()
