"""Packed: one side of a corpus as three flat files, written as a stream and read through memory maps.

    NAME.ids      the piece ids of all sentences, one after the other, uint16 or uint32
    NAME.starts   where each sentence begins in NAME.ids, int64
    NAME.lengths  how many ids it has, int32

All little-endian. Sentences have no special ids: what trains on them adds `<s>` and `</s>`.
"""

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from nmtk.errors import DataError
from nmtk.options import Options

Ids: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
Lengths: TypeAlias = npt.NDArray[np.int32]
Rows: TypeAlias = npt.NDArray[np.integer[Any]]
Width: TypeAlias = Literal["uint16", "uint32"]
T = TypeVar("T", bound=np.generic)

START, LENGTH = np.dtype("<i8"), np.dtype("<i4")


class Sentences(NamedTuple):
    """Some sentences, end to end. `padded[np.arange(longest) < lengths[:, None]] = ids` puts them in a padded batch."""

    ids: Ids
    lengths: Lengths

    def keep(self, keep: npt.NDArray[np.bool_]) -> "Sentences":
        """The sentences whose mark is True."""
        return Sentences(self.ids[np.repeat(keep, self.lengths)], self.lengths[keep])

    def split(self) -> list[Ids]:
        """One array of ids for each sentence."""
        return np.split(self.ids, np.cumsum(self.lengths[:-1]))


class SideHeader(Options):
    """What one side's files hold."""

    width: Width
    pieces: int
    words: int
    """Words between spaces of the text that was packed."""
    unknown: int
    """Pieces that are the vocabulary's unknown one."""
    digest: str
    """SHA-256 of two SHA-256: that of NAME.ids and that of NAME.lengths."""


def id_type(width: Width) -> np.dtype[np.unsignedinteger[Any]]:
    """The type of ids as they lie on disk."""
    return np.dtype("<u2" if width == "uint16" else "<u4")


def id_width(vocabulary: int) -> Width:
    """The narrowest width that holds every id of a vocabulary of this size."""
    return "uint16" if vocabulary <= 1 << 16 else "uint32"


class SideWriter:
    """Writes one side, some sentences at a time; memory does not grow with what was written."""

    def __init__(self, folder: Path, name: str, vocabulary: int) -> None:
        """vocabulary: its size, which decides the width of the ids."""
        with ExitStack() as opened:
            self._ids, self._starts, self._lengths = (
                opened.enter_context((folder / f"{name}.{part}").open("wb")) for part in ("ids", "starts", "lengths")
            )
            self._opened = opened.pop_all()
        self._hashes = hashlib.sha256(), hashlib.sha256()
        self._width = id_width(vocabulary)
        self.count = self._pieces = self._words = self._unknown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def write(self, sentences: Sentences, words: int, unknown: int) -> None:
        """Append sentences, which have so many words and unknown pieces in all."""
        ends = self._pieces + np.cumsum(sentences.lengths, dtype=START)
        self._starts.write((ends - sentences.lengths).astype(START).tobytes())
        parts = (sentences.ids.astype(id_type(self._width)), sentences.lengths.astype(LENGTH))
        for file, hashed, part in zip((self._ids, self._lengths), self._hashes, parts, strict=True):
            data = part.tobytes()
            file.write(data)
            hashed.update(data)
        self.count += len(sentences.lengths)
        self._pieces += len(sentences.ids)
        self._words += words
        self._unknown += unknown

    def header(self) -> SideHeader:
        """What was written; the digest does not depend on how it was cut into calls."""
        digest = hashlib.sha256(b"".join(hashed.digest() for hashed in self._hashes)).hexdigest()
        return SideHeader(
            width=self._width, pieces=self._pieces, words=self._words, unknown=self._unknown, digest=digest
        )


class Side:
    """One side of a packed corpus, mapped into memory: nothing is read until it is asked for."""

    def __init__(self, folder: Path, name: str, header: SideHeader, pairs: int) -> None:
        """Raises DataError when a file is missing or has another size than the header says."""
        self._ids = _map(folder / f"{name}.ids", id_type(header.width), header.pieces)
        self._starts = _map(folder / f"{name}.starts", START, pairs)
        self.lengths: Lengths = _map(folder / f"{name}.lengths", LENGTH, pairs)

    def gather(self, rows: Rows) -> Sentences:
        """The sentences of these rows, in their order: two passes over the ids, none of them in Python."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths, dtype=np.int64)
        shift = self._starts[rows] - (ends - lengths)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(shift, lengths)
        return Sentences(self._ids[at], lengths)


def _map(path: Path, dtype: np.dtype[T], count: int) -> npt.NDArray[T]:
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: delete its folder to pack the corpus again") from None
    wanted = count * dtype.itemsize
    if found != wanted:
        raise DataError(f"{path}: found {found} bytes, wanted {wanted}: delete its folder to pack the corpus again")
    # A plain view: indexing np.memmap itself costs several times as much per call.
    return np.memmap(path, dtype=dtype, mode="r", shape=(count,)).view(np.ndarray)
