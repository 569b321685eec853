"""The vocabulary: text to piece ids and back, by a SentencePiece model (Kudo & Richardson 2018)."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sentencepiece import SentencePieceProcessor

from nmtk.errors import DataError
from nmtk.files import atomic_write
from nmtk.vocabulary.proto import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    Kind,
    Proto,
    Span,
    read_proto,
    read_spans,
)
from nmtk.vocabulary.sampling import SPACE, BpeSampler, Sampler, UnigramSampler

FILES = frozenset({"vocabulary.model", "source.model", "target.model"})
"""The files that vocabularies are kept in: the first when they are one and the same, else the others."""

_UNKNOWN_TEXT = " \u2047 ".encode()
_MANY = 1024  # texts, from which on several threads are faster than one


class Vocabulary:
    """One SentencePiece model: any that has an end-of-sentence piece. Immutable; pickles as its bytes.

    A model without a padding piece pads with </s>, and one without <s> starts with </s>: masks come from
    lengths, so the ids may coincide.
    """

    def __init__(self, model: bytes, origin: str = "vocabulary") -> None:
        """Raises DataError, beginning with `origin`, for bytes that are no SentencePiece model or one without </s>."""
        self._processor = SentencePieceProcessor()
        try:
            if not model or not self._processor.LoadFromSerializedProto(model):
                raise RuntimeError("empty")
        except RuntimeError:
            raise DataError(f"{origin}: no SentencePiece model, or one that is cut short") from None
        if self._processor.eos_id() < 0:
            raise DataError(f"{origin}: this SentencePiece model has no </s>: learn it with an eos_id")
        self.model = model
        self.origin = origin
        self.digest = hashlib.sha256(model).hexdigest()
        self.eos: int = self._processor.eos_id()
        self.unk: int = self._processor.unk_id()
        self.pad: int = self._processor.pad_id() if self._processor.pad_id() >= 0 else self.eos
        self.bos: int = self._processor.bos_id() if self._processor.bos_id() >= 0 else self.eos
        self._special = {self.pad, self.bos, self.eos}

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read a model file. Raises DataError when it is missing or no SentencePiece model."""
        try:
            model = path.read_bytes()
        except FileNotFoundError:
            raise DataError(f"{path}: no such file") from None
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from None
        return cls(model, str(path))

    def save(self, path: Path) -> None:
        """Write the model file atomically."""
        with atomic_write(path) as file:
            file.write(self.model)

    def __len__(self) -> int:
        return len(self._processor)

    def __reduce__(self) -> tuple[type["Vocabulary"], tuple[bytes, str]]:
        return Vocabulary, (self.model, self.origin)

    @property
    def kind(self) -> Kind:
        """How the model cuts words: unigram, bpe, word or char."""
        return self._proto.kind

    def encode(self, texts: Sequence[str], threads: int | None = None) -> list[list[int]]:
        """The best segmentation of each text, without special ids. Raises DataError for text that is not Unicode.

        threads: how many to use; by default as many as there are cores, where the texts are many enough to gain by it.
        """
        texts = list(texts)
        threads = threads or (-1 if len(texts) >= _MANY else 1)
        try:
            ids: list[list[int]] = self._processor.encode(texts, num_threads=threads)
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise _surrogate(texts) or error from None
        return ids

    def sample(self, texts: Sequence[str], alpha: float, rng: np.random.Generator) -> list[list[int]]:
        """One sampled segmentation of each text; the same state of `rng` gives the same ones.

        Unigram models: subword regularisation (Kudo 2018), where a smaller `alpha` is more diverse; 0.1 to 0.5 is
        usual. BPE models: BPE-dropout (Provilkov et al. 2020) with probability `alpha`, where a larger one is more
        diverse; 0.1 is usual. Others have one segmentation only.
        """
        if self._sampler is None:
            return self.encode(texts)
        return [self._sampler.sample(text, alpha, rng) for text in self.normalise(texts)]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence; padding, <s> and </s> are left out, and bytes that are part of no character.

        A model may draw such bytes, and SentencePiece would put U+FFFD for each of them.
        """
        plain = [[int(i) for i in row if i not in self._special] for row in ids]
        texts: list[str] = self._processor.decode(plain) if plain else []
        for place, text in enumerate(texts):
            if "\ufffd" in text:
                texts[place] = self._processor.decode([*compress(plain[place], self._whole(plain[place]))])
        return texts

    def spans(self, text: str) -> list[Span]:
        """Where each piece of `encode` comes from in the text as it was before it was normalised.

        A piece that begins a word holds the space before it, too. Of a character that is spelled in bytes, or that
        normalisation makes several of, one piece holds all and the others are empty, at its first byte or its end.
        """
        return read_spans(self._processor.encode(text, out_type="serialized_proto"))

    def decoded_spans(self, ids: Sequence[int]) -> list[Span]:
        """Where each piece stands in the text that `decode` makes of them, with the same said of spaces and bytes."""
        ids = [int(i) for i in ids]
        whole = self._whole(ids)
        spans = iter(read_spans(self._processor.decode([*compress(ids, whole)], out_type="serialized_proto")))
        found: list[Span] = []
        for told in whole:
            end = found[-1][1] if found else 0
            found.append(next(spans) if told else (end, end))
        return found

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces that the ids stand for; a space is U+2581."""
        return [self._processor.id_to_piece(int(i)) for i in ids]

    def knows(self, ids: Iterable[int]) -> bool:
        """Whether each id is a piece of its own: none is <unk>, none a byte of a character that has no piece."""
        return self._outside.isdisjoint(ids)

    def unknown_symbols(self, text: str) -> list[str]:
        """What in a text has no piece, each time it comes: characters, or words where those are the pieces."""
        pieces = zip(*self.encode([text]), self._processor.encode(text, out_type=str), strict=True)
        strange = [(i, piece.replace(SPACE, "")) for i, piece in pieces if i in self._outside]
        if self.kind == "word":
            return [piece for _, piece in strange]
        spelled = (piece.encode() if i == self.unk else bytes.fromhex(piece[3:5]) for i, piece in strange)
        return [*b"".join(spelled).decode("utf-8")]

    def normalise(self, texts: Sequence[str]) -> list[str]:
        """The texts as the model sees them, each space a U+2581."""
        texts = list(texts)
        try:
            normalised: list[str] = self._processor.normalize(texts)
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise _surrogate(texts) or error from None
        return normalised

    @cached_property
    def widths(self) -> npt.NDArray[np.int32]:
        """Characters that each id stands for, int32 [V]; 0 for <unk>, bytes and control pieces. Spaces do not count."""
        widths = [len(p.text.replace(SPACE, "")) * (p.role in (NORMAL, USER_DEFINED)) for p in self._proto.pieces]
        return np.array(widths, np.int32)

    @cached_property
    def spelled(self) -> list[bytes]:
        """What each id adds to a text, in UTF-8, where a sequence is decoded; but for the space before the first."""
        special = {CONTROL: b"", UNKNOWN: _UNKNOWN_TEXT}
        return [
            bytes([self._byte[i]])
            if i in self._byte
            else special.get(piece.role, piece.text.replace(SPACE, " ").encode())
            for i, piece in enumerate(self._proto.pieces)
        ]

    def _whole(self, ids: Sequence[int]) -> list[bool]:
        """For each id whether it is told in the text: not if it is a byte that is part of no character."""
        text = bytes(self._byte.get(i, 0) for i in ids).decode("utf-8", "surrogateescape")
        return [not "\udc80" <= one <= "\udcff" for one in text for _ in one.encode("utf-8", "surrogateescape")]

    @cached_property
    def _byte(self) -> dict[int, int]:
        return {i: int(piece.text[1:-1], 16) for i, piece in enumerate(self._proto.pieces) if piece.role == BYTE}

    @cached_property
    def _proto(self) -> Proto:
        return read_proto(self.model)

    @cached_property
    def _outside(self) -> frozenset[int]:
        return frozenset(i for i, piece in enumerate(self._proto.pieces) if i == self.unk or piece.role == BYTE)

    @cached_property
    def _sampler(self) -> Sampler | None:
        samplers: dict[str, type[Sampler]] = {"unigram": UnigramSampler, "bpe": BpeSampler}
        return samplers[self.kind](self._proto) if self.kind in samplers else None


def _surrogate(texts: Iterable[str]) -> DataError | None:
    """The error for text that holds half of a surrogate pair, if any does: SentencePiece names it badly."""
    odd = next((c for text in texts for c in text if "\ud800" <= c <= "\udfff"), None)
    return DataError(f"text holds U+{ord(odd):04X}, half of a surrogate pair: wanted Unicode text") if odd else None


class Vocabularies(NamedTuple):
    """The vocabularies of the two sides; one and the same when joint."""

    source: Vocabulary
    target: Vocabulary

    @property
    def joint(self) -> bool:
        """Whether both sides share their ids."""
        return self.source.digest == self.target.digest

    @property
    def digest(self) -> str:
        """What a packed corpus or a checkpoint was made with."""
        if self.joint:
            return self.source.digest
        return hashlib.sha256(f"{self.source.digest} {self.target.digest}".encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write vocabulary.model when joint, else source.model and target.model."""
        files = (
            {"vocabulary.model": self.source}
            if self.joint
            else {"source.model": self.source, "target.model": self.target}
        )
        for name, vocabulary in files.items():
            vocabulary.save(folder / name)
        for name in FILES - files.keys():
            (folder / name).unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path) -> "Vocabularies":
        """Read what `save` wrote. Raises DataError when a file is missing or no SentencePiece model."""
        joint, source, target = (folder / f"{name}.model" for name in ("vocabulary", "source", "target"))
        if joint.exists():
            vocabulary = Vocabulary.load(joint)
            return cls(vocabulary, vocabulary)
        if not source.exists() and not target.exists():
            raise DataError(f"{folder}: found no vocabulary, wanted vocabulary.model, or source.model and target.model")
        return cls(Vocabulary.load(source), Vocabulary.load(target))
