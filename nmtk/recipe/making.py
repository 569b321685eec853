"""Making texts: a model translates a file into the run's folder, and what was made is known by what it was made from.

    text/NAME           the text
    text/NAME.yaml      what made it: weights, model, decoding, the hash of what was translated, nmtk's version; and
                        its own hash
    text/NAME.making/   what there is of it while it is made: a run that was broken off goes on there

It is made anew when it is gone, has been changed, or would now be another.
"""

import math
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console

from nmtk.bundle import find
from nmtk.decoding.options import DecodingOptions
from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import DataError, NmtkError, OptionsError
from nmtk.files import sha256, write_text
from nmtk.recipe.made import MadeOptions
from nmtk.recipe.provenance import own_decoding, provenance
from nmtk.recipe.sources.source import Found
from nmtk.training.distributed import Ranks
from nmtk.training.progress import clock
from nmtk.training.signals import Signals
from nmtk.translation.inputs import Input
from nmtk.translation.job import Job, Machine
from nmtk.translation.shards import count_lines
from nmtk.translation.stream import translate_stream

EVERY = 30.0
"""Seconds from one line about progress to the next."""


class Making(NamedTuple):
    """One text that a model makes."""

    name: str
    options: MadeOptions
    model: Path
    """A run, or a model folder."""
    text: Path
    """The file that it translates."""
    work: Path
    """The folder that the made text is in."""

    @property
    def path(self) -> Path:
        """Where the made text is, once it is whole."""
        return self.work / self.name

    @property
    def workshop(self) -> Path:
        """The folder where it is made."""
        return self.path.with_name(f"{self.path.name}.making")

    @property
    def draft(self) -> Path:
        """The made text in that folder: there as soon as it is whole, with parts of it beside it until then."""
        return self.workshop / self.path.name

    def source(self) -> Document:
        """All that decides what it is. Raises ModelError where there is no model."""
        model = find(self.model)
        asked = self.options.over(own_decoding(model).document())
        decoding = DecodingOptions.parse(asked, f"data.translate.{self.name}.decoding")
        return provenance(model, decoding) | {"text": sha256(self.text)}

    def up_to_date(self, source: Document) -> bool:
        """Whether the text is in its place, whole, and of this source."""
        return _is(self.path, source)

    def borrow(self, source: Document, elsewhere: Iterable[Path]) -> Path | None:
        """Copy the text from the first of these places where there is one of this source; returns the place."""
        for path in elsewhere:
            if _is(path, source):
                part = self.draft.with_suffix(".copy")
                shutil.copyfile(path, part)
                part.replace(self.draft)
                return path
        return None

    def begin(self, source: Document) -> None:
        """Have a workshop for a text of this source, and whatever there is in it of another is gone."""
        note = self.workshop / "source.yaml"
        if _read(note) != source:
            shutil.rmtree(self.workshop, ignore_errors=True)
            write_text(note, to_yaml(source))

    def finish(self, source: Document) -> None:
        """Put the whole text in its place. What was there before counts until all is done."""
        write_text(_note_of(self.path), to_yaml(source | {"sha256": sha256(self.draft)}))
        self.draft.replace(self.path)
        shutil.rmtree(self.workshop)


def is_made(name: str, work: Path) -> bool:
    """Whether a text was made; it may have been changed since."""
    return bool(_read(_note_of(work / name))) and (work / name).is_file()


def find_made(name: str, options: MadeOptions, work: Path) -> Found:
    """A made text, with its origin. Raises DataError when it is not there, or is not what was made."""
    path = work / name
    if not is_made(name, work):
        raise DataError(
            f"{path}: still to be made: nmtk train does that, by {options.by} from {options.text}, before it trains"
        )
    note, digest = _read(_note_of(path)), sha256(path)
    if digest != note.get("sha256"):
        raise DataError(f"{path}: changed since it was made: delete it, and nmtk train makes it anew")
    weights = str(note.get("weights"))[:12]
    origin = f"translated by {options.by} (weights {weights}) from {options.text}"
    return Found(name, path, digest, path.stat().st_size, origin)


def make(making: Making, threads: int | None, ranks: Ranks, console: Console, elsewhere: Iterable[Path] = ()) -> bool:
    """Make a text unless it is there; False when a signal broke that off, and what was translated is kept.

    Where the same has been made `elsewhere`, it is copied. Under torchrun each rank translates its share, as in
    `nmtk translate`: all of them see the run's folder. Raises ModelError, OptionsError and DataError.
    """
    ranks.at(0, "translating", least=math.inf)
    source = making.source() if ranks.first else {}
    made = ranks.first and making.up_to_date(source)
    if ranks.first and not made:
        making.begin(source)
        if not making.draft.is_file() and (lender := making.borrow(source, elsewhere)):
            say(console, f"{making.name}: the same as {lender}")
    ranks.wait()
    made, drafted = ranks.tell((made, making.draft.is_file()))
    if made:
        return True
    signals = Signals(at_once=True)
    try:
        with signals:
            if not drafted:
                _translate(making, threads, ranks, console)
    except (KeyboardInterrupt, NmtkError):  # a signal to all processes may end those that translate for this one, first
        if not signals.received:
            raise
    ranks.wait()
    if received := ranks.said(signals.received):
        if ranks.first:
            say(console, f"{making.name}: stopped by {received}; what was translated is kept")
        return False
    if ranks.first:
        making.finish(source)
        say(console, f"{making.name}: made")
    ranks.wait()
    return True


def _translate(making: Making, threads: int | None, ranks: Ranks, console: Console) -> None:
    told = _Progress(making, ranks, console)
    before = torch.get_num_threads()
    try:
        job = Job(
            [making.model],
            making.options,
            Input(making.text),
            making.draft,
            machine=Machine(ranks.device.type, threads=threads),
            resume=True,
            quiet=not ranks.first,
        )
        translate_stream(job, told)
    finally:
        torch.set_num_threads(before)


class _Progress:
    """Says now and then how far rank 0 is, which is as far as the others are."""

    def __init__(self, making: Making, ranks: Ranks, console: Console) -> None:
        self.name, self.console, self.speaks = making.name, console, ranks.first
        self.total = -(-count_lines(making.text) // ranks.world) if ranks.first else 0
        self.began = self.last = time.monotonic()
        self.first: int | None = None
        if self.speaks:
            share = f" (one of {ranks.world} shares)" if ranks.world > 1 else ""
            say(console, f"{self.name}: {making.model} translates {making.options.text}, {self.total:,} lines{share}")

    def __call__(self, lines: int) -> None:
        now = time.monotonic()
        if self.first is None:  # what a run before has done
            self.first, self.began = lines, now
        elif self.speaks and now - self.last >= EVERY:
            speed = (lines - self.first) / (now - self.began)
            left = clock(max(0, self.total - lines) / speed)
            say(self.console, f"{self.name}: {lines:,} of {self.total:,} lines, {speed:,.0f} a second, left {left}")
            self.last = now


def say(console: Console, text: str) -> None:
    """A line for the user, as it is."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _is(path: Path, source: Document) -> bool:
    """Whether a made text is there, whole, and of this source."""
    return path.is_file() and _read(_note_of(path)) == source | {"sha256": sha256(path)}


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.yaml")


def _read(note: Path) -> Document:
    try:
        return read_yaml(note)
    except OptionsError:  # there is none, or none that can be read
        return {}
