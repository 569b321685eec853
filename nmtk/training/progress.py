"""What training says while it runs: a live bar on a terminal, plain lines elsewhere, and a log of JSON lines."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from nmtk.errors import TrainingError
from nmtk.files import write_text

Record = dict[str, Any]
"""One line of the log: `kind` (train, validation), `update`, its figures, and the `seconds` of training so far."""

TIMES = ("seconds", "tokens_per_second", "took")
"""The keys of a record that differ from one run to its twin."""


class Listener(Protocol):
    """Hears of what happens in training."""

    def record(self, record: Record) -> None:
        """A line of the log, as it is written."""

    def done(self, share: float | None, seconds: float, update: int) -> None:
        """An update is done: the share of the whole that is, from 0 to 1, and the seconds of training so far."""

    def say(self, text: str) -> None:
        """A message for the user."""

    def close(self) -> None:
        """Nothing more comes."""


class Log:
    """The run's `log.jsonl`: one JSON object a line, cut back on resuming to what the checkpoint knows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, record: Record) -> None:
        """Append a record."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def read(self) -> list[Record]:
        """All records; a last line that a killed process left unfinished is none. Raises TrainingError for others."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().splitlines(keepends=True)
        return [self._record(number, line) for number, line in enumerate(lines, 1) if line.endswith(b"\n")]

    def _record(self, number: int, line: bytes) -> Record:
        try:
            record: Record = json.loads(line)
            if {"kind", "update"} <= record.keys():
                return record
        except (ValueError, AttributeError):
            pass
        raise TrainingError(f"{self.path}:{number}: found no record of training: delete the line, or the whole log")

    def cut_back(self, update: int, validated: bool) -> None:
        """Forget what came after an update; its validation too when its measures are not known."""
        kept = [r for r in self.read() if r["update"] < update + (r["kind"] != "validation" or validated)]
        write_text(self.path, "".join(json.dumps(record) + "\n" for record in kept))


def line(record: Mapping[str, Any], left: float | None = None) -> str:
    """A record as a line of text that stays the same from version to version, for people and for grep."""
    known = [f"{record['kind']:10s} update {record['update']}"]
    for key, value in record.items():
        if key in ("kind", "update", "seconds"):
            continue
        shown = (
            f"{value:,.0f}"
            if key == "tokens_per_second"
            else f"{value:.4g}"
            if isinstance(value, float)
            else str(value)
        )
        known.append(f"{key} {shown}")
    known.append(f"time {clock(record['seconds'])}")
    if left is not None:
        known.append(f"left {clock(left)}")
    return " | ".join(known)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def time_left(share: float | None, seconds: float) -> float | None:
    """The seconds still to go, as those so far tell."""
    return seconds * (1 - share) / share if share else None


class PlainLines:
    """Plain lines on stderr, for log files and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.left: float | None = None

    def record(self, record: Record) -> None:
        self.say(line(record, self.left))

    def done(self, share: float | None, seconds: float, update: int) -> None:
        self.left = time_left(share, seconds)

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None: ...


class LiveBar:
    """A bar with the share done, speed, loss, learning rate and time left, validations scrolling by above it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        columns: tuple[ProgressColumn, ...] = (
            TextColumn("update {task.fields[update]:,}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            _TimeLeft(),
        )
        self.bar = Progress(*columns, console=console)
        self.task = self.bar.add_task("train", total=1.0, update=0, figures="", left=None)
        self.bar.start()

    def record(self, record: Record) -> None:
        if record["kind"] != "train":
            self.say(line(record))
            return
        speed, loss, rate = record["tokens_per_second"], record["loss"], record["rate"]
        self.bar.update(self.task, figures=f"{speed:,.0f} tok/s  loss {loss:.3f}  rate {rate:.2e}")

    def done(self, share: float | None, seconds: float, update: int) -> None:
        self.bar.update(self.task, completed=share or 0.0, update=update, left=time_left(share, seconds))

    def say(self, text: str) -> None:
        self.bar.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self.bar.stop()


class _TimeLeft(ProgressColumn):
    def render(self, task: Task) -> Text:
        left = task.fields.get("left")
        return Text(f"left {clock(left)}" if left is not None else "left -:--:--")


class TensorBoard:
    """The log's figures as TensorBoard scalars."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def record(self, record: Record) -> None:
        for key, value in record.items():
            if isinstance(value, int | float) and key != "update":
                self.writer.add_scalar(f"{record['kind']}/{key}", value, record["update"])

    def done(self, share: float | None, seconds: float, update: int) -> None: ...

    def say(self, text: str) -> None: ...

    def close(self) -> None:
        self.writer.close()


def listeners(run: Path, console: Console) -> list[Listener]:
    """Who listens in this place: a bar or lines, and TensorBoard where it is installed."""
    shown: Listener = LiveBar(console) if console.is_terminal else PlainLines(console)
    if importlib.util.find_spec("tensorboard") is None:
        return [shown]
    return [shown, TensorBoard(run / "tensorboard")]
