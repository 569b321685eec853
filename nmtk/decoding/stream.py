"""Streams: a model's translation of a file or of standard input, as it comes."""

import sys
from pathlib import Path
from typing import NamedTuple

import torch

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.output import opened
from nmtk.decoding.translator import BUFFER, Translator
from nmtk.devices import pick_device, pick_precision
from nmtk.documents import Document
from nmtk.lines import STANDARD, read_lines


class Wishes(NamedTuple):
    """What was asked for other than the model's own way of decoding; None leaves that as it is."""

    decode: str | None = None
    beam_size: int | None = None
    length_penalty: str | None = None
    alpha: float | None = None
    batch_tokens: int | None = None

    def over(self, own: Document) -> DecodingOptions:
        """The model's options with the wishes laid over them. Asking for a width or a penalty asks for a beam."""
        document = DecodingOptions.parse(own, "the model's decoding options").document()
        strategy: Document = document["strategy"]
        if self.decode or self.beam_size or self.length_penalty or self.alpha is not None:
            kind = self.decode or "beam"
            strategy = strategy if strategy["kind"] == kind else {"kind": kind}
        if self.beam_size:
            strategy |= {"width": self.beam_size}
        penalty: Document = strategy.get("penalty") or {"kind": "gnmt"}
        if self.length_penalty and penalty["kind"] != self.length_penalty:
            penalty = {"kind": self.length_penalty}
        if self.alpha is not None:
            penalty |= {"alpha": self.alpha}
        if strategy["kind"] == "beam":
            strategy |= {"penalty": penalty}
        batch_tokens = self.batch_tokens or document["batch_tokens"]
        return DecodingOptions.parse(
            document | {"strategy": strategy, "batch_tokens": batch_tokens}, "the command line's decoding options"
        )


def translate_stream(
    model: Path,
    source: Path | None,
    output: Path | None,
    wishes: Wishes,
    buffer: int | None,
    device: str,
    precision: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """Translate `source` (None: standard input) into `output` (None: standard output), one line for each line.

    A file appears whole or not at all; standard output is flushed after each buffer. Raises ModelError and DataError.
    """
    if threads:
        torch.set_num_threads(threads)
    place = pick_device(device)
    bundle = Bundle.load(model, place, pick_precision(precision, place))
    translator = Translator(bundle, wishes.over(bundle.decoding))
    typed = source in (None, STANDARD) and sys.stdin.isatty()
    if typed and not quiet:
        _tell("type a line, then Enter; Ctrl-D ends")
    size = buffer or (1 if typed else BUFFER)
    split = cut = 0
    with opened(output, size) as records:
        for best, *_ in translator.candidates(read_lines(source or STANDARD), size):
            records.write(best.text.encode("utf-8") + b"\n")
            split += best.parts > 1
            cut += best.cut
    if split and not quiet:
        _tell(f"warning: {split:,} of {records.count:,} lines were too long and translated in parts")
    if cut and not quiet:
        _tell(f"warning: {cut:,} of {records.count:,} translations reached the longest length allowed")


def _tell(note: str) -> None:
    sys.stderr.write(f"nmtk: {note}\n")
