"""Watching over ranks: one that dies, is stopped or hangs ends the whole job soon, and is named.

Each rank has two threads: one reports to the hub (see hub.py) where the main thread is and for how long it has not
moved; the other hears from the hub why the job ends, and then ends the process, whose main thread may hang in a
collective for ever.
"""

import json
import math
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from nmtk.errors import TrainingError
from nmtk.training.hub import Address
from nmtk.training.verdict import Patience, Report, Verdict, gone, name_of, place_of, silent

_COLLECTIVES = f"{os.sep}torch{os.sep}distributed{os.sep}"


class Progress:
    """Where a main thread is, and how long its stages last from one sign of progress to the next."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.update, self.stage, self.begun = 0, "starting", 0
        self.moved = time.monotonic()
        self.least = math.inf
        self._gap = 0.0
        self._slowest: dict[str, float] = {}

    def at(self, update: int, stage: str, least: float = 0.0) -> None:
        """Begin a stage. least: seconds that it may last without a sign of progress, whatever was seen of it."""
        self.move()
        self._slowest[self.stage] = max(self._gap, self._slowest.get(self.stage, 0.0))
        self._gap, self.least = 0.0, least
        self.begun = self.begun + 1 if update == self.update else 1
        self.update, self.stage = update, stage

    def forget(self) -> None:
        """Take each stage for one that was never passed."""
        self._slowest, self._gap = {}, 0.0

    def move(self) -> None:
        """Give a sign of progress within the stage."""
        now = time.monotonic()
        self._gap, self.moved = max(self._gap, now - self.moved), now

    @property
    def place(self) -> str:
        """The update and the stage, for people."""
        return f"update {self.update} ({self.stage})" if self.update else self.stage

    def report(self) -> Report:
        """What is told of it to the hub."""
        limit = max(self.least, self.patience.limit(self._slowest.get(self.stage)))
        return Report(self.place, (self.update, self.begun), time.monotonic() - self.moved, limit)


class Watch:
    """One rank's side. Raises TrainingError when the hub cannot be reached."""

    def __init__(self, rank: int, address: Address, patience: Patience) -> None:
        self.rank, self.patience = rank, patience
        self.host, self.pid = socket.gethostname(), os.getpid()
        self.name = name_of(rank, self.host, self.pid)
        self.progress = Progress(patience)
        self._main = threading.get_ident()
        self._socket = self._connect(address)
        self._speaking = threading.Lock()
        self._news = threading.Condition()
        self._heard = time.monotonic()
        self._arrived = self._met = 0
        self._waits = self._leaves = self._fails = False
        self._verdict: Verdict | None = None
        self._hub, self._hub_report, self._tells = "rank 0", Report(), True
        for work in (self._listen, self._speak):
            threading.Thread(target=work, name="watch", daemon=True).start()

    def meet(self) -> None:
        """Go on when all ranks have come here. While they live and move, this may take as long as it likes."""
        self._arrived, self._waits = self._arrived + 1, True
        self._report()
        with self._news:
            self._news.wait_for(lambda: self._met >= self._arrived)
        self.progress.moved, self._waits = time.monotonic(), False

    def leave(self) -> None:
        """Meet for the last time: after that, each rank may end as it likes."""
        self._leaves = True
        self.meet()

    def fail(self, reason: str) -> str:
        """Tell all that this rank ends, and return it in words. Where another rank ended before, only that one's
        reason is worth telling: then this process ends here, without a word.
        """
        self._fails = True
        text = f"{self.name} ended in {self.progress.place}: {reason}"
        self._send({"ends": text})
        with self._news:
            self._news.wait_for(lambda: self._verdict, self.patience.grace)
        if self._verdict and self._verdict.rank != self.rank:
            end(None)
        tell_torchrun(text)
        return text

    def lose(self) -> None:
        """A connection of the collectives broke: be ended for what another rank did, or return if none did anything."""
        time.sleep(self.patience.grace)

    # the two threads

    def _speak(self) -> None:
        while not self._leaves or self._met < self._arrived:
            before = time.monotonic()
            self._report()
            time.sleep(self.patience.beat)
            now = time.monotonic()
            if now - before > self.patience.silence / 2:  # it was this process that slept: the hub may be well
                self._heard = self.progress.moved = now
            elif now - self._heard > self.patience.silence:
                self._hub_lost(silent(self._hub, self._hub_place(), now - self._heard))

    def _listen(self) -> None:
        try:
            for line in self._socket.makefile("rb"):
                self._heard = time.monotonic()
                self._take(json.loads(line))
        except OSError:
            pass
        if not self._leaves or self._met < self._arrived:
            self._hub_lost(gone(self._hub, self._hub_place()))

    def _take(self, message: dict[str, Any]) -> None:
        self._hub = message.get("hub", self._hub)
        self._hub_report = Report(*message["report"]) if "report" in message else self._hub_report
        self._tells = message.get("tell", self._tells)
        with self._news:
            self._met = message.get("met", self._met)
            if "verdict" in message:
                self._verdict = Verdict(*message["verdict"])
            self._news.notify_all()
        if self._verdict and not self._fails:  # else the main thread ends the process
            end(self._verdict.text if self._tells else None)

    def _hub_place(self) -> str:
        return place_of(self._hub_report, [self.progress.report()])

    def _hub_lost(self, text: str) -> None:
        if self.rank == 0 or self._fails:  # the hub is this very process, which is ending; or this one is
            return
        end(text if self._tells else None)

    # the connection

    def _connect(self, address: Address) -> socket.socket:
        tried = []
        for host in address.hosts:
            try:
                found = socket.create_connection((host, address.port), timeout=10)
                hello = {"token": address.token, "rank": self.rank, "host": self.host, "pid": self.pid}
                found.sendall(json.dumps(hello).encode() + b"\n")
                if found.recv(1, socket.MSG_PEEK):
                    found.settimeout(None)
                    return found
                tried.append(f"{host}: another job's")
            except OSError as error:
                tried.append(f"{host}: {error.strerror or error}")
        raise TrainingError(f"{self.name}: cannot reach rank 0 at port {address.port}: {'; '.join(tried)}")

    def _report(self) -> None:
        report = self.progress.report()._replace(
            waits=self._waits, arrived=self._arrived, leaves=self._leaves, exchanges=_in_collective(self._main)
        )
        self._send(report._asdict())

    def _send(self, message: dict[str, Any]) -> None:
        try:
            with self._speaking:
                self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:  # _listen finds out too, and says so
            pass


def end(text: str | None) -> NoReturn:
    """End the process as a failure, whatever its other threads do, with a line for the user where there is one."""
    if text:
        tell_torchrun(text)
        show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a live bar hides it
        os.write(2, f"{show_cursor}nmtk: error: {text}\n".encode())  # not through a buffer that another thread may hold
    os._exit(1)


def tell_torchrun(text: str) -> None:
    """Leave the reason where torchrun looks for it, so that it stands in its summary, too."""
    if file := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        with suppress(OSError):
            Path(file).write_text(json.dumps({"message": text, "timestamp": int(time.time())}), "utf-8")


def _in_collective(thread: int) -> bool:
    """Whether a thread is somewhere below a function of torch.distributed."""
    frame = sys._current_frames().get(thread)
    while frame and _COLLECTIVES not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None
