"""Report: what happened to the lines of a translation, by their numbers.

It is made of notes, one on each buffer of lines. They are kept beside the translations, so that the report of work that
was broken off and gone on with, or shared among processes, is that of one process which was never interrupted.
"""

import json
import time
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import nmtk
from nmtk.decoding.translator import Translation
from nmtk.documents import Document
from nmtk.errors import DataError
from nmtk.files import atomic_write
from nmtk.vocabulary.vocabulary import Vocabulary

SYMBOLS = 1000
"""Unknown symbols told apart; those that come when so many are known are only counted."""

_CHUNK = 1 << 13  # line numbers written at once


class Case(NamedTuple):
    """Something that can be said of a line's translation."""

    holds: Callable[[Translation], bool]
    warning: str | None
    """What is said of the lines of which it holds; None where nobody need be warned."""


CASES = {
    "empty": Case(lambda best: best.parts == 0, None),
    "blank": Case(
        lambda best: best.parts > 0 and not best.text.strip(), "translations are empty, of lines that are not"
    ),
    "split": Case(lambda best: best.parts > 1, "lines were too long and translated in parts"),
    "cut": Case(lambda best: best.cut, "translations reached the longest length allowed"),
    "looped": Case(lambda best: best.looped, "translations go round in circles"),
    "unmet": Case(lambda best: best.unmet, "translations lack a phrase that was required"),
    "breached": Case(lambda best: best.breached, "translations hold a phrase that was forbidden"),
}


class Note(NamedTuple):
    """What a report takes in of a buffer of lines."""

    lines: int
    source_tokens: int
    target_tokens: int
    seconds: float
    """How long it took."""
    cases: dict[str, list[int]]
    """By the name of each case, the numbers of the lines of which it holds."""
    symbols: dict[str, int]
    """How often each unknown symbol was there, in the order of their first places."""

    def line(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(self._asdict()).encode("ascii") + b"\n"


class Report:
    """Counts lines, from 1, under each case that holds of them; 8 bytes for each line and case."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """vocabulary: of the source, for the symbols that it does not know."""
        self.first = 0
        """The number of the first line in its text, from 0: a shard has one of its own."""
        self.vocabulary = vocabulary
        self.lines = self.source_tokens = self.target_tokens = self.others = 0
        self.seconds = 0.0
        """Of work: where processes worked side by side, the sum of theirs."""
        self.found = {name: array("q") for name in (*CASES, "unknown")}
        self.symbols: Counter[str] = Counter()
        self._since = time.monotonic()

    def add(self, texts: Sequence[str], translations: Sequence[Translation]) -> Note:
        """Take in the next lines and their best translations; what the report took in."""
        cases: dict[str, list[int]] = {}
        symbols: Counter[str] = Counter()
        for number, (text, best) in enumerate(zip(texts, translations, strict=True), self.first + self.lines + 1):
            names = [name for name, case in CASES.items() if case.holds(best)]
            if not all(self.vocabulary.knows(source) for source, _ in best.pairs):
                names.append("unknown")
                symbols.update(self.vocabulary.unknown_symbols(text))
            for name in names:
                cases.setdefault(name, []).append(number)
        pairs = [pair for best in translations for pair in best.pairs]
        source, target = sum(len(one) for one, _ in pairs), sum(len(one) for _, one in pairs)
        before, self._since = self._since, time.monotonic()
        note = Note(len(translations), source, target, self._since - before, cases, symbols)
        self.merge(note)
        return note

    def hear(self, line: bytes) -> None:
        """Take in a note that was kept. Raises DataError when it is damaged."""
        try:
            self.merge(Note(**json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DataError(
                "the notes kept with the output are damaged: delete what there is of it to begin anew"
            ) from None

    def merge(self, note: Note) -> None:
        """Take in the lines that come next, or next after those of other processes."""
        self.lines += note.lines
        self.source_tokens += note.source_tokens
        self.target_tokens += note.target_tokens
        self.seconds += note.seconds
        for name, numbers in note.cases.items():
            self.found[name].extend(numbers)
        for symbol, count in note.symbols.items():
            if symbol in self.symbols or len(self.symbols) < SYMBOLS:
                self.symbols[symbol] += count
            else:
                self.others += count

    def warnings(self, as_wanted: Collection[str] = ()) -> Iterator[str]:
        """What the user should know, a line for each case but those that are as they should be."""
        for name, case in CASES.items():
            if case.warning and self.found[name] and name not in as_wanted:
                yield f"{len(self.found[name]):,} of {self.lines:,} {case.warning}"

    def write(self, path: Path, about: Document) -> None:
        """Write the report as JSON, whole or not at all; `about` stands first. Memory does not grow with the lines."""
        totals = {
            "first_line": self.first + 1,
            "lines": self.lines,
            "source_tokens": self.source_tokens,
            "target_tokens": self.target_tokens,
            "seconds": round(self.seconds, 3),
            "target_tokens_per_second": round(self.target_tokens / self.seconds, 1) if self.seconds else 0.0,
            "unknown_symbols": dict(self.symbols.most_common()),
            "unknown_symbols_not_listed": self.others,
        }
        with atomic_write(path) as file:
            for part in _document({"nmtk": nmtk.__version__} | about | totals, self.found):
                file.write(part.encode("utf-8"))


@contextmanager
def reporting(report: Report, path: Path | None, about: Document) -> Iterator[Callable[[], None]]:
    """Write the report when the block ends, however it ends: `finished` says whether all lines were translated.

    Yields what is to be called when the work begins, and writes it once before: what cannot be written is told at once,
    and a process that is killed leaves a trace. Work that never began leaves an earlier report as it is.
    """
    begun = False

    def write(finished: bool) -> None:
        nonlocal begun
        begun = True
        if path:
            report.write(path, about | {"finished": finished})

    try:
        yield partial(write, finished=False)
    except BaseException:
        if begun:
            write(finished=False)
        raise
    write(finished=True)


def _document(head: Document, found: dict[str, "array[int]"]) -> Iterator[str]:
    """The text of the report, each list of lines piece by piece."""
    yield json.dumps(head, ensure_ascii=False, indent=2)[:-2]
    for name, lines in found.items():
        yield f',\n  "{name}": {{"count": {len(lines)}, "lines": ['
        for first in range(0, len(lines), _CHUNK):
            yield (", " if first else "") + ", ".join(map(str, lines[first : first + _CHUNK]))
        yield "]}"
    yield "\n}\n"
