"""Processes: what every one has in common that is started to work for this one."""

import multiprocessing
import os
import signal
import threading


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
