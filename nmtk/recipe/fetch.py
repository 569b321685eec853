"""Finding: where the files of a recipe are looked for, and what happens when they are nowhere.

A name in a recipe, such as `multi30k/train.en.gz`, is looked for in these places, and the first that has it counts:

1. among the files that the recipe generates, or has had made by a translation;
2. beside the recipe;
3. under the folder that the environment's NMTK_DATA names;
4. in the current folder, or anywhere if the name is an absolute path;
5. in the cache: NMTK_CACHE, or else nmtk/data under XDG_CACHE_HOME or ~/.cache (of the same layout as NMTK_DATA).

If none has it, its source brings it into the cache (`nmtk.recipe.sources`): each `url` in turn, or the archive, test
set, corpus or files that it is made of. Where the recipe gives a sha256 it is checked in all of these places, every
time.

What is made of others is looked for in those places only if the recipe gives its sha256. Without that, what it is made
of vouches for it, and a file that happens to have its name does not.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nmtk.errors import DataError
from nmtk.files import cache_folder
from nmtk.recipe.sources.at_hand import AtHand
from nmtk.recipe.sources.source import Found, Source


class Place(NamedTuple):
    """A folder to look in, and what to call it."""

    origin: str
    folder: Path


def data_folder() -> Path | None:
    """The folder that NMTK_DATA names, if it does. Raises DataError when that is no folder."""
    named = os.environ.get("NMTK_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DataError(f"NMTK_DATA: found {named!r}, wanted a folder")
    return folder


class Finder:
    """Finds the files of one recipe by the rules above, bringing those that have to be."""

    def __init__(
        self,
        files: Mapping[str, Source],
        recipe: Path,
        generated: Path | None = None,
        console: Console | None = None,
    ) -> None:
        """Look for files of which `files` says what is known.

        recipe: the folder that the recipe is in; generated: the one its generated files are in.
        console: where progress is shown; standard error if not given.
        """
        self.files = files
        self.cache = cache_folder("data")
        self.console = console or Console(stderr=True)
        self.found: dict[str, Found] = {}
        """All that was found, with what it is made of before it."""
        store = data_folder()
        self.places = [Place("generated", generated)] if generated else []
        self.places.append(Place("beside the recipe", recipe))
        self.places += [Place("NMTK_DATA", store)] if store else []
        self.places += [Place("current folder", Path()), Place("cache", self.cache)]

    def look(self, name: str) -> Iterator[tuple[str, Path]]:
        """The places that have a file of this name, and its path in each; nothing is checked, and nothing fetched."""
        for origin, folder in self.places:
            if (folder / name).is_file():
                yield origin, folder / name

    def find(self, name: str) -> Found:
        """The file of this name. Raises DataError when it is nowhere, cannot be brought, or has another hash."""
        if name not in self.found:
            known = self.files.get(name, AtHand())
            self.found[name] = self._at_hand(name, known) or self._brought(name, known)
        return self.found[name]

    def _at_hand(self, name: str, known: Source) -> Found | None:
        if known.needs_hash and not known.sha256:
            return None
        for origin, path in self.look(name):
            found = Found.at(name, path, origin)
            if known.sha256 in (None, found.sha256):
                return found
            if origin == "cache" and known.needs_hash:
                continue  # the cache is nmtk's own, so a file that another recipe knows by this name gives way
            raise _other(str(path), found, known)
        return None

    def _brought(self, name: str, known: Source) -> Found:
        path, origin = known.bring(name, self)
        found = Found.at(name, path, origin)
        if known.sha256 not in (None, found.sha256):
            raise _other(f"{name}: {origin}", found, known)
        return found

    def where(self) -> str:
        """The places that are looked into."""
        return ", ".join(f"{origin} ({folder.absolute()})" for origin, folder in self.places)

    def mend(self, name: str) -> str:
        """What may be done where a file cannot be had."""
        given = any(place.origin == "NMTK_DATA" for place in self.places)
        return f"{'let' if given else 'set'} NMTK_DATA {'be' if given else 'to'} a folder that has {name}"


def _other(what: str, found: Found, known: Source) -> DataError:
    return DataError(f"{what}: found sha256 {found.sha256}, wanted {known.sha256}: not the file that the recipe means")
