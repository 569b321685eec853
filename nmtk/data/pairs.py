"""Pairs: parallel text as it is read, one source line with its target line.

Files are read in chunks of raw lines, since that costs next to nothing: decoding them, which is when faults are
found, is left to whoever goes over the pairs, in this process or in another.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeAlias

from nmtk.errors import DataError
from nmtk.lines import STANDARD, Block, BlockReader

CHUNK = 4096
"""Lines that are read at once."""


class Pair(NamedTuple):
    """A line and its translation."""

    source: str
    target: str
    line: int
    """Number of the line in its file, from 1."""


Chunk: TypeAlias = Iterable[Pair]
"""Some pairs, that can be pickled: a list of them, or lines as they lie in files."""
Span: TypeAlias = tuple[int, int | None]
"""First and last line that are meant, from 1; None is the end of the file."""
WHOLE: Span = (1, None)


@dataclass(frozen=True, slots=True)
class FileChunk:
    """Lines of two files side by side."""

    source: Block
    target: Block

    def __iter__(self) -> Iterator[Pair]:
        """The pairs. Raises DataError at the first line that is no text, after the pairs before it."""
        return map(Pair, self.source.texts(), self.target.texts(), count(self.source.number))


@dataclass(frozen=True, slots=True)
class TsvChunk:
    """Lines of a file of TAB-separated columns."""

    block: Block
    columns: tuple[int, int] | None

    def __iter__(self) -> Iterator[Pair]:
        """The pairs. Raises DataError at the first line that is no text, or has other columns than wanted."""
        source, target = self.columns or (1, 2)
        for number, line in enumerate(self.block.texts(), self.block.number):
            cells = line.split("\t")
            if self.columns and len(cells) < max(self.columns):
                found = f"{self.block.origin}:{number}: found {_columns(len(cells))}"
                raise DataError(f"{found}, wanted at least {max(self.columns)}")
            if not self.columns and len(cells) != 2:
                mend = "; name the two that count, if there are others" if len(cells) > 2 else ""
                found = f"{self.block.origin}:{number}: found {_columns(len(cells))}"
                raise DataError(f"{found}, wanted 2: source TAB target{mend}")
            yield Pair(cells[source - 1], cells[target - 1], number)


class Sieve(NamedTuple):
    """One line of so many, or the others. A way to hold out lines of a corpus that is in the order of its documents."""

    every: int
    """Of 23, lines 23, 46 and so on are meant."""
    others: bool = False
    """Whether just those are not."""

    def keeps(self, line: int) -> bool:
        """Whether a line is meant, by its number from 1."""
        return (line % self.every == 0) is not self.others


@dataclass(frozen=True, slots=True)
class SievedChunk:
    """Those pairs of a chunk that are meant."""

    chunk: Chunk
    sieve: Sieve

    def __iter__(self) -> Iterator[Pair]:
        """The pairs. Raises DataError as the chunk does, for faults of lines that are not meant too."""
        return (pair for pair in self.chunk if self.sieve.keeps(pair.line))


@dataclass(frozen=True, slots=True)
class TaggedChunk:
    """Pairs with a tag before the source side; a source that is empty stays so, and is dropped as such."""

    chunk: Chunk
    tag: str

    def __iter__(self) -> Iterator[Pair]:
        """The pairs."""
        for source, target, line in self.chunk:
            yield Pair(f"{self.tag} {source}" if source.strip() else source, target, line)


def read_files(source: Path, target: Path) -> Iterator[Pair]:
    """Pairs from two files side by side, streamed; see `file_chunks`."""
    for chunk in file_chunks(source, target):
        yield from chunk


def file_chunks(source: Path, target: Path, span: Span = WHOLE) -> Iterator[FileChunk]:
    """Two files side by side: line i of the one translates line i of the other.

    Lines are those of `nmtk.lines`; a TAB is a character like any other. Raises DataError, when a chunk is gone over,
    for text that is not UTF-8, and, after the last chunk, when one file goes on: both are counted to their ends, since
    the numbers tell whether a download broke off or a line was split.
    """
    if source == target == STANDARD:
        raise DataError("-: found standard input for both sides; a TSV stream can hold both")
    with BlockReader(source) as left, BlockReader(target) as right:
        for most, wanted in _portions(left, span):
            one, other = left.read(most), right.read(most)
            if one and other and wanted:
                both = min(one.lines, other.lines)
                yield FileChunk(one.first(both), other.first(both))
            if one and other and one.lines == other.lines:
                continue
            for reader in (left, right):
                while reader.read(CHUNK):
                    pass
            if left.line != right.line:
                found = f"{source} has {left.line} lines and {target} has {right.line}"
                raise DataError(f"{found}: wanted as many in both")
            break
        _check_span(left, span)


def tsv_chunks(path: Path, columns: tuple[int, int] | None = None, span: Span = WHOLE) -> Iterator[TsvChunk]:
    """One file of TAB-separated columns: source TAB target, and nothing else.

    A file with more columns (an alignment score, a URL) is read by naming the two that count, from 1: `columns=(3, 4)`.
    There is no quoting: every TAB separates. Raises DataError, when a chunk is gone over, with the line that has other
    columns than wanted.
    """
    if columns and (min(columns) < 1 or columns[0] == columns[1]):
        raise DataError(f"{path}: found columns {columns[0]} and {columns[1]}, wanted two, counted from 1")
    with BlockReader(path) as reader:
        for most, wanted in _portions(reader, span):
            block = reader.read(most)
            if not block:
                break
            if wanted:
                yield TsvChunk(block, columns)
        _check_span(reader, span)


def _portions(reader: BlockReader, span: Span) -> Iterator[tuple[int, bool]]:
    """How many lines to read next, and whether they are meant, until the last line of the span is read."""
    first, last = span
    while last is None or reader.line < last:
        wanted = reader.line >= first - 1
        end = last if wanted else first - 1
        yield (CHUNK if end is None else min(CHUNK, end - reader.line)), wanted


def _check_span(reader: BlockReader, span: Span) -> None:
    first, last = span
    if span != WHOLE and reader.line < (last or first):
        raise DataError(
            f"{reader.origin}: has {reader.line} lines, wanted lines {first}-{'' if last is None else last}"
        )


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count} columns"
