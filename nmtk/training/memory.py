"""Memory of a training process on CPUs: kept, not given back to the kernel and faulted in again at every step."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8


def keep_memory() -> bool:
    """Tell glibc to keep what it once got; returns whether it did. Elsewhere nothing happens.

    By default glibc maps each large tensor anew and unmaps it when it is freed, so that every step pays a page fault
    for each 4 KiB of every activation.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20), (_ARENA_MAX, 1))
    taken = [bool(mallopt(parameter, value)) for parameter, value in wanted]  # all of them, whatever one says
    return all(taken)
