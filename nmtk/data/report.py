"""Report: what packing a corpus kept, what it dropped and why."""

from dataclasses import dataclass, field
from typing import NamedTuple

from nmtk.data.filters import Reason
from nmtk.data.packed import SideHeader

EXAMPLES = 5


@dataclass
class Dropped:
    """How many pairs one reason dropped, and the line numbers of the first few."""

    count: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count a pair."""
        self.count += 1
        if len(self.lines) < EXAMPLES:
            self.lines.append(line)


class PackReport(NamedTuple):
    """Every pair that was read is either kept or under one reason."""

    kept: int
    dropped: dict[Reason, Dropped]
    source: SideHeader
    target: SideHeader

    @property
    def read(self) -> int:
        """Pairs that were read."""
        return self.kept + sum(dropped.count for dropped in self.dropped.values())

    def lines(self) -> list[str]:
        """The report for people, a line for each fact."""
        share = f" ({self.kept / self.read:.1%})" if self.read else ""
        result = [f"pairs: {self.read:,} read, {self.kept:,} kept{share}"]
        result += [f"dropped: {fault}" for fault in self.faults()]
        for name, side in (("source", self.source), ("target", self.target)):
            fertility = f", {side.pieces / side.words:.2f} a word" if side.words else ""
            unknown = f", {side.unknown:,} unknown" if side.unknown else ""
            result.append(f"{name}: {side.pieces:,} pieces{fertility}{unknown}")
        return result

    def faults(self) -> list[str]:
        """Each reason that dropped pairs: `12 too long (lines 3, 17, 40, 41, 77, ...)`."""
        return [
            f"{found.count:,} {reason} ({'line' if found.count == 1 else 'lines'} {', '.join(map(str, found.lines))}"
            f"{', ...' if found.count > len(found.lines) else ''})"
            for reason, found in self.dropped.items()
            if found.count
        ]
