"""Signals that ask training to end: a scheduler's SIGTERM, and Ctrl-C."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

_ONE = 1.0
"""Seconds in which signals are one: torchrun passes on what the terminal has already sent."""


@contextmanager
def unheard() -> Iterator[None]:
    """Within it SIGTERM does nothing: torchrun sends it to the ranks that are left, which still find out why."""
    if threading.current_thread() is not threading.main_thread():  # it has no say in signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Signals:
    """Notes SIGTERM and the first SIGINT, for training to end after the update under way; a second SIGINT ends it at
    once.
    """

    def __init__(self, at_once: bool = False) -> None:
        """at_once: the first signal interrupts, too, for work that keeps what is done however it ends."""
        self.at_once = at_once
        self.received: str | None = None
        self._when = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self.received:
            self.received, self._when = f"signal {signal.Signals(number).name}", time.monotonic()
            if self.at_once:
                raise KeyboardInterrupt
        elif number == signal.SIGINT and time.monotonic() - self._when > _ONE:
            raise KeyboardInterrupt
