"""Streams: a model's translation of a file or of standard input, as it comes."""

import sys
from pathlib import Path
from typing import NamedTuple

import torch

from nmtk.bundle import WEIGHTS, Bundle, find
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.shards import Shard, opened_work, own_device
from nmtk.decoding.translator import BUFFER, Translator
from nmtk.devices import pick_device, pick_precision
from nmtk.documents import Document
from nmtk.files import sha256
from nmtk.lines import STANDARD


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
    resume: bool = False,
    shard: str | None = None,
) -> None:
    """Translate `source` (None: standard input) into `output` (None: standard output), one line for each line.

    A file appears whole or not at all; standard output is flushed after each buffer. From file to file a translation
    that was broken off can be resumed, or be one shard of several; see `opened_work`. Raises ModelError and DataError.
    """
    part = Shard.parse(shard) if shard else None
    if threads:
        torch.set_num_threads(threads)
    place = own_device(pick_device(device))
    bundle = Bundle.load(model, place, pick_precision(precision, place))
    translator = Translator(bundle, wishes.over(bundle.decoding))
    typed = source in (None, STANDARD) and sys.stdin.isatty()
    if typed and not quiet:
        _tell("type a line, then Enter; Ctrl-D ends")
    size = buffer or (1 if typed else BUFFER)

    def task() -> Document:
        decoding = {f"decoding.{key}": value for key, value in translator.options.document().items()}
        arithmetic = {"device": place.type, "precision": str(next(bundle.model.parameters()).dtype)}
        return (
            {"model": sha256(find(model) / WEIGHTS), "vocabulary": bundle.vocabularies.digest} | decoding | arithmetic
        )

    split = cut = number = 0
    with opened_work(source or STANDARD, output or STANDARD, task, size, resume, part) as work:
        for best, *_ in translator.candidates(work.lines, size, first=work.first):
            work.answers.write(best.text.encode("utf-8") + b"\n")
            number += 1
            split += best.parts > 1
            cut += best.cut
    if split and not quiet:
        _tell(f"warning: {split:,} of {number:,} lines were too long and translated in parts")
    if cut and not quiet:
        _tell(f"warning: {cut:,} of {number:,} translations reached the longest length allowed")


def _tell(note: str) -> None:
    sys.stderr.write(f"nmtk: {note}\n")
