"""The hub: a thread of rank 0 to which all ranks report, which lets them meet, and ends them all when one is lost.

Its connections are its own: those of the collectives may be what hangs, and torch's store blocks for ever when the
process that serves it is stopped. A message is a line of JSON.
"""

import asyncio
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from nmtk.training.verdict import Member, Patience, Report, Verdict, gone, judge, place_of, tellers

Message = dict[str, Any]


class Address(NamedTuple):
    """Where the hub is found: names to try, its port, and the word that tells a rank of this job from a stranger."""

    hosts: tuple[str, ...]
    port: int
    token: str


class Hub:
    """Serves from its start to the end of the process."""

    def __init__(self, world: int, hosts: tuple[str, ...], patience: Patience) -> None:
        self.world, self.patience = world, patience
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        self._socket = socket.create_server(("", 0), family=family, dualstack_ipv6=dual, backlog=world)
        self.address = Address(hosts, self._socket.getsockname()[1], secrets.token_hex())
        self._members: dict[int, Member] = {}
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._met = 0
        self._left = False
        self._verdict: Verdict | None = None
        threading.Thread(target=lambda: asyncio.run(self._serve()), name="hub", daemon=True).start()

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._hear, sock=self._socket):
            started = before = time.monotonic()
            while True:
                await asyncio.sleep(self.patience.beat)
                now = time.monotonic()
                if now - before > self.patience.silence / 2:  # it was this process that slept: nobody is to blame
                    for member in self._members.values():
                        member.heard = now
                before = now
                if verdict := self._missing(now - started) or judge(list(self._members.values()), now, self.patience):
                    self._end(verdict)
                elif 0 in self._members:
                    self._tell(self._about_rank_0)

    def _about_rank_0(self, rank: int) -> Message:
        """What a rank needs, to say how it ended if rank 0 goes, and this hub with it."""
        members = list(self._members.values())
        first = self._members[0]
        return {"hub": first.name, "report": first.report, "tell": rank in tellers(members, Verdict(0, ""))}

    def _missing(self, seconds: float) -> Verdict | None:
        absent = sorted({*range(self.world)} - {*self._members})
        if not absent or seconds < self.patience.still:
            return None
        return Verdict(-1, f"rank {', '.join(map(str, absent))}: not heard of in the first {seconds:.0f} s")

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One rank, from its first word to its last."""
        try:
            hello: Message = json.loads(await reader.readline())
            if not hmac.compare_digest(hello.pop("token"), self.address.token):
                raise ValueError
            member = Member(**hello, heard=time.monotonic())
        except (ValueError, TypeError, KeyError, AttributeError, ConnectionError):
            writer.close()  # a stranger
            return
        self._members[member.rank], self._writers[member.rank] = member, writer
        self._say(writer, {"welcome": member.name})
        if self._verdict:
            self._say(writer, {"verdict": self._verdict, "tell": False})
        try:
            while line := await reader.readline():
                message: Message = json.loads(line)
                member.heard = time.monotonic()
                if "ends" in message:
                    self._end(Verdict(member.rank, message["ends"], spoken=True))
                else:
                    member.report = Report(**message)
                    self._meet()
        except ConnectionError:
            pass
        await asyncio.sleep(2 * self.patience.beat)  # the others tell how far they have come
        others = [other.report for other in self._members.values()]
        self._end(Verdict(member.rank, gone(member.name, place_of(member.report, others))))

    def _meet(self) -> None:
        """Let the ranks go on when the last one has come."""
        reports = [member.report for member in self._members.values()]
        arrived = min(report.arrived for report in reports)
        if len(reports) == self.world and arrived > self._met:
            self._met = arrived
            self._left = any(report.leaves for report in reports)
            self._tell(lambda _: {"met": arrived})

    def _end(self, verdict: Verdict) -> None:
        """Tell all why the job ends; what is found out later is only what follows from it."""
        if self._left or self._verdict:
            return
        self._verdict = verdict
        speakers = tellers(list(self._members.values()), verdict)
        self._tell(lambda rank: {"verdict": verdict, "tell": rank in speakers})

    def _tell(self, message: Callable[[int], Message]) -> None:
        for rank in sorted(self._writers, reverse=True):  # rank 0 last: it may end this very process
            self._say(self._writers[rank], message(rank))

    @staticmethod
    def _say(writer: asyncio.StreamWriter, message: Message) -> None:
        writer.write(json.dumps(message).encode() + b"\n")
