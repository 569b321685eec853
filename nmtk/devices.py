"""Devices and precision: what `auto` means, and a plain answer where the machine lacks what was asked for."""

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from nmtk.errors import NmtkError, OptionsError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "int8": torch.int8}

_FAST_BFLOAT16 = frozenset({"amx_bf16", "avx512_bf16"})
_CPU = Path("/proc/cpuinfo")


def pick_device(name: str) -> torch.device:
    """The device of this name: `auto` (the first of cuda, mps and cpu that is here), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises OptionsError when there is no such device, or not on this machine.
    """
    here = devices()
    if name == "auto":
        return here[0]
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise OptionsError(f"device: found {name}, wanted auto, cpu, cuda, cuda:N or mps")
    if any(device in (one, torch.device(one.type)) for one in here):
        return device
    raise OptionsError(f"device: {name} is not on this machine; here: {', '.join(map(str, here))}")


def devices() -> list[torch.device]:
    """The devices of this machine, the fastest kind first."""
    found = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append(torch.device("mps"))
    return [*found, torch.device("cpu")]


def pick_precision(name: str, device: torch.device, exact: bool = False) -> torch.dtype:
    """The type that weights and activations have: `float32`, `bfloat16`, `float16`, or what `auto` finds fast.

    `auto` is bfloat16 where the hardware computes in it (GPUs that have it, CPUs with AMX or AVX512-BF16), else
    float32: a CPU without such instructions is many times slower in bfloat16. With `exact`, for translating, it is
    float32 on every CPU, so that a line's translation does not depend on the lines beside it. `int8` is for translating
    too: weights in bytes, see model/int8.py. Raises OptionsError for another name, and for int8 but on a CPU.
    """
    if name == "auto":
        fast = has_fast_bfloat16(device) and not (exact and device.type == "cpu")
        return torch.bfloat16 if fast else torch.float32
    if name not in PRECISIONS:
        raise OptionsError(f"precision: found {name}, wanted auto, {', '.join(PRECISIONS)}")
    if name == "int8" and device.type != "cpu":
        raise OptionsError(f"precision: int8 is for CPUs, found the device {device}: wanted auto, bfloat16 or float16")
    return PRECISIONS[name]


def sum_type(device: torch.device) -> torch.dtype:
    """The widest type that the device has to sum figures in: float64, or float32 on Apple's GPUs."""
    return torch.float32 if device.type == "mps" else torch.float64


def attention_kernels(device: torch.device) -> AbstractContextManager[None]:
    """Where it lasts, PyTorch chooses attention's kernel as suits sentences: on NVIDIA's GPUs never cuDNN's.

    cuDNN builds its kernel anew for every shape, in tens of milliseconds, and hardly two batches have the same;
    PyTorch prefers it on newer GPUs (`check_prefer_cudnn_attention` in its `sdp_utils.cpp`).
    """
    if device.type != "cuda":
        return nullcontext()
    return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies matrices of bfloat16 in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and not _FAST_BFLOAT16.isdisjoint(cpu_flags())


@functools.cache
def cpu_flags(source: Path = _CPU) -> frozenset[str]:
    """The processor's instruction sets as Linux names them; empty where the system does not say."""
    return frozenset(_said_of_cpu("flags", source).split())


def cpu_vendor(source: Path = _CPU) -> str:
    """Whose processor it is, as `AuthenticAMD` or `GenuineIntel`; empty where the system does not say."""
    return _said_of_cpu("vendor_id", source)


@functools.cache
def _said_of_cpu(key: str, source: Path) -> str:
    try:
        text = source.read_text("utf-8", "replace")
    except OSError:
        return ""
    lines = (line.partition(":") for line in text.splitlines())
    return next((words.strip() for name, _, words in lines if name.strip() == key), "")


_USED_UP = (
    "DefaultCPUAllocator: can't allocate memory",
    "CUDA error: out of memory",  # pinned memory, and what a kernel asks for by itself
    "CUBLAS_STATUS_ALLOC_FAILED",
    "std::bad_alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up: of PyTorch's allocator for GPUs by its class, else by its words."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _USED_UP)


@contextmanager
def naming_memory(
    device: torch.device, work: str, remedy: str, *, where: str = "", error: type[NmtkError] = NmtkError
) -> Iterator[None]:
    """Let an error of used-up memory be one line: after `where`, on which device, in what work, and what would help.

    Raises `error` in its place; every other error passes.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as found:
        if not is_out_of_memory(found):
            raise
        raise error(f"{where}out of memory on {device}, in {work}: wanted {remedy}") from None
