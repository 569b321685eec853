"""The machine and the checkout that figures were measured on: what makes them comparable, or not."""

import os
import platform
import subprocess
from pathlib import Path

from nmtk.devices import cpu_flags

_TELLING = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512_vnni", "avx512f", "avx2")
"""Instruction sets that decide how fast matrices are multiplied."""


def describe() -> dict[str, str]:
    """The machine in words."""
    cpu = next((line for line in _read("/proc/cpuinfo") if line.startswith("model name")), "").partition(":")[2]
    memory = next((line for line in _read("/proc/meminfo") if line.startswith("MemTotal")), "0 0").split()[1]
    return {
        "cpu": cpu.strip() or platform.processor(),
        "flags": " ".join(flag for flag in _TELLING if flag in cpu_flags()),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory) / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "nmtk": commit(),
    }


def commit() -> str:
    """The commit of this checkout, and whether files differ from it."""
    folder = Path(__file__).parent
    named = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=folder, capture_output=True, text=True, check=False
    )
    return named.stdout.strip() or "unknown"


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
