"""Shards: one file translated by several processes, each a range of its lines, to the bytes that one would write.

A range is a whole number of frames, and a frame a whole number of buffers, so each line is in the same batch as ever:
what is computed is the same to the last bit, on the same kind of device with as many threads.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import torch

from nmtk.devices import pick_device
from nmtk.documents import Document
from nmtk.errors import DataError, NmtkError, OptionsError
from nmtk.files import atomic_write, sync_folder
from nmtk.lines import STANDARD, BlockReader, read_lines
from nmtk.processes import local_rank, own_rank, restarts, world_size
from nmtk.translation.output import Framed, frame_of, opened, pack_of
from nmtk.translation.parts import Journal, forget, in_work, known_by, opened_part, read_notes

PATIENCE = 300.0
"""Seconds that a rank may show no sign of life; torchrun itself ends them all as soon as one has failed."""

_CHUNK = 4096
_LOOK = 0.2


class Shard(NamedTuple):
    """One of several parts of a text, counted from 1."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `3/16`. Raises OptionsError for what is no part of that many."""
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise OptionsError(f"--shard: found {text}, wanted a part and their number, from 1/16 to 16/16")
        return cls(int(number), int(count))

    @classmethod
    def of_environment(cls) -> Self | None:
        """That of this process among those that torchrun has started; None where there are no others."""
        return cls(own_rank() + 1, world_size()) if world_size() > 1 else None

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def lines(self, total: int, frame: int) -> range:
        """Its lines, counted from 0, of so many that are cut into frames."""
        frames = -(-total // frame)
        first, stop = (frames * number // self.of * frame for number in (self.number - 1, self.number))
        return range(min(first, total), min(stop, total))


def own_device(name: str) -> torch.device:
    """The device of this name; of several GPUs, unless it names one, that of this process among those of its machine.

    Raises OptionsError as `pick_device` does, and when there are fewer GPUs than such processes.
    """
    device = pick_device(name)
    if device.type != "cuda" or ":" in name or world_size() == 1:
        return device
    return pick_device(f"cuda:{local_rank()}")


class Work(NamedTuple):
    """Lines to be answered, and where the answers go: one record for each line."""

    lines: Iterator[str]
    first: int
    """The number of the first line in the text, from 0."""
    answers: Framed
    start: int = 0
    """The number of the first line of the whole work, some of which may have been done before."""


@contextmanager
def opened_work(
    source: Path,
    output: Path,
    task: Callable[[], Document],
    buffer: int,
    resume: bool = False,
    shard: Shard | None = None,
    heard: Callable[[bytes], None] = lambda _: None,
) -> Iterator[Work]:
    """Open a text and what is made of it; `-` is a standard stream. When the block has ended well, the output is there.

    From file to file the work is done in steps which last (see `parts`), and `resume` goes on with it. With `shard` it
    is that range of lines; under torchrun each process does its own, and the first sets all of them together. task,
    which is asked for only then: all that changes a byte of the output, besides text, buffer and shard. heard: told of
    the notes on answers that others have written: a process before this one, at the beginning; the other ranks, at the
    end of the first.

    Raises DataError and OptionsError for streams where files are needed, DataError when not all lines were answered,
    and NmtkError as `opened_part` does.
    """
    ranks = Shard.of_environment()
    if ranks and shard:
        raise OptionsError("--shard: torchrun gives each process its lines: leave it out")
    if source != STANDARD and not source.exists():
        raise DataError(f"{source}: no such file")
    if not source.is_file() or output == STANDARD or (output.exists() and not output.is_file()):
        _refuse_streams(source, output, "--shard" if shard else "torchrun" if ranks else "--resume" if resume else None)
        with opened(output, buffer) as records:
            yield from _answered(Work(read_lines(source), 0, records), source)
        return

    pack = pack_of(output.name)
    frame = frame_of(buffer, pack)
    resume = resume or restarts() > 0
    own = ranks or shard or Shard()
    total = count_lines(source) if own.of > 1 else None
    lines = None if total is None else own.lines(total, frame)
    start, stop = (0, None) if lines is None else (lines.start, lines.stop)
    shared = task() | {"buffer": buffer, "input": known_by(source)}
    path = _of_rank(output, ranks) if ranks else output.with_name(f"{output.name}.part")
    with opened_part(path, shared | {"shard": str(own)}, pack, frame, buffer, resume) as part:
        for note in read_notes(path):
            heard(note)
        first = start + part.count
        if part.journal.done:
            yield Work(iter(()), first, part, start)
        else:
            yield from _answered(Work(read_range(source, first, stop), first, part, start), source)
            if lines is not None and part.count != len(lines):
                raise DataError(f"{source}: {part.count:,} lines where {len(lines):,} were counted: it has changed")
            part.finish(alone=own.number == 1 and not total)
    if ranks is None:
        path.replace(output)
        sync_folder(output.parent)
        forget(path)
    elif ranks.number == 1:
        assert total is not None
        everyone = [Shard(number + 1, ranks.of) for number in range(ranks.of)]
        tasks = {_of_rank(output, one): shared | {"shard": str(one)} for one in everyone}
        _wait(tasks)
        for note in (note for other in [*tasks][1:] for note in read_notes(other)):
            heard(note)
        _join(output, list(tasks), total)


def _refuse_streams(source: Path, output: Path, asked: str | None) -> None:
    if asked and (source == STANDARD or (source.exists() and not source.is_file())):
        raise OptionsError(f"{asked}: found {_name(source, 'input')} to read, wanted a file: -i FILE")
    if asked:
        raise OptionsError(f"{asked}: found {_name(output, 'output')} to write to, wanted a file: -o FILE")


def _name(path: Path, kind: str) -> str:
    return f"standard {kind}" if path == STANDARD else str(path)


def _answered(work: Work, source: Path) -> Iterator[Work]:
    """Give out the work, and see that each of its lines was answered."""
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for line in work.lines:
            taken += 1
            yield line

    before = work.answers.count
    yield work._replace(lines=counted())
    if (written := work.answers.count - before) != taken:
        raise DataError(f"{source}: {written:,} answers to {taken:,} lines")


def count_lines(path: Path) -> int:
    """How many lines a file has, compressed or not. Raises DataError when it is damaged."""
    with BlockReader(path) as reader:
        while reader.read(_CHUNK):
            pass
        return reader.line


def read_range(path: Path, first: int, stop: int | None) -> Iterator[str]:
    """The lines from `first` to the one before `stop` (None: to the end), counted from 0; the others not decoded."""
    with BlockReader(path) as reader:
        while reader.line < first and reader.read(min(_CHUNK, first - reader.line)):
            pass
        while stop is None or reader.line < stop:
            block = reader.read(_CHUNK if stop is None else min(_CHUNK, stop - reader.line))
            if block is None:
                return
            yield from block.texts()


def _of_rank(output: Path, shard: Shard) -> Path:
    return output.with_name(f"{output.name}.{shard.number - 1}-of-{shard.of}")


def _wait(tasks: dict[Path, Document]) -> None:
    """Until all parts are done. Raises NmtkError when nobody has worked at one for too long."""
    alive = dict.fromkeys(tasks, time.monotonic())
    while open_ := [path for path, task in tasks.items() if not _done(path, task)]:
        for path in open_:
            if in_work(path):
                alive[path] = time.monotonic()
            elif time.monotonic() - alive[path] > PATIENCE:
                raise NmtkError(
                    f"{path}: no process has written it for {PATIENCE:.0f} s: one has died, or not all share this disk"
                )
        time.sleep(_LOOK)


def _done(path: Path, task: Document) -> bool:
    found = Journal.read(path)
    return found is not None and found.done and found.task == task


def _join(output: Path, paths: Sequence[Path], total: int) -> None:
    found = sum(journal.records for journal in map(Journal.read, paths) if journal)
    if found != total:
        raise DataError(f"{output}: found {found:,} lines in its parts, wanted {total:,}")
    with atomic_write(output) as file:
        for path in paths:
            with path.open("rb") as part:
                shutil.copyfileobj(part, file)
    for path in paths:
        forget(path)
