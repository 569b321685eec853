"""Streams: a model's translation of a file or of standard input, as it comes."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch

from nmtk.allocator import keep_memory
from nmtk.bundle import Bundle
from nmtk.decoding.answers import Answer, Layout
from nmtk.decoding.batching import blocks
from nmtk.decoding.ensemble import load_ensemble
from nmtk.decoding.inputs import Input
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.prompt import converse
from nmtk.decoding.report import Report, reporting
from nmtk.decoding.translator import BUFFER, Translator
from nmtk.decoding.wishes import Wishes
from nmtk.devices import pick_device, pick_precision
from nmtk.errors import DataError, OptionsError
from nmtk.files import atomic_write
from nmtk.lines import STANDARD

PRIMITIVES = 1024
"""The prepared products that oneDNN keeps: the shapes of a search come back, step by step, in every batch."""


class Machine(NamedTuple):
    """What the work is done with."""

    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None


def translate_stream(
    models: Sequence[Path],
    weights: Sequence[float] | None,
    wishes: Wishes,
    source: Input,
    output: Path | None,
    wanted: Layout,
    report_path: Path | None,
    machine: Machine,
    buffer: int | None,
    quiet: bool,
) -> None:
    """Translate `source` into `output` (None: standard output), one line, or block of n-best lines, for each line.

    A file appears whole or not at all; standard output is flushed after each buffer. A report is written however it
    ends, and says whether it finished. Raises ModelError, OptionsError
    and DataError.
    """
    bundle = _load(models, weights, machine)
    own = DecodingOptions.parse(bundle.decoding, "the model's decoding options")
    options = DecodingOptions.parse(wishes.over(own.document()), "the command line's decoding options")
    translator = Translator(bundle, options)
    best = _best(wanted, options.strategy.width)
    write = wanted.writer(bundle.vocabularies.target)
    typed = source.path in (None, STANDARD) and sys.stdin.isatty()
    spoken = typed and output is None and report_path is None and sys.stdout is not None and sys.stdout.isatty()
    if typed and not quiet:
        _tell("type a line, then Enter; Ctrl-D ends" + "; :help tells what else" * spoken)
    if spoken and (source.format, wanted.format) == ("text", "text"):
        converse(translator)
        return
    report = Report(bundle.vocabularies.source)
    about = {"models": [*map(str, models)], "input": str(source.path or STANDARD), "decoding": options.document()}
    with reporting(report, report_path, about), _opened(output) as file:
        for block in blocks(source.entries(), buffer or (1 if typed else BUFFER)):
            requests, first = [entry.request for entry in block], report.lines
            found = list(translator.candidates(requests, len(block), best, first))
            for line, (entry, translations) in enumerate(zip(block, found, strict=True), first):
                file.write(write(Answer(line, entry.given, translations)).encode("utf-8") + b"\n")
            file.flush()
            report.add([request.text for request in requests], [translations[0] for translations in found])
    as_wanted = {"split"} if options.split == "sentences" else set()
    for warning in () if quiet else report.warnings(as_wanted):
        _tell(f"warning: {warning}")


def _load(models: Sequence[Path], weights: Sequence[float] | None, machine: Machine) -> Loaded:
    if machine.threads:
        torch.set_num_threads(machine.threads)
    keep_memory(PRIMITIVES)
    place = pick_device(machine.device)
    kind = pick_precision(machine.precision, place, exact=True)
    if len(models) == 1 and weights is None:
        return Bundle.load(models[0], place, kind)
    return load_ensemble(models, weights, place, kind)


def _best(wanted: Layout, width: int) -> int:
    """How many translations of each line are asked for; told here if they are too many, before anything is read."""
    best = wanted.nbest or (width if wanted.format == "nbest" else 1)
    if best > width:
        raise OptionsError(f"the {best} best of a search that keeps {width}: wanted --beam-size {best} or more")
    return best


def _tell(note: str) -> None:
    sys.stderr.write(f"nmtk: {note}\n")


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that is compressed as its ending says."""
    if output in (None, STANDARD):
        if sys.stdout is None:
            raise DataError("standard output is closed: wanted a file, -o")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with atomic_write(output) as file, _compressed(file, output.suffix) as packed:
        yield packed


def _compressed(file: IO[bytes], suffix: str) -> Any:
    """A file to write to, compressed into `file` by the endings that lines are read from."""
    match suffix:
        case ".gz":
            return gzip.GzipFile("", "wb", fileobj=file, mtime=0)  # no time: the same text gives the same file
        case ".xz":
            return lzma.open(file, "wb")
        case ".bz2":
            return bz2.open(file, "wb")
        case ".zst":
            import zstandard

            return zstandard.ZstdCompressor().stream_writer(file, closefd=False)
        case _:
            return nullcontext(file)
