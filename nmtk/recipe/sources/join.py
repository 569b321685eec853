"""Joins: files one after the other."""

import hashlib
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from nmtk.files import atomic_write
from nmtk.lines import BlockReader
from nmtk.recipe.sources.source import AS_TUPLE, Brought, Finder, Source

_LINES = 4096
"""Read at once."""


class Join(Source):
    """The lines of several files of the recipe, one file after the other, decompressed."""

    kind: Literal["join"] = "join"
    join: Annotated[tuple[str, ...], AS_TUPLE, Field(min_length=1)]

    def needs(self) -> tuple[str, ...]:
        return self.join

    def bring(self, name: str, finder: Finder) -> Brought:
        parts = [finder.find(part) for part in self.join]
        made_of = "\n".join(f"{part.sha256} {part.path.suffix}" for part in parts)
        key = hashlib.sha256(made_of.encode()).hexdigest()[:16]
        path = finder.cache / "joined" / key / f"{PurePosixPath(name).name}.txt"
        if not path.is_file():
            with atomic_write(path) as file:
                for part in parts:
                    with BlockReader(part.path) as reader:
                        while block := reader.read(_LINES):
                            file.write(block.data if block.data.endswith(b"\n") else block.data + b"\n")
        return Brought(path, f"join of {', '.join(self.join)}")
