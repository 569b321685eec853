"""Whether memory and speed stay as they are while a text without an end is translated, or one file into another.

python tests/benchmarks/huge.py runs/quickstart --lines 1000000
python tests/benchmarks/huge.py runs/quickstart --lines 1000000 --files --ending .xz --decode greedy
"""

import argparse
import lzma
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import IO

from nmtk.translation.parts import Journal


def text(lines: int) -> Iterator[bytes]:
    """Lines that differ, so that nothing can be remembered of them."""
    return (f"She buys {number} apples at half past seven.\n".encode() for number in islice(count(), lines))


def resident(pid: int) -> float:
    """MiB in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def feed(lines: int, stream: IO[bytes]) -> None:
    with stream:
        stream.writelines(text(lines))


class Counter:
    """Lines that have come out so far."""

    def __init__(self) -> None:
        self.lines = 0

    def drain(self, stream: IO[bytes]) -> None:
        for _ in stream:
            self.lines += 1


def watch(process: subprocess.Popen[bytes], done: Counter, part: Path | None, every: float) -> None:
    """A line of the table from time to time: seconds, lines, lines a second since the last, MiB."""
    print(f"{'seconds':>8} {'lines':>10} {'lines/s':>8} {'MiB':>7}", flush=True)
    began = last = time.monotonic()
    before = 0
    while process.poll() is None:
        time.sleep(0.1)
        now = time.monotonic()
        if now - last < every:
            continue
        journal = Journal.read(part) if part else None
        lines = journal.records if journal else done.lines
        row = f"{now - began:8.0f} {lines:10,} {(lines - before) / (now - last):8.0f} {resident(process.pid):7.0f}"
        print(row, flush=True)
        last, before = now, lines


def main() -> None:
    """Translate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--files", action="store_true", help="from file to file, not from stream to stream")
    parser.add_argument("--ending", default="", choices=["", ".xz"], help="of both files")
    parser.add_argument("--every", type=float, default=10.0, help="seconds from one row to the next")
    given, options = parser.parse_known_args()
    command = [sys.executable, "-m", "nmtk", "translate", "-m", str(given.model), "-q", *options]
    began, done = time.monotonic(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        if given.files:
            source, output = (Path(folder) / f"{name}{given.ending}" for name in ("in", "out"))
            with lzma.open(source, "wb", preset=0) if given.ending == ".xz" else source.open("wb") as file:
                file.writelines(text(given.lines))
            with subprocess.Popen([*command, "-i", str(source), "-o", str(output)]) as process:
                watch(process, done, output.with_name(f"{output.name}.part"), given.every)
        else:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                threads = [
                    threading.Thread(target=feed, args=(given.lines, process.stdin)),
                    threading.Thread(target=done.drain, args=(process.stdout,)),
                ]
                for thread in threads:
                    thread.start()
                watch(process, done, None, given.every)
                for thread in threads:
                    thread.join()
            assert done.lines == given.lines
    print(f"{given.lines:,} lines, exit {process.returncode}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
