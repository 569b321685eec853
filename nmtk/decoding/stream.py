"""Streams: a model's translation of a file or of standard input, as it comes."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import torch

from nmtk.allocator import keep_memory
from nmtk.bundle import WEIGHTS, Bundle, find
from nmtk.data.encoding import cores
from nmtk.decoding.alignment import Aligned, Aligner, Part
from nmtk.decoding.answers import Answer, Layout
from nmtk.decoding.batching import blocks
from nmtk.decoding.crew import PRIMITIVES, Crew, Processes, Worker
from nmtk.decoding.ensemble import load_ensemble
from nmtk.decoding.inputs import Entry, Input
from nmtk.decoding.job import refuse_shared
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.prompt import Attend, converse
from nmtk.decoding.report import Report, reporting
from nmtk.decoding.sentences import Request
from nmtk.decoding.shards import Shard, opened_work, own_device
from nmtk.decoding.translator import BUFFER, Translation, Translator
from nmtk.devices import pick_device, pick_precision
from nmtk.documents import Document
from nmtk.errors import DataError, OptionsError
from nmtk.files import sha256
from nmtk.lines import STANDARD

MOST_WORKERS = 16
"""Processes that are started unless more are asked for: each holds the model."""


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


def translate_stream(
    models: Sequence[Path],
    weights: Sequence[float] | None,
    wishes: Asked,
    source: Input,
    output: Path | None,
    wanted: Layout,
    report_path: Path | None,
    machine: Machine,
    buffer: int | None,
    quiet: bool,
    resume: bool = False,
    shard: str | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> None:
    """Translate `source` into `output` (None: standard output), one line, or block of n-best lines, for each line.

    A file appears whole or not at all; standard output is flushed after each buffer. From file to file a translation
    that was broken off can be resumed, or be one shard of several; see `opened_work`. A report is written however it
    ends, and says whether it finished; under torchrun the first process writes that of all, and warns for them.
    `told`: how many lines there are of the output, after each buffer. Raises ModelError, OptionsError and DataError.
    """
    refuse_shared(source.path, output, report_path)
    part, ranks = Shard.parse(shard) if shard else None, Shard.of_environment()
    if ranks and ranks.number > 1:
        report_path, quiet = None, True
    typed = source.path in (None, STANDARD) and sys.stdin.isatty()
    size = buffer or (1 if typed else BUFFER)
    bundle = _load(models, weights, machine)
    own = DecodingOptions.parse(bundle.decoding, "the model's decoding options")
    options = DecodingOptions.parse(wishes.over(own.document()), "the command line's decoding options")
    translator = Translator(bundle, options)
    workers = _workers(machine, translator.device) if size > 1 else 1
    threads = 1 if workers > 1 else machine.threads or 1  # the steps of a search are too small for threads to share
    if translator.device.type == "cpu":
        torch.set_num_threads(threads)
    best = _best(wanted, options.strategy.width)
    write = wanted.writer(bundle.vocabularies.target)
    aligner = None
    if wanted.alignments:
        if not isinstance(bundle, Bundle):
            raise OptionsError(f"--alignments: found {len(models)} models, wanted one, whose attention they are")
        longest, language, paragraphs = translator.options.longest_input, translator.language, translator.paragraphs
        aligner = Aligner(bundle, longest=longest, language=language, paragraphs=paragraphs)
    spoken = typed and output is None and report_path is None and sys.stdout is not None and sys.stdout.isatty()
    if typed and not quiet:
        _tell("type a line, then Enter; Ctrl-D ends" + "; :help tells what else" * spoken)
    if spoken and (source.format, wanted.format) == ("text", "text"):
        if machine.engine:
            raise OptionsError("--engine: the prompt has nmtk's own search only: wanted -i, a pipe, or --engine nmtk")
        converse(translator, _attention(bundle) if isinstance(bundle, Bundle) else None, source.always)
        return

    always = source.always

    def task() -> Document:
        """All that changes a byte of the output, besides text, buffer and shard."""
        decoding = {f"decoding.{key}": value for key, value in options.document().items()}
        form = {"input format": source.format, "columns": list(source.columns or ()), "output": list(wanted)}
        of_all = {"prefix": always.prefix, "required": list(always.required), "forbidden": list(always.forbidden)}
        arithmetic = {"device": translator.device.type, "precision": machine.precision, "weights": list(weights or ())}
        if machine.engine:
            arithmetic["engine"] = f"{type(machine.engine).__name__} {machine.engine.precision}"
        known = {"model": [sha256(find(path) / WEIGHTS) for path in models], "vocabulary": bundle.vocabularies.digest}
        return known | decoding | form | of_all | arithmetic

    report = Report(bundle.vocabularies.source)
    about = {"models": [*map(str, models)], "input": str(source.path or STANDARD), "decoding": options.document()}
    with (
        _crew(translator, workers, threads, models, weights, machine) as translator.crew,
        reporting(report, report_path, about) as begin,
        opened_work(source.path or STANDARD, output or STANDARD, task, size, resume, part, report.hear) as work,
    ):
        report.first = work.start
        if report.lines != work.first - work.start:
            found = f"found notes on {report.lines:,} lines of {work.first - work.start:,}"
            raise DataError(f"{output}: {found} that were kept: delete what there is of it to begin anew")
        begin()
        asked: deque[Entry] = deque()

        def requests() -> Iterator[Request]:
            for entry in source.entries(work.lines, work.first):
                asked.append(entry)
                yield entry.request

        found = enumerate(translator.candidates(requests(), size, best, work.first), work.first)
        for block in blocks(found, size):
            entries = [asked.popleft() for _ in block]
            texts, firsts = [entry.request.text for entry in entries], [translations[0] for _, translations in block]
            alignments = _align(aligner, texts, firsts)
            work.answers.note(report.add(texts, firsts).line())
            for (line, translations), entry, alignment in zip(block, entries, alignments, strict=True):
                answer = Answer(line, entry.given, translations, alignment)
                work.answers.write(write(answer).encode("utf-8") + b"\n")
            told(work.answers.count)
    as_wanted = {"split"} if options.split == "sentences" else set()
    for warning in () if quiet else report.warnings(as_wanted):
        _tell(f"warning: {warning}")


def _load(models: Sequence[Path], weights: Sequence[float] | None, machine: Machine) -> Loaded:
    keep_memory(PRIMITIVES)
    place = own_device(pick_device(machine.device))
    kind = pick_precision(machine.precision, place, exact=True)
    if len(models) == 1 and weights is None:
        return Bundle.load(models[0], place, kind)
    return load_ensemble(models, weights, place, kind)


def _attention(bundle: Bundle) -> Attend:
    """Which source piece each target piece attends to most, for the prompt."""
    aligner = Aligner(bundle)

    def attend(source: Sequence[int], target: Sequence[int]) -> list[int]:
        [weights_TS] = aligner.weights([Part(source, target)])
        return weights_TS.argmax(1).tolist() if weights_TS.numel() else []

    return attend


def _workers(machine: Machine, device: torch.device) -> int:
    """How many processes share the work: on a CPU one for each core of its own, or as many as were asked for."""
    if device.type != "cpu":
        return 1
    return machine.threads or max(1, min(cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")), MOST_WORKERS))


def _crew(
    translator: Translator,
    workers: int,
    threads: int,
    models: Sequence[Path],
    weights: Sequence[float] | None,
    machine: Machine,
) -> AbstractContextManager[Crew | None]:
    if machine.engine:
        return machine.engine.crew(translator, workers, threads)
    if workers == 1:
        return nullcontext()
    return Processes(partial(_open_worker, models, weights, machine, translator.options), workers)


def _open_worker(
    models: Sequence[Path], weights: Sequence[float] | None, machine: Machine, options: DecodingOptions
) -> Worker:
    return Translator(_load(models, weights, machine), options).decide


def _best(wanted: Layout, width: int) -> int:
    """How many translations of each line are asked for; told here if they are too many, before anything is read."""
    best = wanted.nbest or (width if wanted.format == "nbest" else 1)
    if best > width:
        raise OptionsError(f"the {best} best of a search that keeps {width}: wanted --beam-size {best} or more")
    return best


def _align(
    aligner: Aligner | None, texts: Sequence[str], found: Sequence[Translation]
) -> Sequence[list[tuple[int, int]] | None]:
    """The words that belong together in each line and its translation; None of each where nobody asked."""
    if aligner is None:
        return [None] * len(texts)
    return aligner.align([Aligned(text, one.text, one.pairs) for text, one in zip(texts, found, strict=True)])


def _tell(note: str) -> None:
    sys.stderr.write(f"nmtk: {note}\n")
