"""Lines: what a line of text is, in every file and stream that nmtk reads.

A line is what `\\n` ends, and nothing else: U+2028, U+0085, form feed and a lone CR are characters of their line.
A CR right before the `\\n` belongs to the line's end (files from Windows), a byte-order mark at the start of a file
is not text, and the last line need not end. Text is UTF-8; NUL is refused, since no text has it and files cut by
a crash do.
"""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from nmtk.errors import DataError

_BLOCK = 1 << 16
BOM = b"\xef\xbb\xbf"
STANDARD = Path("-")
"""The path that means standard input or output."""


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed by its ending: .gz, .xz, .bz2, .zst; `-` is standard input.

    Raises DataError when it is missing or a folder.
    """
    if path == STANDARD:
        return sys.stdin.buffer
    try:
        match path.suffix:
            case ".gz":
                return io.BufferedReader(gzip.open(path, "rb"), _BLOCK)
            case ".xz":
                return io.BufferedReader(lzma.open(path, "rb"), _BLOCK)
            case ".bz2":
                return io.BufferedReader(bz2.open(path, "rb"), _BLOCK)
            case ".zst":
                return io.BufferedReader(_Zstandard(path), _BLOCK)
            case _:
                return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


class _Zstandard(io.RawIOBase):
    """The text in a file of Zstandard frames. The library's own reader takes a file cut short for a whole one."""

    def __init__(self, path: Path) -> None:
        import zstandard

        self._frames = zstandard.ZstdDecompressor()
        self._file = path.open("rb")
        self._frame = self._frames.decompressobj()
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            block = self._frame.unused_data if self._frame.eof else b""
            block = block or self._file.read(_BLOCK)
            if not block and self._frame.eof:
                return 0
            if not block:
                raise EOFError("Compressed file ended before the end-of-stream marker was reached")
            if self._frame.eof:
                self._frame = self._frames.decompressobj()
            self._left = memoryview(self._frame.decompress(block))
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def decode_line(line: bytes, origin: object, number: int, offset: int) -> str:
    """One line without its end. Raises DataError with line number and byte offset for bytes that are not text."""
    if line.endswith(b"\n"):
        line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = " ".join(f"{byte:02x}" for byte in line[error.start : error.end])
        raise DataError(f"{origin}:{number}: invalid UTF-8 at byte {offset + error.start}: found {found}") from None
    if "\0" in text:
        at = offset + line.index(b"\0")
        raise DataError(f"{origin}:{number}: NUL character at byte {at}: wanted text")
    return text


def decode_lines(file: Iterable[bytes], origin: object) -> Iterator[str]:
    """The lines of a binary file, one by one, as text. Raises DataError as `decode_line`, or for damaged files."""
    offset = 0
    lines = iter(file)
    number = 0
    while True:
        try:
            line = next(lines, None)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise DataError(f"{origin}: cannot be read after line {number}: {error}") from None
        except Exception as error:  # zstandard's own class, without importing it here
            if type(error).__name__ != "ZstdError":
                raise
            raise DataError(f"{origin}: cannot be read after line {number}: {error}") from None
        if line is None:
            return
        number += 1
        text = line.removeprefix(BOM) if number == 1 else line
        yield decode_line(text, origin, number, offset + len(line) - len(text))
        offset += len(line)


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, compressed or not, without their ends. Raises DataError with file, line and byte."""
    with nullcontext(sys.stdin.buffer) if path == STANDARD else open_bytes(path) as file:  # stdin is not ours to close
        yield from decode_lines(file, "standard input" if path == STANDARD else path)
