"""The examination of a text: every check goes over it, in one pass, a few thousand pairs in memory at a time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

from nmtk.data.doctor.alignment import Alignment
from nmtk.data.doctor.checks import CHECKS, Check
from nmtk.data.doctor.findings import Fault, Finding, Severity, Tally, shown
from nmtk.data.doctor.pieces import Pieces
from nmtk.data.doctor.profile import ENOUGH, FEW, SAMPLE, Profile
from nmtk.data.doctor.reading import Portion, Reading
from nmtk.data.pairs import CHUNK
from nmtk.documents import Document

NOTHING = Finding("no pairs", Severity.ERROR, "the text has no pairs", "", 1, 0.0, ())


class Examined(NamedTuple):
    """What was found in a text."""

    name: str
    files: tuple[str, ...]
    pairs: int
    words: tuple[int, int]
    characters: tuple[int, int]
    pieces: tuple[int, int] | None
    """None without a vocabulary."""
    findings: tuple[Finding, ...]
    """The worst first."""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.name}: {self.pairs:,} pairs of {' and '.join(self.files)}"
        for side, name in enumerate(("source", "target") if self.pairs else ()):
            words, characters = self.words[side], self.characters[side]
            pieces = f", {self.pieces[side] / words:.2f} pieces a word" if self.pieces and words else ""
            yield f"  {name}: {words:,} words, {words / self.pairs:.1f} a line, {characters:,} characters{pieces}"
        for finding in self.findings:
            yield from finding.lines()

    def document(self) -> Document:
        """For programs."""
        return self._asdict() | {"findings": [finding.document() for finding in self.findings]}


def profiled(portions: Iterator[Portion]) -> tuple[Profile, Iterator[Portion]]:
    """What is usual in a text, and its portions again, though they are read once."""
    sample = list(islice(portions, max(1, SAMPLE // CHUNK)))
    return Profile(sample), chain(sample, portions)


def examine(
    name: str,
    reading: Reading,
    portions: Iterable[Portion],
    profile: Profile,
    overlaps: Sequence[Check] = (),
    pieces: Pieces | None = None,
    examples: int = 3,
) -> Examined:
    """Examine the portions of a reading with all checks. profile: what is usual in such text."""
    checks: list[Check] = [check(profile) for check in CHECKS]
    checks += [*overlaps, *([pieces] if pieces else [])]
    tallies: dict[tuple[Fault, int | None], Tally] = defaultdict(Tally)
    pairs, words, characters = 0, [0, 0], [0, 0]
    for portion in portions:
        pairs += len(portion.numbers)
        for number, column in enumerate(portion.sides):
            words[number] += sum(len(text.split()) for text in column)
            characters[number] += sum(map(len, column))
        for check in checks:
            for fault, at, side, detail in check.look(portion):
                tally = tallies[fault, side if "{side}" in fault.says else None]
                tally.count += 1
                if len(tally.examples) < examples:
                    texts = [shown(column[at]) for column in portion.sides]
                    text = detail or (" | ".join(texts) if side is None else texts[side])
                    tally.examples.append(portion.example(at, side, text))
    found = [*reading.findings, *_told(tallies, pairs)]
    found += [] if pairs else [NOTHING]
    found += [_too_few(profile)] if 0 < profile.pairs < ENOUGH else []
    counted = (pieces.pieces[0], pieces.pieces[1]) if pieces else None
    return Examined(
        name,
        tuple(map(str, reading.paths)),
        pairs,
        (words[0], words[1]),
        (characters[0], characters[1]),
        counted,
        tuple(sorted(found, key=lambda finding: (-finding.severity, -finding.times))),
    )


def _told(tallies: Mapping[tuple[Fault, int | None], Tally], pairs: int) -> Iterator[Finding]:
    for (fault, side), tally in tallies.items():
        if tally.count > fault.least * pairs:
            yield tally.finding(fault, side, pairs)


def _too_few(profile: Profile) -> Finding:
    """What was not looked for, since there is too little text to tell what is usual."""
    unseen = "swapped and untranslated pairs, other languages and other scripts"
    unseen += ", shifted and shuffled lines" if profile.pairs < Alignment.FEWEST else ""
    unseen += ", odd lengths" if profile.pairs < FEW else ""
    says = f"{profile.pairs} pairs are too few to look for {unseen}"
    return Finding("too few", Severity.NOTE, says, f"these take {ENOUGH} pairs", 0, 0.0, ())
