"""Job: what `nmtk translate` is to do, with which files and what machine."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import combinations
from pathlib import Path
from typing import NamedTuple, Protocol

from nmtk.bundle import WEIGHTS, find
from nmtk.decoding.crew import Crew
from nmtk.decoding.jury import Seat
from nmtk.decoding.translator import Translator
from nmtk.documents import Document
from nmtk.errors import OptionsError
from nmtk.files import are_one, sha256
from nmtk.lines import STANDARD, behind
from nmtk.translation.answers import Layout
from nmtk.translation.inputs import Input
from nmtk.translation.parts import files_of


class Engine(Protocol):
    """Another search than nmtk's own."""

    @property
    def precision(self) -> str:
        """What it computes in."""

    def crew(self, translator: Translator, size: int, threads: int) -> AbstractContextManager[Crew]:
        """Whom the translator's batches are given to: so many at a time, with so many threads for each.

        Raises OptionsError for options that it does not have.
        """


class Asked(Protocol):
    """What is asked for other than the model's own way of decoding."""

    def over(self, own: Document) -> Document:
        """The model's decoding options, every default written out, with what is asked for laid over them."""


class Machine(NamedTuple):
    """What the work is done with."""

    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    """How many cores a CPU may use: each a process for itself, or all together where lines are answered one by one."""
    engine: Engine | None = None
    """Who searches in nmtk's place."""


class Job(NamedTuple):
    """What is to be translated, by which models, how, and where to."""

    models: Sequence[Path]
    wishes: Asked
    source: Input
    output: Path | None
    """None: standard output."""
    weights: Sequence[float] | None = None
    """Of the models, if there are several; None: equal."""
    layout: Layout = Layout()
    report: Path | None = None
    machine: Machine = Machine()
    buffer: int | None = None
    """Lines read before the first is answered; None: one where they are typed, else as many as is good for speed."""
    resume: bool = False
    shard: str | None = None
    quiet: bool = False
    jury: Sequence[Seat] = ()
    """Who puts all that search keeps of a line in order."""

    @property
    def typed(self) -> bool:
        """Whether somebody types the lines at a terminal."""
        return self.source.path in (None, STANDARD) and sys.stdin.isatty()

    @property
    def shown(self) -> bool:
        """Whether the translations appear at a terminal."""
        return self.output in (None, STANDARD) and sys.stdout is not None and sys.stdout.isatty()

    @property
    def prompted(self) -> bool:
        """Whether it is a conversation: plain text in and out, at a terminal."""
        plain = (self.source.format, self.layout.format) == ("text", "text")
        return self.typed and self.output is None and self.report is None and self.shown and plain


def identity(job: Job, translator: Translator) -> Document:
    """All that changes a byte of the output, besides text, buffer and shard."""
    always, machine = job.source.always, job.machine
    decoding = {f"decoding.{key}": value for key, value in translator.options.document().items()}
    form = {"input format": job.source.format, "columns": list(job.source.columns or ()), "output": list(job.layout)}
    of_all = {"prefix": always.prefix, "required": list(always.required), "forbidden": list(always.forbidden)}
    arithmetic = {"device": translator.device.type, "precision": machine.precision, "weights": list(job.weights or ())}
    if machine.engine:
        arithmetic["engine"] = f"{type(machine.engine).__name__} {machine.engine.precision}"
    digest = translator.bundle.vocabularies.digest
    known: Document = {"model": [sha256(find(path) / WEIGHTS) for path in job.models], "vocabulary": digest}
    if job.jury:
        known["rerank"] = [[*seat[:2], seat.model and sha256(find(seat.model) / WEIGHTS)] for seat in job.jury]
    return known | decoding | form | of_all | arithmetic


def refuse_shared(source: Path | None, output: Path | None, report: Path | None) -> None:
    """Raise OptionsError where one file would be two of them, or one of those that the work keeps beside its output."""
    given = {"input": behind(source, "stdin"), "output": behind(output, "stdout"), "report": report}
    files = {name: path for name, path in given.items() if path}
    for (name, path), (later, other) in combinations(files.items(), 2):
        if are_one(path, other):
            raise OptionsError(f"--{later}: found {other}, which is the {name} too: wanted another file")
    kept = files_of(files["output"].with_name(f"{files['output'].name}.part")) if "output" in files else ()
    for name in ("input", "report"):
        if name in files and any(are_one(files[name], path) for path in kept):
            raise OptionsError(f"--{name}: found {files[name]}, which the output takes on its way: wanted another file")
