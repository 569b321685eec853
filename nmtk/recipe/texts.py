"""Texts: the parallel text of a recipe, its files found, ready to be read."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nmtk.data.pairs import Pair, read_files, read_tsv
from nmtk.data.report import Dropped
from nmtk.errors import DataError
from nmtk.recipe.data import DataOptions, TextOptions
from nmtk.recipe.fetch import Finder, Found


class Text(NamedTuple):
    """One parallel text: a corpus, or a validation or test set."""

    name: str
    options: TextOptions
    paths: tuple[Path, ...]
    """Source and target file, or the one TSV file."""
    weight: float = 1.0

    def pairs(self) -> Iterator[Pair]:
        """Its pairs, streamed. Raises DataError for damaged text, and when it has not the lines that are asked for."""
        first, last = self.options.span()
        whole = read_tsv(self.paths[0], self.options.columns) if len(self.paths) == 1 else read_files(*self.paths)
        number = 0
        for pair in islice(whole, last):
            number = pair.line
            if number >= first:
                yield pair
        if self.options.lines is not None and number < (last or first):
            raise DataError(f"{self.paths[0]}: has {number} lines, wanted lines {self.options.lines}")


class Texts(NamedTuple):
    """All that a recipe trains and is measured on."""

    train: tuple[Text, ...]
    valid: Text
    test: dict[str, Text]
    manifest: tuple[Found, ...]
    """Every file that was found for them, once, in the order of the recipe."""


def find_texts(data: DataOptions, recipe: Path, work: Path, finder: Finder | None = None) -> Texts:
    """Find, fetch or generate all files of a recipe.

    recipe: the folder that the recipe is in. work: where generated files are written, the same ones each time.
    Raises DataError when a file is missing, cannot be fetched or has another hash.
    """
    if data.generate:
        data.generate.write(work)
    finder = finder or Finder(data.files, recipe, work if data.generate else None)
    found: dict[str, Found] = {}

    def text(name: str, options: TextOptions, weight: float = 1.0) -> Text:
        for file in options.files():
            if file not in found:
                found[file] = finder.find(file)
        return Text(name, options, tuple(found[file].path for file in options.files()), weight)

    train = tuple(text(name, corpus, corpus.weight) for name, corpus in zip(data.names(), data.train, strict=True))
    valid = text("valid", data.valid)
    test = {name: text(name, options) for name, options in data.test.items()}
    return Texts(train, valid, test, tuple(found.values()))


class HeldOut:
    """The sentences of validation and test sets, which training must not see.

    A training pair is dropped when its source is one of their sources, or its target one of their targets: a model
    that has met either side would be measured on what it remembers. Letters and digits count, case and all else
    don't: `Guten Tag!` is `guten Tag`. The cost in memory is that of the validation and test sets.
    """

    def __init__(self, texts: Iterable[Text]) -> None:
        self.dropped = Dropped()
        self._sources: set[str] = set()
        self._targets: set[str] = set()
        for text in texts:
            for pair in text.pairs():
                self._sources.add(_bare(pair.source))
                self._targets.add(_bare(pair.target))
        self._sources.discard("")
        self._targets.discard("")

    def drop(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """The pairs that may be trained on, streamed; `dropped` counts the others."""
        for pair in pairs:
            if _bare(pair.source) in self._sources or _bare(pair.target) in self._targets:
                self.dropped.add(pair.line)
            else:
                yield pair


def _bare(text: str) -> str:
    """A text's letters and digits, without case."""
    return re.sub(r"[\W_]+", "", text.casefold())
