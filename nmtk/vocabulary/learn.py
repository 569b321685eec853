"""Learn a vocabulary from text (Kudo & Richardson 2018): a SentencePiece model, the same bytes for the same input."""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator
from sentencepiece import SentencePieceNormalizer, SentencePieceTrainer

from nmtk.errors import DataError
from nmtk.options import COUNT, Options
from nmtk.vocabulary.reservoir import Reservoir
from nmtk.vocabulary.sampling import SPACE

SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
"""The first pieces of a learned vocabulary; the place of each is its id."""

_THREADS = 16  # Pinned: with another number, sums of floats come out in another order, and the model differs.
_LONGEST = 1000  # characters of a line that is handed over in one: at most 4000 bytes, below SentencePiece's own limit
_RESERVED = "\u2585"  # SentencePiece drops every line that holds its mark for unknown characters
BYTES = 256
"""Pieces that stand for single bytes, where `byte_fallback` wants them."""


class VocabularyOptions(Options):
    """How a vocabulary is learned, or which existing one is used. Recipe key `vocabulary`."""

    kind: Literal["unigram", "bpe", "char"] = "unigram"
    size: Annotated[PositiveInt, COUNT] = 8000
    joint: bool = True
    coverage: Annotated[float, Field(gt=0, le=1)] = 0.99999
    byte_fallback: bool = True
    symbols: tuple[str, ...] = ()
    normalisation: Literal["nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"] = "nmt_nfkc"
    sample: Annotated[PositiveInt, COUNT] = 10_000_000
    seed: NonNegativeInt = 1
    file: Path | None = None
    source_file: Path | None = None
    target_file: Path | None = None

    @field_validator("symbols")
    @classmethod
    def _usable(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        for i, symbol in enumerate(symbols):
            if not symbol or SPACE in symbol or any(c.isspace() for c in symbol):
                raise ValueError(f"found {symbol!r}, wanted a symbol without spaces")
            if symbol in SPECIAL or re.fullmatch("<0x[0-9A-F]{2}>", symbol):
                raise ValueError(f"{symbol} is in every vocabulary already")
            if symbol in symbols[:i]:
                raise ValueError(f"{symbol} stands twice")
        return symbols

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source_file is None) != (self.target_file is None):
            raise ValueError("source_file and target_file go together: one of them is missing")
        if self.file and self.source_file:
            raise ValueError(
                "file is a joint vocabulary, source_file and target_file are a pair: give one or the other"
            )
        if self.file and not self.joint:
            raise ValueError("file is a joint vocabulary: wanted joint: true, or source_file and target_file")
        return self


def learn(texts: Iterable[str], options: VocabularyOptions) -> bytes:
    """Learn one model from all the texts together: pad 0, unk 1, bos 2, eos 3.

    Learns from a uniform sample of `options.sample` lines, in memory. A long line is cut at a space, so none is
    left out. Raises DataError when there is no text, or `options.size` does not suit it.
    """
    lines: Reservoir[bytes] = Reservoir(options.sample, options.seed)
    for text in texts:
        if text and not text.isspace():
            lines.add(text.encode("utf-8"))
    if not lines.seen:
        raise DataError("no text to learn a vocabulary from: every line is empty")
    normalise = SentencePieceNormalizer(rule_name=options.normalisation).normalize
    if not any(normalise(line.decode("utf-8")).strip(" " + SPACE) for line in lines.items):
        raise DataError("no text to learn a vocabulary from: nothing is left of it after normalisation")
    fixed = len(SPECIAL) + len(options.symbols) + BYTES * options.byte_fallback
    if options.size <= fixed:
        raise DataError(_too_small(options, fixed + 1))
    model = io.BytesIO()
    try:
        SentencePieceTrainer.Train(
            sentence_iterator=_parts(lines.items),
            model_writer=model,
            model_type=options.kind,
            vocab_size=options.size,
            character_coverage=options.coverage,
            byte_fallback=options.byte_fallback,
            user_defined_symbols=list(options.symbols),
            normalization_rule_name=options.normalisation,
            num_threads=_THREADS,
            shuffle_input_sentence=False,
            minloglevel=2,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            pad_piece="<pad>",
            unk_piece="<unk>",
            bos_piece="<s>",
            eos_piece="</s>",
        )
    except RuntimeError as error:
        raise DataError(_explain(str(error), options)) from None
    return model.getvalue()


def _parts(lines: list[bytes]) -> Iterator[str]:
    """The lines, emptying the list, in parts that SentencePiece does not pass over.

    Pieces end at spaces and are short, so a cut at a space changes nothing, and one elsewhere next to nothing.
    """
    while lines:
        line = lines.pop().decode("utf-8").replace(_RESERVED, " ")
        start = 0
        while len(line) - start > _LONGEST:
            space = line.rfind(" ", start + 1, start + _LONGEST)
            end = space if space > 0 else start + _LONGEST
            yield line[start:end]
            start = end
        yield line[start:]


def _explain(message: str, options: VocabularyOptions) -> str:
    """SentencePiece's exception as one line for the user."""
    if match := re.search(r"set it to a value <= (\d+)", message):
        return f"vocabulary size {options.size} is too large for this text: at most {match[1]} {options.kind} pieces"
    if match := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return _too_small(options, int(match[1]))
    return f"SentencePiece cannot learn a vocabulary: {' '.join(message.split())}"


def _too_small(options: VocabularyOptions, least: int) -> str:
    fixed = f"{len(SPECIAL) + len(options.symbols)} special pieces"
    if options.byte_fallback:
        fixed = f"{BYTES} byte pieces (byte_fallback), {fixed}"
    return (
        f"vocabulary size {options.size} is too small: at least {least}, for {fixed} and the text's characters; "
        "raise the size or lower the coverage"
    )
