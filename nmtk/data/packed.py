"""Packed: one side of a corpus as three flat files, written as a stream and read in runs of neighbouring rows.

    NAME.ids      the piece ids of all sentences, one after the other, uint16 or uint32
    NAME.starts   where each sentence begins in NAME.ids, int64
    NAME.lengths  how many ids it has, int32

All little-endian. Sentences have no special ids: what trains on them adds `<s>` and `</s>`.
"""

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Self, TypeAlias, TypeVar

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
    longest: int
    """Pieces of the longest sentence."""
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
        self.count = self._pieces = self._longest = self._words = self._unknown = 0

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
        self._longest = max(self._longest, int(sentences.lengths.max(initial=0)))
        self._words += words
        self._unknown += unknown

    def header(self) -> SideHeader:
        """What was written; the digest does not depend on how it was cut into calls."""
        digest = hashlib.sha256(b"".join(hashed.digest() for hashed in self._hashes)).hexdigest()
        return SideHeader(
            width=self._width,
            pieces=self._pieces,
            longest=self._longest,
            words=self._words,
            unknown=self._unknown,
            digest=digest,
        )


class Side:
    """One side of a packed corpus: nothing is read until it is asked for.

    They are read, not mapped: through a map, a page that was touched once counts as resident until it is unmapped,
    and the kernel maps its neighbours with it. A few thousand rows at random made the whole of a 6 GB file resident.
    """

    def __init__(self, folder: Path, name: str, header: SideHeader, pairs: int, vocabulary: int) -> None:
        """vocabulary: how many pieces it has. Raises DataError for a file that is missing or of another size."""
        self._folder, self._pairs, self._vocabulary = folder, pairs, vocabulary
        self._ids = _Numbers(folder / f"{name}.ids", id_type(header.width), header.pieces)
        self._starts = _Numbers(folder / f"{name}.starts", START, pairs)
        self._lengths = _Numbers(folder / f"{name}.lengths", LENGTH, pairs)

    def gather(self, rows: Rows) -> Sentences:
        """The sentences of these rows, in their order; rows that follow each other are read in one.

        Raises IndexError for a row that is not there, DataError for pieces that cannot be.
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < self._pairs:
            raise IndexError(f"found rows from {rows.min()} to {rows.max()}, wanted them below {self._pairs}")
        runs = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        firsts, counts = rows[runs], np.diff(runs, append=len(rows))
        lengths = self._lengths.read(firsts, counts)
        pieces = np.add.reduceat(lengths, runs, dtype=np.int64) if len(runs) else counts
        ids = self._ids.read(self._starts.read(firsts, np.ones_like(counts)), pieces)
        if ids.max(initial=0) >= self._vocabulary:
            raise _damaged(self._folder)
        return Sentences(ids, lengths)


class Shelf:
    """Sentences in memory, from which any can be gathered at once."""

    def __init__(self, sentences: Sentences) -> None:
        self._ids, self.lengths = sentences
        self._starts = np.cumsum(self.lengths, dtype=np.int64) - self.lengths

    def gather(self, rows: Rows) -> Sentences:
        """The sentences of these rows, in their order: two passes over the ids, none of them in Python."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths, dtype=np.int64)
        shift = self._starts[rows] - (ends - lengths)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(shift, lengths)
        return Sentences(self._ids[at], lengths)


def _damaged(folder: Path) -> DataError:
    return DataError(f"{folder}: damaged: delete it to pack the corpus again")


class _Numbers(Generic[T]):
    """A file of numbers, of which stretches are read."""

    def __init__(self, path: Path, dtype: np.dtype[T], count: int) -> None:
        self._path, self._dtype, self._count = path, dtype, count
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            raise DataError(f"{path}: no such file: delete its folder to pack the corpus again") from None
        wanted = count * dtype.itemsize
        if found != wanted:
            raise DataError(f"{path}: found {found} bytes, wanted {wanted}: delete its folder to pack the corpus again")

    def read(self, firsts: npt.NDArray[np.integer[Any]], counts: npt.NDArray[np.integer[Any]]) -> npt.NDArray[T]:
        """The numbers of stretches that begin at these places and have so many, end to end.

        Raises DataError for stretches that are not there.
        """
        if len(firsts) and (min(firsts.min(), counts.min()) < 0 or (firsts + counts).max() > self._count):
            raise _damaged(self._path.parent)
        size = self._dtype.itemsize
        numbers = np.empty(int(counts.sum()), self._dtype)
        left = memoryview(numbers.view(np.uint8))  # type: ignore[arg-type]  # true from Python 3.12 on
        with self._path.open("rb", buffering=0) as file:
            for first, count in zip((firsts * size).tolist(), (counts * size).tolist(), strict=True):
                file.seek(first)
                while count:
                    got = file.readinto(left[:count])
                    if not got:
                        raise DataError(f"{self._path}: cut short while it is in use")
                    left, count = left[got:], count - got
        return numbers
