"""Parts: a file that is written in steps which last, so that work goes on after a crash where it stood.

    out.xz.part         the records so far
    out.xz.part.notes   a line for each buffer of them: what is to be known of it in the end
    out.xz.part.json    the journal: what the work is, and how many records and bytes of it the disk has for certain

What is in the files beyond the journal's bytes is lost, and made again; the records of a compressed frame that is not
full yet wait in the journal. The bytes in the end are those of a run that was never broken. The journal is there before
the first record: a part without one is somebody else's file.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from nmtk.documents import Document
from nmtk.errors import NmtkError
from nmtk.files import sync_folder
from nmtk.translation.output import Framed, Pack

EVERY = 5.0
"""Seconds from one step to the next: what a crash may cost, besides the buffer under way."""

_ENDS = 1 << 20
_TRIES, _PAUSE = 20, 0.05


class Journal(NamedTuple):
    """How far a part is."""

    task: Document
    """What the work is: whatever changes a byte of it."""
    records: int = 0
    size: int = 0
    """Bytes of whole frames."""
    waiting: Sequence[str] = ()
    """The last of the records, which have no frame yet."""
    done: bool = False
    notes: int = 0
    """Bytes of the notes on all these records."""

    @classmethod
    def read(cls, part: Path) -> "Journal | None":
        """The journal of a part; None when it has none. Raises NmtkError when it cannot be understood."""
        path = journal_of(part)
        try:
            found = cls(**json.loads(path.read_text("utf-8")))
            sound = (
                min(found.size, found.notes) >= 0
                and found.records >= len(found.waiting)
                and all(type(one) is str for one in found.waiting)
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            sound = False
        if not sound or [*map(type, found)] != [dict, int, int, list, bool, int]:
            raise NmtkError(f"{path}: damaged: delete it and {part} to begin anew")
        return found

    def write(self, part: Path) -> None:
        """Write the journal of a part that is ours alone: whole or not at all, and a try cut short is overwritten."""
        path, beside = journal_of(part), part.with_name(f"{part.name}.json.new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(self._asdict(), file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)

    def check(self, part: Path, task: Document) -> None:
        """Raises NmtkError when the part belongs to other work."""
        for key in sorted(self.task.keys() | task.keys()):
            if self.task.get(key) != task.get(key):
                was, now = (json.dumps(one.get(key), ensure_ascii=False) for one in (self.task, task))
                raise NmtkError(f"{part}: begun with {key} {was}, now {now}: go on with what it was, or delete it")


def journal_of(part: Path) -> Path:
    """Where the journal of a part stands."""
    return part.with_name(f"{part.name}.json")


def notes_of(part: Path) -> Path:
    """Where the notes of a part stand."""
    return part.with_name(f"{part.name}.notes")


def read_notes(part: Path) -> Iterator[bytes]:
    """The notes on all records that the disk has for certain, in their order."""
    if journal := Journal.read(part):
        with notes_of(part).open("rb") as file:
            while file.tell() < journal.notes:
                yield file.readline()


def files_of(part: Path) -> tuple[Path, ...]:
    """All that there is of a part; the journal last, which says whose the others are."""
    return part, notes_of(part), journal_of(part)


def forget(part: Path) -> None:
    """Delete a part."""
    for path in files_of(part):
        path.unlink(missing_ok=True)


class Part(Framed):
    """A file under way: records are written to it in frames, and what lasts is a whole number of buffers."""

    def __init__(
        self,
        path: Path,
        file: IO[bytes],
        notes: IO[bytes],
        pack: Pack | None,
        size: int,
        buffer: int,
        journal: Journal,
    ) -> None:
        super().__init__(file, pack, size)
        self.path, self.journal = path, journal
        self._notes, self._noted = notes, journal.notes
        self.count = journal.records
        self._frame = [*map(_bytes, journal.waiting)]
        self._buffer, self._whole = buffer, len(self._frame)
        self._stepped = time.monotonic()

    def note(self, line: bytes) -> None:
        """Write a line on the buffer of records that comes next: it lasts as they do."""
        self._notes.write(line)

    def write(self, record: bytes) -> bool:
        """Write one record; whether it was the last of a frame. After a buffer the disk may be told to keep all."""
        ended = super().write(record)
        if self.count % self._buffer == 0:
            self._whole, self._noted = len(self._frame), self._notes.tell()
            if time.monotonic() - self._stepped >= EVERY:
                self.step()
        return ended

    def end_frame(self) -> None:
        """Write what has gathered."""
        super().end_frame()
        self._whole, self._noted = 0, self._notes.tell()
        self.journal = self.journal._replace(records=self.count, size=self._file.tell(), waiting=[])

    def step(self) -> None:
        """Have the disk keep all whole buffers so far, and say so in the journal."""
        waiting = [record.decode("utf-8", "surrogateescape") for record in self._frame[: self._whole]]
        framed = self.journal.records - len(self.journal.waiting)
        self.journal = self.journal._replace(records=framed + len(waiting), waiting=waiting, notes=self._noted)
        for file in (self._notes, self._file):
            file.flush()
            os.fsync(file.fileno())
        self.journal.write(self.path)
        self._stepped = time.monotonic()

    def finish(self, alone: bool) -> None:
        """Write the last frame. alone: no other part has records either, so that even without any there is a frame."""
        if self._frame or (alone and not self.journal.size):
            self.end_frame()
        self.journal = self.journal._replace(done=True)
        self.step()


def _bytes(waiting: str) -> bytes:
    return waiting.encode("utf-8", "surrogateescape")


@contextmanager
def opened_part(path: Path, task: Document, pack: Pack | None, size: int, buffer: int, resume: bool) -> Iterator[Part]:
    """Open a part for writing, which is then ours alone: a new one, or with `resume` one of the same task.

    size: records in a frame, a whole number of buffers. Where the block fails, what the journal has stays, brought up
    to the last buffer; a part that never came to a first step goes. Raises NmtkError when the part is another
    process's, unfinished and not to be resumed, of another task, or damaged; when it is no part but a file of the
    user's; and when the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            _lock(path, file)
            journal = _found(path, task, resume)
            journal.write(path)
            notes_of(path).touch()
            with notes_of(path).open("r+b") as notes:
                for one, length in ((file, journal.size), (notes, journal.notes)):
                    one.truncate(length)
                    one.seek(length)
                part = Part(path, file, notes, pack, size, buffer, journal)
                try:
                    yield part
                except BaseException:
                    with suppress(OSError, NmtkError):
                        _keep(part)
                    raise
    except OSError as error:
        raise NmtkError(f"{path}: cannot be written: {error.strerror or error}") from error


def _keep(part: Part) -> None:
    kept = Journal.read(part.path)
    if kept and kept.records:
        part.step()
    else:
        forget(part.path)


def _found(path: Path, task: Document, resume: bool) -> Journal:
    found, size = Journal.read(path), path.stat().st_size
    if found is None and size:
        wanted = f"which has a {journal_of(path)}: move it away, or delete it"
        raise NmtkError(f"{path}: no work of nmtk's, {wanted}")
    if found is None or not found.records or (found.size and not size):  # the part was deleted, the journal forgotten
        return Journal(task)
    if not resume:
        kept = f"{found.records:,} records of work that was not brought to its end"
        raise NmtkError(f"{path}: holds {kept}: go on with --resume, or delete it")
    found.check(path, task)
    for one, least in ((path, found.size), (notes_of(path), found.notes)):
        if (size := one.stat().st_size if one.exists() else 0) < least:
            raise NmtkError(f"{one}: found {size:,} bytes, wanted {least:,}: delete {path} to begin anew")
    return found


def _lock(path: Path, file: IO[bytes]) -> None:
    """Have the file for ourselves until it is closed. Who only asks whether it is free holds it for a moment."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
    raise NmtkError(f"{path}: another process is writing it")


def in_work(path: Path) -> bool:
    """Whether a process has the part open."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def known_by(path: Path) -> Document:
    """What a large file is known by, without reading all of it: its size, and a hash of its first and last MiB."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256()
        for place in (0, max(0, size - _ENDS)):
            file.seek(place)
            digest.update(file.read(_ENDS))
    return {"bytes": size, "sha256 of its ends": digest.hexdigest()}
