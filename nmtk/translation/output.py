"""Output: where records of bytes go, and how files of them are compressed."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self, TypeAlias

from nmtk.errors import DataError
from nmtk.files import atomic_write
from nmtk.lines import STANDARD

Pack: TypeAlias = Callable[[bytes], bytes]
"""Turns bytes into a frame: what its format calls a member (gzip), a stream (xz, bzip2) or a frame (Zstandard)."""


def pack_of(name: str) -> Pack | None:
    """How a file of this name is compressed, by the endings that lines are read from; None where it is not."""
    match Path(name).suffix:
        case ".gz":
            return lambda data: gzip.compress(data, mtime=0)  # no time: the same text gives the same file
        case ".xz":
            return lzma.compress
        case ".bz2":
            return bz2.compress
        case ".zst":
            import zstandard

            return zstandard.ZstdCompressor().compress
        case _:
            return None


class Framed:
    """Writes records to a file in frames of so many, each compressed by itself; the last may be shorter.

    All these formats say that files set end to end are one file. So what is written up to the end of a frame can be
    kept and gone on from, and the bytes depend on nothing but the records and the size of a frame.
    """

    def __init__(self, file: IO[bytes], pack: Pack | None, size: int) -> None:
        self.count = 0
        """How many were written."""
        self._file, self._pack, self._size = file, pack, size
        self._frame: list[bytes] = []

    def write(self, record: bytes) -> bool:
        """Write one record; whether it was the last of a frame, and so is handed to the system with all before it."""
        self.count += 1
        self._frame.append(record)
        if len(self._frame) < self._size:
            return False
        self.end_frame()
        return True

    def note(self, line: bytes) -> None:
        """What is to be known of the records that come next, where work is kept to be gone on with: not here."""

    def end_frame(self) -> None:
        """Write what has gathered, even if it is nothing."""
        data = b"".join(self._frame)
        self._frame.clear()
        self._file.write(self._pack(data) if self._pack else data)
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and (self._frame or not self.count):  # an empty file is no file of gzip's
            self.end_frame()


FRAME = 4096
"""Records in a frame of a compressed file, or the next greater number of whole buffers: xz packs Italian that is cut so
only a tenth worse than in one piece."""


def frame_of(buffer: int, pack: Pack | None) -> int:
    """Records in a frame where answers come `buffer` at a time: as many, or more where they are compressed."""
    return buffer if pack is None else -(-FRAME // buffer) * buffer


@contextmanager
def opened(output: Path | None, buffer: int) -> Iterator[Framed]:
    """Standard output, or a file that is compressed as its ending says: it appears whole or not at all.

    Standard output is handed on every `buffer` records. Raises DataError where it is closed.
    """
    if output is None or output == STANDARD:
        if sys.stdout is None:
            raise DataError("standard output is closed: wanted a file, -o")
        with Framed(sys.stdout.buffer, None, buffer) as records:
            yield records
        return
    pack = pack_of(output.name)
    with atomic_write(output) as file, Framed(file, pack, frame_of(buffer, pack)) as records:
        yield records
