"""Corpus: a packed parallel corpus, a folder that opens at once whatever its size.

`corpus.yaml` says what it is; `packed.py` says what lies beside it; `packing.py` writes it. Nothing grows with the
number of pairs but the files: opening reads the header alone.
"""

import hashlib
from pathlib import Path
from typing import Any, Self

from nmtk.data.filters import FilterOptions, Reason
from nmtk.data.packed import Rows, Sentences, Side, SideHeader
from nmtk.documents import read_yaml
from nmtk.errors import DataError, OptionsError
from nmtk.options import Options
from nmtk.vocabulary.vocabulary import Vocabularies

FORMAT = 1
HEADER = "corpus.yaml"


class Header(Options):
    """What `corpus.yaml` says."""

    format: int = FORMAT
    pairs: int
    dropped: dict[Reason, int]
    """Pairs that were read and filtered out: with `pairs` they make all that were read."""
    filters: FilterOptions
    vocabulary: str
    """Digest of the two vocabularies."""
    digest: str
    source: SideHeader
    target: SideHeader


def corpus_digest(vocabulary: str, source: str, target: str) -> str:
    """The digest of a corpus from those of its parts."""
    return hashlib.sha256(f"{vocabulary}\n{source}\n{target}\n".encode()).hexdigest()


class Corpus:
    """Pairs of sentences as piece ids, without special ids, by row number from 0.

    Pickled (to another process), it is the folder's name and the header, not the data.
    """

    def __init__(self, folder: Path, header: Header, sizes: tuple[int, int]) -> None:
        """sizes: of the two vocabularies. Raises DataError for a file that is missing or of another size."""
        self.folder, self.header, self._sizes = folder, header, sizes
        self._source = Side(folder, "source", header.source, header.pairs, sizes[0])
        self._target = Side(folder, "target", header.target, header.pairs, sizes[1])

    @classmethod
    def open(cls, folder: Path, vocabularies: Vocabularies) -> Self:
        """Open a packed corpus. Raises DataError when it is missing, of another format or vocabulary, or cut short."""
        header = read_header(folder)
        if header.vocabulary != vocabularies.digest:
            found, wanted = header.vocabulary[:12], vocabularies.digest[:12]
            raise DataError(f"{folder}: packed with vocabulary {found}, wanted {wanted}: delete it to pack it again")
        return cls(folder, header, (len(vocabularies.source), len(vocabularies.target)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.header, self._sizes)

    def __len__(self) -> int:
        return self.header.pairs

    @property
    def digest(self) -> str:
        """SHA-256 of vocabularies and data: equal when the same pairs were kept, wherever they were packed."""
        return self.header.digest

    def source(self, rows: Rows) -> Sentences:
        """The source sentences of these rows, in their order, end to end."""
        return self._source.gather(rows)

    def target(self, rows: Rows) -> Sentences:
        """The target sentences of these rows, in their order, end to end."""
        return self._target.gather(rows)


def read_header(folder: Path) -> Header:
    """The header of a packed corpus. Raises DataError when there is none, or one of another format."""
    path = folder / HEADER
    if not path.is_file():
        raise DataError(f"{folder}: no packed corpus here: {HEADER} is missing")
    try:
        document = read_yaml(path)
        found = document.get("format")
        if isinstance(found, int) and found > FORMAT:
            raise DataError(f"{path}: found format {found}, which a newer nmtk wrote; this one reads {FORMAT}")
        header = Header.parse(document, str(path))
    except OptionsError as error:
        raise DataError(f"{error}: delete its folder to pack the corpus again") from None
    return header
