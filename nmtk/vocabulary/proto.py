"""What SentencePiece's own Python class does not tell without the protobuf library, read from the wire format.

Of a model only what sampling needs: its kind, byte fallback, and each piece with its score and role; of a text cut into
pieces, where they stand. Field numbers are those of `sentencepiece_model.proto` and `sentencepiece.proto`; unknown
fields are passed over, as protobuf asks.
"""

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["unigram", "bpe", "word", "char"]
_KINDS: dict[int, Kind] = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""The roles that a piece can have."""


class Piece(NamedTuple):
    """One entry of the vocabulary; its place in the list is its id."""

    text: str
    score: float
    role: int


class Proto(NamedTuple):
    """A SentencePiece model, as far as sampling needs it."""

    kind: Kind
    byte_fallback: bool
    pieces: list[Piece]


def read_proto(model: bytes) -> Proto:
    """Read a serialised model that SentencePiece itself has accepted."""
    kind: Kind = "unigram"
    byte_fallback = False
    pieces: list[Piece] = []
    for number, value in _fields(model):
        if number == 1 and isinstance(value, bytes):
            pieces.append(_read_piece(value))
        elif number == 2 and isinstance(value, bytes):
            trainer = dict(_fields(value))
            kind = _KINDS[_whole(trainer.get(3), 1)]
            byte_fallback = bool(_whole(trainer.get(35), 0))
    return Proto(kind, byte_fallback, pieces)


def _read_piece(message: bytes) -> Piece:
    text, score, role = "", 0.0, NORMAL
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif number == 2 and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
        elif number == 3:
            role = _whole(value, NORMAL)
    return Piece(text, score, role)


Span: TypeAlias = tuple[int, int]
"""First byte in a text, as UTF-8, and the one after the last; they are the same for what is no text of its own."""


def read_spans(text: bytes) -> list[Span]:
    """Where each piece of a serialised `SentencePieceText` stands in its text."""
    pieces = (dict(_fields(value)) for number, value in _fields(text) if number == 2 and isinstance(value, bytes))
    return [(_whole(piece.get(4), 0), _whole(piece.get(5), 0)) for piece in pieces]


def _whole(value: int | bytes | None, default: int) -> int:
    return value if isinstance(value, int) else default


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: number, and a whole number or the raw bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
                yield tag >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, at = _varint(message, at)
            case 5:
                size = 4
            case other:
                raise ValueError(f"wire type {other} at byte {at}")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
