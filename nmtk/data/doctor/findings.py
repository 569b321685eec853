"""Findings: what is wrong with a text, how bad that is, how often it was met, and where first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from nmtk.documents import Document

SHOWN = 100
"""Characters of a line that are shown."""


class Severity(IntEnum):
    """How bad a finding is: worth knowing, likely to cost quality, or bound to be a mistake."""

    NOTE = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return self.name.lower()


class Fault(NamedTuple):
    """A kind of fault that lines can have. The same line can have several."""

    name: str
    says: str
    """What is so of a line; `{side}` becomes source or target."""
    severity: Severity
    mend: str = ""
    many: float = 1.0
    """The share of all pairs above which it is one severity worse."""
    ruin: float = 2.0
    """The share from which on it is an error: what is left is no text to train on."""
    least: float = 0.0
    """The share up to which it is not told of."""


class Hit(NamedTuple):
    """A fault in a pair of a portion."""

    fault: Fault
    at: int
    """Which pair, from 0."""
    side: int | None = None
    """0 is the source, 1 the target; None is both."""
    detail: str = ""


class Example(NamedTuple):
    """Where a fault stands."""

    file: str
    line: int
    text: str


class Finding(NamedTuple):
    """All of one fault in one text."""

    fault: str
    severity: Severity
    says: str
    mend: str
    times: int
    share: float
    """Of all pairs; 0 where the fault is the file's."""
    examples: tuple[Example, ...]

    def lines(self) -> Iterator[str]:
        """The finding for people."""
        often = f": {self.times:,} ({_percent(self.share)})" if self.share else ""
        yield f"  {self.severity!s:<8} {self.says}{often}" + (f"; {self.mend}" if self.mend else "")
        for file, line, text in self.examples:
            yield f"           {file}:{line}: {text}" if line else f"           {file}: {text}"

    def document(self) -> Document:
        """The finding for programs."""
        return {
            "fault": self.fault,
            "severity": str(self.severity),
            "says": self.says,
            "mend": self.mend,
            "count": self.times,
            "share": round(self.share, 6),
            "examples": [example._asdict() for example in self.examples],
        }


@dataclass
class Tally:
    """How often a fault was met, and the first few places."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def finding(self, fault: Fault, side: int | None, pairs: int) -> Finding:
        """What it comes to among so many pairs."""
        share = self.count / max(1, pairs)
        worse = share > fault.many
        severity = Severity.ERROR if share >= fault.ruin else Severity(min(fault.severity + worse, Severity.ERROR))
        says = fault.says.format(side=("source", "target")[side or 0])
        return Finding(fault.name, severity, says, fault.mend, self.count, share, tuple(self.examples))


def shown(text: str) -> str:
    """A line as it is shown: cut where it is long, what cannot be seen spelled out."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return "".join(c if c == " " or c.isprintable() else f"<U+{ord(c):04X}>" for c in cut)


def _percent(share: float) -> str:
    return f"{share:.2%}" if share >= 1e-4 else "<0.01%"
