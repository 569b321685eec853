"""A source: one way in which a recipe comes by a file. Each is a class of options that also does it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, TypeAlias

from pydantic import BeforeValidator
from rich.console import Console

from nmtk.documents import Document
from nmtk.files import sha256
from nmtk.options import Options, in_form

Sha256: TypeAlias = Annotated[str, in_form("[0-9a-f]{64}", "64 digits of 0-9 and a-f")]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


AS_TUPLE = BeforeValidator(_as_tuple)
"""Lets a list of the document be a tuple, in an entry: pydantic does so only for JSON that no one has touched."""


class Found(NamedTuple):
    """A file that was found: one entry of the manifest of what a run was made from."""

    name: str
    path: Path
    sha256: str
    size: int
    """Bytes, as stored."""
    origin: str
    """The kind of place it was found in, the URL it has just been fetched from, or what it was made of."""

    @classmethod
    def at(cls, name: str, path: Path, origin: str) -> "Found":
        """The file at this path."""
        return cls(name, path, sha256(path), path.stat().st_size, origin)

    def document(self) -> Document:
        """As plain values, for a run's card. The path is left out: it says nothing on another machine."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.size, "origin": self.origin}


class Brought(NamedTuple):
    """A file that a source has brought, and where from: a sentence for the manifest that holds on any machine."""

    path: Path
    origin: str


class Finder(Protocol):
    """What a source may ask of the one who finds a recipe's files."""

    files: "Mapping[str, Source]"
    cache: Path
    """The folder to bring files into."""
    console: Console

    def find(self, name: str) -> Found:
        """Another file of the recipe."""
        ...

    def where(self) -> str:
        """The places that are looked into."""
        ...

    def mend(self, name: str) -> str:
        """What may be done where a file cannot be had."""
        ...


class Source(Options, ABC):
    """Base of all sources."""

    needs_hash: ClassVar[bool] = True
    """Whether a file that merely has the name may be another: it is taken only if its hash is known and right."""
    sha256: Sha256 | None = None
    """Of the file's bytes as it is brought, still compressed. Checked wherever the file is found."""

    def needs(self) -> tuple[str, ...]:
        """The files of the recipe that it is made of."""
        return ()

    @abstractmethod
    def bring(self, name: str, finder: Finder) -> Brought:
        """Bring the file into the cache, or find it there by what it is made of. Raises DataError when it cannot."""


def plain_path(path: str) -> bool:
    """Whether a path leads nowhere but down from a folder."""
    return not path.startswith("/") and ".." not in path.split("/")
