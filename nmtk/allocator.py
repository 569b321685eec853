"""How the process keeps the memory that it once got from the system."""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_PRIMITIVES = 64
"""How many of its prepared products oneDNN keeps: those of one batch, whose layers share them."""


def keep_memory(primitives: int = _PRIMITIVES) -> bool:
    """Tell glibc to keep what it once got; returns whether it did. Elsewhere nothing happens.

    By default glibc maps each large tensor anew and unmaps it when it is freed, so that every step pays a page fault
    for each 4 KiB of every activation.

    oneDNN, which multiplies matrices of bfloat16, is told the opposite. It keeps code and workspace of the last 1,024
    shapes, and nearly every batch has shapes of its own: a gigabyte that is never used again, kept for no gain in time.
    """
    for cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):  # both are read at the first product
        os.environ.setdefault(cache, str(primitives))
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20), (_ARENA_MAX, 1))
    taken = [bool(mallopt(parameter, value)) for parameter, value in wanted]  # all of them, whatever one says
    return all(taken)
