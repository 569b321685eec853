"""The machine: what nmtk finds here to work with. Nothing is computed, and nothing written."""

import json
import os
import platform
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import torch

from nmtk import __version__
from nmtk.devices import cpu_flags, devices, has_fast_bfloat16
from nmtk.documents import Document
from nmtk.files import cache_folder
from nmtk.processes import cores
from nmtk.training.memory import free_memory

_REQUIREMENT = re.compile(r"^([\w.-]+).*;.*\bextra\s*==\s*['\"]([\w-]+)['\"]")
_BYTES = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


def machine() -> Document:
    """All facts, by name; memory and disk are in bytes."""
    return {
        "nmtk": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "devices": [_device(device) for device in devices()],
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "cache": _disk(cache_folder("data")),
        "here": _disk(Path()),
        "extras": extras(),
    }


def as_text(facts: Document) -> str:
    """The facts for people, a line for each."""
    lines = [
        ("nmtk", f"{facts['nmtk']}, Python {facts['python']} ({facts['executable']})"),
        ("system", facts["system"]),
        ("torch", f"{facts['torch']}, {'CUDA ' + facts['cuda'] if facts['cuda'] else 'without CUDA'}"),
        ("cores", f"{facts['cores']} to use, {facts['threads']} threads"),
    ]
    for one in facts["devices"]:
        fast = "fast" if one["fast_bfloat16"] else "slow"
        bytes_fast = "" if one["fast_int8"] is None else f", int8 {'fast' if one['fast_int8'] else 'slow'}"
        memory = f"{_size(one['free'])} free of {_size(one['memory'])}"
        lines.append((one["device"], f"{one['name']}; {memory}; bfloat16 {fast}{bytes_fast}"))
    for name in ("cache", "here"):
        lines.append((name, f"{facts[name]['folder']}: {_size(facts[name]['free'])} free"))
    for extra, missing in facts["extras"].items():
        lines.append((extra, f"lacks {', '.join(missing)}: pip install 'nmtk[{extra}]'" if missing else "installed"))
    wide = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{wide}}  {said}" for name, said in lines)


def as_json(facts: Document) -> str:
    """The facts for programs."""
    return json.dumps(facts, indent=1)


def extras() -> dict[str, list[str]]:
    """Each extra of nmtk, with the packages of it that are not installed; empty where nmtk itself is not installed."""
    try:
        wanted = metadata.requires("nmtk") or []
    except metadata.PackageNotFoundError:
        return {}
    missing: dict[str, list[str]] = {}
    for package, extra in (match.groups() for match in map(_REQUIREMENT.match, wanted) if match):
        names = missing.setdefault(extra, [])
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            names.append(package)
    return dict(sorted(missing.items()))


def _device(device: torch.device) -> Document:
    cuda = device.type == "cuda"
    return {
        "device": str(device),
        "name": torch.cuda.get_device_name(device) if cuda else _processor(),
        "memory": torch.cuda.get_device_properties(device).total_memory if cuda else _physical(),
        "free": free_memory(device),
        "fast_bfloat16": has_fast_bfloat16(device),
        "fast_int8": not _BYTES.isdisjoint(cpu_flags()) if device.type == "cpu" else None,
    }


def _processor(source: Path = Path("/proc/cpuinfo")) -> str:
    try:
        names = re.findall(r"^model name\s*:\s*(.+)$", source.read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _disk(folder: Path) -> Document:
    """A folder, and what is free on its disk: that of the nearest folder above it that is there already."""
    whole = folder.absolute()
    there = next(path for path in (whole, *whole.parents) if path.is_dir())
    return {"folder": str(whole), "free": shutil.disk_usage(there).free}


def _size(count: int | None) -> str:
    return "not known" if count is None else f"{count / 2**30:,.1f} GiB"
