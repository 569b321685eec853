"""What all tests share: the folder of real corpora, and the command line run in this process."""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):  # each makes the command line think it writes to a terminal
    os.environ.pop(name, None)
os.environ["NO_COLOR"] = "1"
os.environ["COLUMNS"] = "120"
# A shell starts its background jobs deaf to SIGINT, and they would pass that on to the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora that NMTK_DATA names; the test is skipped where it names none."""
    folder = os.environ.get("NMTK_DATA")
    if not folder:
        pytest.skip("NMTK_DATA names no folder of corpora")
    if not Path(folder).is_dir():
        pytest.skip(f"NMTK_DATA: {folder} is no folder")
    return Path(folder).resolve()


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def nmtk(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run `nmtk ARGUMENTS...` as the shell would, but in this process: `nmtk("evaluate", reference, stdin="a\\n")`."""
    from nmtk.cli.app import main

    def run(*arguments: object, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["nmtk", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8", newline=""))
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return Ended(ended.value.code or 0, out, err)

    return run


@pytest.fixture
def redirected() -> Iterator[Callable[[int, Path], None]]:
    """Have a standard stream, by its descriptor, lead to a file as the shell's `<` and `>>` do: `redirected(0, path)`.

    That is what a command asks the system about; it reads from the `stdin` of `nmtk` all the same.
    """
    before: dict[int, int] = {}

    def redirect(number: int, path: Path) -> None:
        before[number] = os.dup(number)
        with path.open("ab" if number else "rb") as file:
            os.dup2(file.fileno(), number)

    yield redirect
    for number, kept in before.items():
        os.dup2(kept, number)
        os.close(kept)
