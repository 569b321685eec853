"""What is kept: one JSON file that grows with each part, and a budget of time that no part may break."""

import json
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from nmtk import __version__
from nmtk.files import write_text
from tests.benchmarks.gpu.turns import Figures


class Budget:
    """The time that is left of a run that is cut off at its end."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.skipped: list[str] = []

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()

    def allows(self, seconds: float, name: str) -> bool:
        """Whether so much is left; what is not begun for want of time is remembered, and said."""
        if seconds <= self.left:
            return True
        self.skipped.append(name)
        say(f"  {name}: skipped, {self.left:.0f} s left")
        return False


class Results:
    """The file, written anew after each part: what was measured is not lost with what comes after it."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path = path
        self.document: Figures = {"machine": machine(device), "command": " ".join(sys.argv[1:]), "parts": {}}
        if path.exists():
            self.document["parts"] = json.loads(path.read_text("utf-8"))["parts"]

    def keep(self, part: str, figures: Figures) -> None:
        """Keep a part's figures, and show them."""
        self.document["parts"][part] = figures
        write_text(self.path, json.dumps(self.document, indent=1) + "\n")


def machine(device: torch.device) -> dict[str, str]:
    """What the figures were measured on."""
    found = {"nmtk": __version__, "python": platform.python_version(), "torch": torch.__version__}
    for package in ("triton", "transformers", "joeynmt"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found |= {
            "gpu": properties.name,
            "gpu memory": f"{properties.total_memory / 2**30:.0f} GiB",
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),
        }
    return found


@contextmanager
def recorded(found: Figures, row: str) -> Iterator[None]:
    """What fails here becomes the row that was to be measured, and the others are measured all the same."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (whatever it is, it must not lose the other rows)
        found[row] = _failure(error)


def _failure(error: BaseException) -> Figures:
    traceback.print_exception(error, file=sys.stderr)
    return {"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]}


def say(text: str) -> None:
    """Progress, at once."""
    print(text, file=sys.stderr, flush=True)
