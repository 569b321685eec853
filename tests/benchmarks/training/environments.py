"""Environments: the variables that every engine gets, and the packages, each peer's in an environment of its own.

Those are made from the package index, with the versions that the peer's file names.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.training.engine import Engine

_VERSIONS = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"


def python_of(engine: Engine, given: Path | None, home: Path) -> Path:
    """The interpreter that runs an engine: that of the environment given, else of one that is made where it is not."""
    if not engine.installs and given is None:
        return Path(sys.executable)
    folder = (given or home / engine.name).absolute()
    python = folder / "bin" / "python"
    done = folder / "installed"
    if given is not None:
        if not python.exists():
            raise SystemExit(f"--venv {engine.name}={given}: no bin/python in it")
    elif not done.exists():
        print(f"making an environment for {engine.name} in {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        for packages in engine.installs:
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        done.touch()
    return python


def versions(engine: Engine, python: Path) -> dict[str, str]:
    """The versions of the packages that matter."""
    command = [str(python), "-c", _VERSIONS, *engine.packages]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(engine.packages, found, strict=True))


def environment(threads: int) -> dict[str, str]:
    """This process's variables, with the number of threads, this checkout's nmtk and no buffer before our reading."""
    root = str(Path(__file__).parents[3])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    return kept | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "PYTHONPATH": root,
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
        "COLUMNS": "300",
        "HF_HUB_OFFLINE": "1",
    }
