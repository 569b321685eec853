"""Reading for the doctor: what other readers stop at is counted here, and reading goes on."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nmtk.data.doctor.findings import SHOWN, Example, Fault, Finding, Severity, Tally
from nmtk.data.pairs import CHUNK, WHOLE, Sieve, Span
from nmtk.errors import DataError
from nmtk.lines import Block, BlockReader, decode_line

COUNTS = Fault("line counts", "", Severity.ERROR, "a download broke off, or a line was split or lost")
MISSING = Fault("missing lines", "", Severity.ERROR, "the file is not the whole one")
DAMAGE = Fault("damage", "", Severity.ERROR, "fetch the file again")
NO_TEXT = Fault("no text", "lines that are not UTF-8, or hold NUL", Severity.ERROR, "convert the file with iconv")
COLUMNS = Fault("columns", "lines with other columns than wanted", Severity.ERROR, "TABs separate, without quoting")


class Portion(NamedTuple):
    """Some pairs, by column."""

    files: tuple[str, str]
    """What the file of each side is called."""
    numbers: list[int]
    """Their line numbers, from 1."""
    sides: tuple[list[str], list[str]]
    """Sources and targets."""

    def example(self, index: int, side: int | None, text: str) -> Example:
        """Where a pair, or one side of it, stands."""
        return Example(self.files[side or 0], self.numbers[index], text)


class Reading:
    """Reads parallel text from two files side by side, or from one of TAB-separated columns.

    `findings` are those of the files themselves, once the portions are gone over. Pairs with a line that is no text
    are left out. Raises DataError for a file that cannot be opened.
    """

    def __init__(
        self,
        paths: tuple[Path, ...],
        columns: tuple[int, int] | None = None,
        span: Span = WHOLE,
        examples: int = 3,
        sieve: Sieve | None = None,
    ) -> None:
        self.paths, self.columns, self.span, self.most, self.sieve = paths, columns, span, examples, sieve
        self.findings: list[Finding] = []
        self._bad = {NO_TEXT: Tally(), COLUMNS: Tally()}

    def portions(self) -> Iterator[Portion]:
        """The pairs, in portions of a few thousand."""
        total = 0
        for portion in self._tsv() if len(self.paths) == 1 else self._files():
            total += len(portion.numbers)
            yield portion
        total += sum(tally.count for tally in self._bad.values())
        self.findings += [tally.finding(fault, None, total) for fault, tally in self._bad.items() if tally.count]

    def _files(self) -> Iterator[Portion]:
        with BlockReader(self.paths[0]) as left, BlockReader(self.paths[1]) as right:
            for number, one, other in self._together(left, right):
                pairs = [
                    (number + index, source, target)
                    for index, (source, target) in enumerate(zip(self._texts(one), self._texts(other), strict=False))
                    if source is not None and target is not None and self._means(number + index)
                ]
                if pairs:
                    numbers, sources, targets = map(list, zip(*pairs, strict=True))
                    yield Portion((left.origin, right.origin), numbers, (sources, targets))
            if left.line != right.line and self.span[1] is None:
                short, long = sorted((left, right), key=lambda reader: reader.line)
                says = f"{left.origin} has {left.line:,} lines and {right.origin} has {right.line:,}"
                more = f"{long.line - short.line:,} more than {short.origin}"
                self._file_fault(COUNTS, says, Example(long.origin, short.line + 1, more))

    def _tsv(self) -> Iterator[Portion]:
        with BlockReader(self.paths[0]) as reader:
            for number, block, _ in self._together(reader, None):
                numbers, sources, targets = [], [], []
                for line, text in enumerate(self._texts(block), number):
                    if text is not None and self._means(line) and (cells := self._cells(reader.origin, line, text)):
                        numbers.append(line)
                        sources.append(cells[0])
                        targets.append(cells[1])
                if numbers:
                    yield Portion((reader.origin, reader.origin), numbers, (sources, targets))

    def _means(self, line: int) -> bool:
        return self.sieve is None or self.sieve.keeps(line)

    def _together(self, left: BlockReader, right: BlockReader | None) -> Iterator[tuple[int, Block, Block]]:
        """The blocks of the span; where both files have some, and to the end of both when it has none."""
        first, last = self.span
        readers = [left] if right is None else [left, right]
        ended = False
        while not ended and (last is None or left.line < last):
            skip = left.line < first - 1
            most = min(CHUNK, (first - 1 if skip else last or left.line + CHUNK) - left.line)
            number = left.line + 1
            blocks = [self._read(reader, most) for reader in readers]
            ended = any(block is None or block.lines < most for block in blocks)
            if not skip and all(blocks):
                yield number, blocks[0], blocks[-1]  # type: ignore[misc]
        if last is None:
            for reader in readers:
                while self._read(reader, CHUNK):
                    pass
        if self.span != WHOLE and (short := min(readers, key=lambda reader: reader.line)).line < (last or first):
            says = f"{short.origin} has {short.line:,} lines, wanted {first}-{last or ''}"
            self._file_fault(MISSING, says, Example(short.origin, short.line, "the last line"))

    def _read(self, reader: BlockReader, most: int) -> Block | None:
        try:
            return reader.read(most)
        except DataError as error:
            if not any(finding.says == str(error) for finding in self.findings):
                self._file_fault(DAMAGE, str(error), Example(reader.origin, reader.line, "the last line that is whole"))
            return None

    def _texts(self, block: Block) -> Iterator[str | None]:
        """The lines of a block; None for one that is no text."""
        try:
            yield from list(block.texts())
        except DataError:
            offset = block.offset
            for number, line in enumerate(io.BytesIO(block.data), block.number):
                try:
                    yield decode_line(line, block.origin, number, offset)
                except DataError as error:
                    said = str(error).removeprefix(f"{block.origin}:{number}: ")
                    self._bad_line(NO_TEXT, Example(block.origin, number, said))
                    yield None
                offset += len(line)

    def _cells(self, origin: str, line: int, text: str) -> tuple[str, str] | None:
        cells = text.split("\t")
        source, target = self.columns or (1, 2)
        if len(cells) < max(source, target) or (not self.columns and len(cells) != 2):
            wanted = f"at least {max(self.columns)}" if self.columns else "2"
            self._bad_line(COLUMNS, Example(origin, line, f"found {len(cells)}, wanted {wanted}: {text[:SHOWN]}"))
            return None
        return cells[source - 1], cells[target - 1]

    def _bad_line(self, fault: Fault, example: Example) -> None:
        tally = self._bad[fault]
        tally.count += 1
        if len(tally.examples) < self.most:
            tally.examples.append(example)

    def _file_fault(self, fault: Fault, says: str, example: Example) -> None:
        self.findings.append(Finding(fault.name, fault.severity, says, fault.mend, 1, 0.0, (example,)))
