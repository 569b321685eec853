"""Build a vocabulary from files in one pass: learn it, measure how it fits each file, write it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from nmtk.errors import DataError
from nmtk.lines import STANDARD, read_lines
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.measure import Fit, measure
from nmtk.vocabulary.reservoir import Reservoir
from nmtk.vocabulary.vocabulary import Vocabulary

MEASURED = 100_000
"""Lines of each file that are measured, drawn uniformly where there are more."""


class Row(NamedTuple):
    """One file: its name, how many lines it has, and how the vocabulary fits those measured."""

    name: str
    lines: int
    fit: Fit


def build(
    paths: Sequence[Path],
    output: Path,
    options: VocabularyOptions,
    tell: Callable[[str], None] = lambda _line: None,
) -> None:
    """Learn from all the files together and write the model to `output`; `tell` is given the report, line by line.

    Each file is read once, so pipes serve too. Raises DataError, and writes nothing, for text that cannot be read
    or learned from.
    """
    if output.is_dir():
        raise DataError(f"{output}: is a folder, wanted a file to write")
    for path in paths:
        if path.is_file() and output.exists() and path.samefile(output):
            raise DataError(f"{output}: is the text to learn from, wanted another file to write")
    samples: list[Reservoir[str]] = [Reservoir(MEASURED, options.seed) for _ in paths]

    def texts() -> Iterator[str]:
        for path, sample in zip(paths, samples, strict=True):
            for line in read_lines(path):
                sample.add(line)
                yield line

    vocabulary = Vocabulary(learn(texts(), options), str(output))
    names = ["standard input" if path == STANDARD else str(path) for path in paths]
    rows = [
        Row(name, sample.seen, measure(vocabulary, sample.items)) for name, sample in zip(names, samples, strict=True)
    ]
    vocabulary.save(output)
    lines = sum(row.lines for row in rows)
    tell(f"{output}: {len(vocabulary)} {vocabulary.kind} pieces from {lines} lines")
    for line in table(rows):
        tell(line)
    if lines > options.sample:
        tell(f"learned from {options.sample} of the lines, drawn uniformly")
    if any(row.lines > MEASURED for row in rows):
        tell(f"measured on {MEASURED} lines of each longer file")


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of text, in columns."""
    cells = [["file", "lines", "pieces/word", "pieces/line", "coverage"]]
    for row in rows:
        floored = int(row.fit.coverage * 1e5) / 1e3  # never 100 % unless it is
        cells.append(
            [
                row.name,
                str(row.lines),
                f"{row.fit.pieces_per_word:.2f}",
                f"{row.fit.pieces_per_line:.1f}",
                f"{floored:.3f} %",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))])
        for name, *rest in cells
    ]
