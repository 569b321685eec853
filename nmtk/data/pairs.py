"""Pairs: parallel text as it is read, one source line with its target line."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nmtk.errors import DataError
from nmtk.lines import STANDARD, read_lines


class Pair(NamedTuple):
    """A line and its translation."""

    source: str
    target: str
    line: int
    """Number of the line in its file, from 1."""


def read_files(source: Path, target: Path) -> Iterator[Pair]:
    """Pairs from two files side by side, streamed: line i of the one translates line i of the other.

    Lines are those of `nmtk.lines`; a TAB is a character like any other. Raises DataError for text that is not UTF-8,
    and, after the last pair, when one file goes on: both are counted to their ends, since the numbers tell whether a
    download broke off or a line was split.
    """
    if source == target == STANDARD:
        raise DataError("-: found standard input for both sides; a TSV stream can hold both")
    left, right = read_lines(source), read_lines(target)
    number = 0
    while True:
        first, second = next(left, None), next(right, None)
        if first is None and second is None:
            return
        if first is None or second is None:
            sources = number + (first is not None) + sum(1 for _ in left)
            targets = number + (second is not None) + sum(1 for _ in right)
            raise DataError(f"{source} has {sources} lines and {target} has {targets}: wanted as many in both")
        number += 1
        yield Pair(first, second, number)


def read_tsv(path: Path, columns: tuple[int, int] | None = None) -> Iterator[Pair]:
    """Pairs from one file of TAB-separated columns, streamed: source TAB target, and nothing else.

    A file with more columns (an alignment score, a URL) is read by naming the two that count, from 1: `columns=(3, 4)`.
    There is no quoting: every TAB separates. Raises DataError with the line that has other columns than wanted.
    """
    if columns and (min(columns) < 1 or columns[0] == columns[1]):
        raise DataError(f"{path}: found columns {columns[0]} and {columns[1]}, wanted two, counted from 1")
    name = "standard input" if path == STANDARD else path
    source, target = columns or (1, 2)
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t")
        if columns and len(cells) < max(columns):
            raise DataError(f"{name}:{number}: found {_columns(len(cells))}, wanted at least {max(columns)}")
        if not columns and len(cells) != 2:
            mend = "; name the two that count, if there are others" if len(cells) > 2 else ""
            raise DataError(f"{name}:{number}: found {_columns(len(cells))}, wanted 2: source TAB target{mend}")
        yield Pair(cells[source - 1], cells[target - 1], number)


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count} columns"
