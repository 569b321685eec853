"""Lines: what a line of text is, in every file and stream that nmtk reads.

A line is what `\\n` ends, and nothing else: U+2028, U+0085, form feed and a lone CR are characters of their line.
A CR right before the `\\n` belongs to the line's end (files from Windows), a byte-order mark at the start of a file
is not text, and the last line need not end. Text is UTF-8; NUL is refused, since no text has it and files cut by
a crash do.
"""

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from nmtk.errors import DataError

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
                return gzip.open(path, "rb")
            case ".xz":
                return lzma.open(path, "rb")
            case ".bz2":
                return bz2.open(path, "rb")
            case ".zst":
                return _open_zstandard(path)
            case _:
                return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _open_zstandard(path: Path) -> IO[bytes]:
    import io

    import zstandard

    reader = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
    return io.BufferedReader(reader, 1 << 20)  # type: ignore[type-var]


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
    """The lines of a binary file, one by one, as text. Raises DataError as `decode_line`, or for damaged compression."""
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
    with open_bytes(path) as file:
        yield from decode_lines(file, "standard input" if path == STANDARD else path)
