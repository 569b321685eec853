"""When a rank is lost, decided from what the ranks report: pure functions of the reports and the clock."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from nmtk.errors import TrainingError

SLOW = 600.0
"""Seconds without progress for work that hangs on disks and networks."""


class Patience(NamedTuple):
    """How many seconds a rank is waited for. What is stopped, torchrun needs 30 more to end: a minute in all."""

    beat: float = 1.0
    """From one report to the next."""
    grace: float = 5.0
    """For a rank whose connection broke to learn who broke it."""
    silence: float = 20.0
    """Without any report: the process is stopped, or its machine is lost."""
    still: float = 45.0
    """Without progress, at the least: a stage that was seen to be slow may be `slower` times as slow as ever before."""
    slower: float = 4.0
    starting: float = 300.0
    """At the start, for all ranks to come: until then nobody watches over them."""
    first: float = SLOW
    """Without progress, in a stage that the process was never through: epochs are planned, kernels made."""

    @classmethod
    def of_environment(cls) -> Self:
        """These times, multiplied by NMTK_PATIENCE where the environment has it (a debugger needs more)."""
        given = os.environ.get("NMTK_PATIENCE", "1")
        try:
            scale = float(given)
        except ValueError:
            raise TrainingError(f"NMTK_PATIENCE: found {given}, wanted a number") from None
        times = cls()
        return times._replace(**{name: scale * time for name, time in times._asdict().items() if name != "slower"})

    def limit(self, slowest: float | None) -> float:
        """How long a stage may last without progress: slowest, what it took so far; None if it was never passed."""
        return self.first if slowest is None else max(self.still, self.slower * slowest)


class Report(NamedTuple):
    """What a rank says of its main thread."""

    place: str = "starting"
    """The update and the stage that it is in, for people."""
    position: tuple[int, int] = (0, 0)
    """The same for comparing ranks: the update, and how many stages of it were begun."""
    still: float = 0.0
    """Seconds without progress."""
    limit: float = math.inf
    waits: bool = False
    """Whether it waits at a place where all meet."""
    exchanges: bool = False
    """Whether it is inside a collective, as far as it can tell."""
    arrived: int = 0
    """How many meetings of all ranks it has come to."""
    leaves: bool = False
    """Whether the meeting it has come to is the last one."""


@dataclass
class Member:
    """What the hub knows of a rank."""

    rank: int
    host: str
    pid: int
    heard: float
    report: Report = field(default_factory=Report)

    @property
    def name(self) -> str:
        return name_of(self.rank, self.host, self.pid)


class Verdict(NamedTuple):
    """Why the job ends."""

    rank: int
    """Whose fault it is, -1 where it is that of more than one."""
    text: str
    spoken: bool = False
    """Whether that rank tells the user itself."""


def name_of(rank: int, host: str, pid: int) -> str:
    """A rank as the user finds it."""
    return f"rank {rank} (host {host}, pid {pid})"


def silent(name: str, place: str, seconds: float) -> str:
    """What is said of a rank that is not heard of any more."""
    return f"{name} has given no sign of life for {seconds:.0f} s in {place}: it is stopped, or its machine is lost"


def gone(name: str, place: str) -> str:
    """What is said of a rank whose connection was closed."""
    return f"{name} is gone: it ended without a word in {place}, as a process does that is killed"


def place_of(lost: Report, others: Iterable[Report]) -> str:
    """Where a rank was lost: its last report may be old, but the others cannot have got further than it."""
    update = max((report.position[0] for report in others), default=0)
    return f"update {update}" if update > lost.position[0] else lost.place


def judge(members: Sequence[Member], now: float, patience: Patience) -> Verdict | None:
    """Who is lost, if somebody is.

    Silent is who has not reported for too long. Hung is who has made no progress for longer than its stage may take,
    while nobody else makes any: of the ranks that do not wait for others, the one that is furthest behind.
    """
    mute = [member for member in members if now - member.heard > patience.silence]
    if mute:
        others = [member.report for member in members]
        told = [silent(m.name, place_of(m.report, others), now - m.heard) for m in mute]
        return Verdict(_only(mute), "; ".join(told))
    busy = [member for member in members if not member.report.waits]
    if not busy or any(member.report.still <= member.report.limit for member in busy):
        return None
    busy = [member for member in busy if not member.report.exchanges] or busy
    behind = min(member.report.position for member in busy)
    hung = [member for member in busy if member.report.position == behind]
    told = [f"{member.name}, {member.report.place}, for {member.report.still:.0f} s" for member in hung]
    return Verdict(_only(hung), "no progress: " + "; ".join(told))


def tellers(members: Sequence[Member], verdict: Verdict) -> list[int]:
    """The ranks that say it to the user: the first on each machine that can."""
    first: dict[str, int] = {}
    for member in sorted(members, key=lambda member: ((member.rank == verdict.rank) != verdict.spoken, member.rank)):
        first.setdefault(member.host, member.rank)
    return list(first.values())


def _only(members: Sequence[Member]) -> int:
    return members[0].rank if len(members) == 1 else -1
