"""Fetching: where the files of a recipe are found, and how they come from the network into the cache.

A name in a recipe, such as `multi30k/train.en.gz`, is looked for in these places, and the first that has it counts:

1. among the files that the recipe generates, or has had made by a translation;
2. beside the recipe;
3. under the folder that the environment's NMTK_DATA names;
4. in the current folder, or anywhere if the name is an absolute path;
5. in the cache: NMTK_CACHE, or else ~/.cache/nmtk/data (of the same layout as NMTK_DATA);
6. on the network, from each `url` in turn, into the cache.

Where the recipe gives a sha256 it is checked in all of these places, every time.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nmtk.documents import Document
from nmtk.errors import DataError
from nmtk.files import download, sha256
from nmtk.recipe.data import FileOptions


class Found(NamedTuple):
    """A file that was found: one entry of the manifest of what a run was made from."""

    name: str
    path: Path
    sha256: str
    size: int
    """Bytes, as stored."""
    origin: str
    """The kind of place it was found in, or the URL it has just been fetched from."""

    def document(self) -> Document:
        """As plain values, for a run's card. The path is left out: it says nothing on another machine."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.size, "origin": self.origin}


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


def cache_folder() -> Path:
    """Where fetched files are kept: NMTK_CACHE, or ~/.cache/nmtk/data."""
    return Path(os.environ.get("NMTK_CACHE") or "~/.cache/nmtk/data").expanduser()


class Finder:
    """Finds the files of one recipe by the rules above, fetching those that have to be."""

    def __init__(
        self,
        files: Mapping[str, FileOptions],
        recipe: Path,
        generated: Path | None = None,
        console: Console | None = None,
    ) -> None:
        """Look for files whose URLs and hashes are in `files`.

        recipe: the folder that the recipe is in; generated: the one its generated files are in.
        console: where progress is shown; standard error if not given.
        """
        self.files = files
        self.cache = cache_folder()
        self.console = console or Console(stderr=True)
        store = data_folder()
        self.places = [Place("generated", generated)] if generated else []
        self.places.append(Place("beside the recipe", recipe))
        self.places += [Place("NMTK_DATA", store)] if store else []
        self.places += [Place("current folder", Path()), Place("cache", self.cache)]

    def find(self, name: str) -> Found:
        """The file of this name. Raises DataError when it is nowhere, cannot be fetched, or has another hash."""
        known = self.files.get(name, FileOptions())
        for origin, folder in self.places:
            path = folder / name
            if not path.is_file():
                continue
            digest = sha256(path)
            if known.sha256 in (None, digest):
                return Found(name, path, digest, path.stat().st_size, origin)
            if origin == "cache" and known.url:
                continue  # the cache is nmtk's own, so a file that another recipe knows by this name gives way
            raise DataError(f"{path}: found sha256 {digest}, wanted {known.sha256}: not the file that the recipe means")
        if not known.url:
            places = ", ".join(f"{origin} ({folder.absolute()})" for origin, folder in self.places)
            raise DataError(f"{name}: in none of: {places}; and the recipe has no url for it: {self._mend(name)}")
        return self._fetch(name, known)

    def _fetch(self, name: str, known: FileOptions) -> Found:
        path, reasons = self.cache / name, []
        for url in known.url:
            try:
                with _progress(name, url, self.console) as tell:
                    download(url, path, known.sha256 or "", tell)
                return Found(name, path, known.sha256 or "", path.stat().st_size, url)
            except DataError as error:
                reasons.append(str(error))
            except OSError as error:
                raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
        raise DataError(f"{name}: {'; '.join(reasons)}: try again, or {self._mend(name)}")

    def _mend(self, name: str) -> str:
        given = any(place.origin == "NMTK_DATA" for place in self.places)
        return f"{'let' if given else 'set'} NMTK_DATA {'be' if given else 'to'} a folder that has {name}"


@contextmanager
def _progress(name: str, url: str, console: Console) -> Iterator[Callable[[int, int | None], None]]:
    """Show a download: a bar on a terminal, else a line when it begins and one when it has ended well."""
    if not console.is_terminal:
        console.print(f"fetching {name} from {url}", soft_wrap=True, markup=False, highlight=False)
        done = 0

        def count(now: int, _total: int | None) -> None:
            nonlocal done
            done = now

        yield count
        console.print(f"fetched {name}: {done:,} bytes", soft_wrap=True, markup=False, highlight=False)
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    label = TextColumn("{task.description}", markup=False)
    columns = (label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None)
        yield lambda now, total: bar.update(task, completed=now, total=total)
