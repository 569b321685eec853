"""Memory of training: how much there is, and what is said when there is none left."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import nn

from nmtk import devices
from nmtk.data.batches import Batch
from nmtk.errors import TrainingError
from nmtk.processes import local_size
from nmtk.training.options import TrainingOptions


def free_memory(device: torch.device) -> int | None:
    """Bytes that this process could still take on a device; None where the system does not say.

    On a CPU that is what the kernel can give without swapping, or what the control group of the process has left, where
    that is less, shared with the other ranks of the machine. On a GPU it includes what PyTorch holds and does not use.
    """
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + held
    if device.type != "cpu" or (available := _available()) is None:
        return None
    ranks = local_size()
    return min([available, *_left_of_groups()]) // ranks


def place_for(model: nn.Module, device: torch.device) -> torch.device:
    """Where a whole copy of a model has room to work: a device, or the CPU where it took half of what is free."""
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    free = free_memory(device)
    return device if free is None or 2 * size <= free else torch.device("cpu")


def status(field: str, source: Path = Path("/proc/self/status")) -> int:
    """Bytes that Linux tells of this process: VmRSS is now, VmHWM the most so far, VmSize all addresses.

    getrusage would not do for the peak: there it is also that of the process that this one was forked from.
    """
    lines = (line.partition(":") for line in source.read_text("ascii").splitlines())
    return next(int(rest.split()[0]) << 10 for name, _, rest in lines if name == field)


def peak_memory(device: torch.device) -> int | None:
    """The most memory so far: of tensors on a GPU, of the whole process on a CPU; None where the system is silent."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return status("VmHWM") if device.type == "cpu" and sys.platform.startswith("linux") else None


def _available(source: Path = Path("/proc/meminfo")) -> int | None:
    """Linux's own estimate of what can be had without swapping."""
    try:
        lines = source.read_text("ascii").splitlines()
    except OSError:
        return None
    sizes = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines) if rest.strip()}
    return int(sizes["MemAvailable"]) << 10 if "MemAvailable" in sizes else None


def _left_of_groups(groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """What each control group around this process has left of its limit, in versions 1 and 2; page cache counts."""
    try:
        lines = groups.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        limit, used, home = (
            ("memory.max", "memory.current", root)
            if controllers == ""
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", root / "memory")
        )
        folder = home / path.lstrip("/")
        for group in (folder, *folder.parents):
            if not group.is_relative_to(home):
                break
            try:
                most = (group / limit).read_text("ascii").strip()
                now = int((group / used).read_text("ascii"))
                cache = _file_cache(group / "memory.stat")
            except OSError:
                continue
            if most != "max":
                yield max(0, int(most) - now + cache)


def _file_cache(stat: Path) -> int:
    """Bytes of a group that the kernel gives up when they are wanted: files that nobody has read of late."""
    fields = dict(line.split() for line in stat.read_text("ascii").splitlines())
    return int(fields.get("total_inactive_file", fields.get("inactive_file", 0)))


def naming_memory(update: int, device: torch.device, work: str, remedy: str) -> AbstractContextManager[None]:
    """Let an error of used-up memory say in which update, where, at what work, and what helps: raises TrainingError."""
    return devices.naming_memory(device, work, remedy, where=f"update {update}: ", error=TrainingError)


def naming_the_batch(
    update: int, device: torch.device, batch: Batch, options: TrainingOptions
) -> AbstractContextManager[None]:
    """The same for the work on a batch."""
    sentences, source = batch.source_BS.shape
    shape = f"{sentences} sentences, {source} source x {batch.gold_BT.shape[1]} target positions"
    remedy = (
        f"a larger training.accumulate (now {options.accumulate}), a smaller training.batch_tokens (now "
        f"{options.effective_tokens})"
    )
    remedy += "" if options.batch_tokens == "auto" or options.sharding == "full" else " or training.batch_tokens=auto"
    return naming_memory(update, device, f"a batch of {shape}", remedy)
