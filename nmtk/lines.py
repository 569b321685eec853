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
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, Self

from nmtk.errors import DataError, OptionsError
from nmtk.files import are_one

_BLOCK = 1 << 16
_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a damaged file raises."""
BOM = b"\xef\xbb\xbf"
STANDARD = Path("-")
"""The path that means standard input or output."""


def open_bytes(path: Path, ending: str | None = None) -> IO[bytes]:
    """Open a file for reading, decompressed by its ending, or as if it had another: .gz, .xz, .bz2, .zst.

    `-` is standard input.
    Raises DataError when it is missing or a folder.
    """
    if path == STANDARD:
        return sys.stdin.buffer
    try:
        match path.suffix if ending is None else ending:
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

        self._error = zstandard.ZstdError
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
            try:
                self._left = memoryview(self._frame.decompress(block))
            except self._error as error:
                raise OSError(error) from None
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
        except _DAMAGE as error:
            raise _damage(error, origin, number) from None
        if line is None:
            return
        number += 1
        text = line.removeprefix(BOM) if number == 1 else line
        yield decode_line(text, origin, number, offset + len(line) - len(text))
        offset += len(line)


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, compressed or not, without their ends. Raises DataError with file, line and byte."""
    with nullcontext(sys.stdin.buffer) if path == STANDARD else open_bytes(path) as file:  # stdin is not ours to close
        yield from decode_lines(file, origin_of(path))


class Block(NamedTuple):
    """Some lines of a file as they lie in it, to be decoded later or in another process, with where they begin."""

    origin: str
    number: int
    """Number of the first line in the file."""
    offset: int
    """Its first byte in the file."""
    lines: int
    data: bytes

    def texts(self) -> Iterator[str]:
        """The lines as text, without their ends. Raises DataError as `decode_line`, after the lines before."""
        try:
            text = self.data.decode("utf-8")
        except UnicodeDecodeError:
            return self._one_by_one()
        if "\0" in text:
            return self._one_by_one()
        lines = text.replace("\r\n", "\n").split("\n")
        return iter(lines[: self.lines])  # an end after the last line would make one more

    def _one_by_one(self) -> Iterator[str]:
        offset = self.offset
        for number, line in enumerate(io.BytesIO(self.data), self.number):
            yield decode_line(line, self.origin, number, offset)
            offset += len(line)

    def first(self, lines: int) -> "Block":
        """So many lines of it, from its first."""
        if lines == self.lines:
            return self
        return self._replace(lines=lines, data=b"".join(islice(io.BytesIO(self.data), lines)))


class BlockReader:
    """Reads a text file in blocks of lines without looking into them: the work of decoding is for others."""

    def __init__(self, path: Path) -> None:
        """Raises DataError when the file is missing."""
        self.origin, self._offset = origin_of(path), 0
        self.line = 0
        """How many lines were read."""
        self._file = open_bytes(path)
        self._ours = path != STANDARD
        self._fault: DataError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            self._file.close()

    def read(self, most: int) -> Block | None:
        """The next lines, so many or as many as there are; None at the end. Raises DataError for a damaged file."""
        if self._fault:
            raise self._fault
        lines: list[bytes] = []
        try:
            lines.extend(islice(self._file, most))  # keeps what it got before an error
        except _DAMAGE as error:
            self._fault = _damage(error, self.origin, self.line + len(lines))
            if not lines:
                raise self._fault from None
        if not lines:
            return None
        data = b"".join(lines)
        text = data if self.line else data.removeprefix(BOM)
        block = Block(self.origin, self.line + 1, self._offset + len(data) - len(text), len(lines), text)
        self.line += len(lines)
        self._offset += len(data)
        return block


def _damage(error: Exception, origin: object, line: int) -> DataError:
    where = f" after line {line}" if line else ""  # what is decompressed with the damage is not known
    return DataError(f"{origin}: cannot be read{where}: {error}")


def origin_of(path: Path) -> str:
    """What a file is called in messages."""
    return "standard input" if path == STANDARD else str(path)


def behind(path: Path | None, stream: Literal["stdin", "stdout"]) -> Path:
    """Where a text lies: for a standard stream, which None means too, the file that the shell has redirected it to."""
    return path if path and path != STANDARD else Path("/dev", stream)


def refuse_over(output: Path | None, texts: Iterable[tuple[str, Path]]) -> None:
    """Raise OptionsError where an output would take the place of a text that is read; each is given with its name."""
    written = behind(output, "stdout")
    for name, text in texts:
        if are_one(behind(text, "stdin"), written):
            raise OptionsError(f"--output: found {written}, which is {name} too: wanted another file")
