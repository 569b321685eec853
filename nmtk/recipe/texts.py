"""Texts: the parallel text of a recipe, its files found, ready to be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nmtk.data.pairs import Chunk, Pair, SievedChunk, TaggedChunk, file_chunks, tsv_chunks
from nmtk.recipe.data import DataOptions, TextOptions
from nmtk.recipe.fetch import Finder
from nmtk.recipe.making import find_made, is_made
from nmtk.recipe.sources.source import Found


class Text(NamedTuple):
    """One parallel text: a corpus, or a validation or test set."""

    name: str
    options: TextOptions
    paths: tuple[Path, ...]
    """Source and target file, or the one TSV file."""
    weight: float = 1.0
    tag: str | None = None
    """What stands before each source line."""

    def chunks(self) -> Iterator[Chunk]:
        """Its pairs in chunks of raw lines. Raises DataError for damaged files and when lines asked for are missing."""
        return (TaggedChunk(chunk, self.tag) for chunk in self._chunks()) if self.tag else self._chunks()

    def _chunks(self) -> Iterator[Chunk]:
        span, sieve = self.options.span(), self.options.sieve()
        chunks: Iterator[Chunk]
        if len(self.paths) == 1:
            chunks = tsv_chunks(self.paths[0], self.options.columns, span)
        else:
            source, target = self.paths
            chunks = file_chunks(source, target, span)
        return (SievedChunk(chunk, sieve) for chunk in chunks) if sieve else chunks

    def pairs(self) -> Iterator[Pair]:
        """Its pairs, streamed. Raises DataError for damaged text, and when it has not the lines that are asked for."""
        for chunk in self.chunks():
            yield from chunk


class Texts(NamedTuple):
    """All that a recipe trains and is measured on."""

    train: tuple[Text, ...]
    valid: Text
    test: dict[str, Text]
    manifest: tuple[Found, ...]
    """Every file that was found for them, once, in the order of the recipe; what one is made of stands before it."""


def finder_of(data: DataOptions, recipe: Path, work: Path) -> Finder:
    """What finds a recipe's files; see `find_texts`."""
    return Finder(data.files, recipe, work if data.generate or data.translate else None)


def given_files(data: DataOptions, recipe: Path, work: Path, finder: Finder | None = None) -> dict[str, Found]:
    """All files of a recipe, by name, but for those that its models are to make: see `find_texts`."""
    finder = finder or finder_of(data, recipe, work)
    if data.generate:
        data.generate.write(work)
    texts = (*data.train, data.valid, *data.test.values())
    named = [file for text in texts for file in text.files()] + [made.text for made in data.translate.values()]
    return {file: finder.find(file) for file in dict.fromkeys(named) if file not in data.translate}


def find_texts(data: DataOptions, recipe: Path, work: Path, waits: bool = True) -> Texts:
    """Find, fetch or generate all files of a recipe.

    recipe: the folder that the recipe is in. work: where generated files are written, the same ones each time.
    Raises DataError when a file is missing, cannot be fetched or has another hash; and when one is still to be made by
    a translation, unless nobody `waits` for it: then its path is the one that it will have.
    """
    finder = finder_of(data, recipe, work)
    made = {
        name: find_made(name, options, work) for name, options in data.translate.items() if waits or is_made(name, work)
    }
    found = given_files(data, recipe, work, finder) | made
    paths = {name: work / name for name in data.translate} | {name: one.path for name, one in found.items()}

    def text(name: str, options: TextOptions, weight: float = 1.0, tag: str | None = None) -> Text:
        return Text(name, options, tuple(paths[file] for file in options.files()), weight, tag)

    named = zip(data.names(), data.train, strict=True)
    train = tuple(text(name, corpus, corpus.weight, corpus.tag) for name, corpus in named)
    valid = text("valid", data.valid)
    test = {name: text(name, options) for name, options in data.test.items()}
    return Texts(train, valid, test, (*finder.found.values(), *made.values()))


def find_tests(data: DataOptions, recipe: Path, work: Path) -> dict[str, Text]:
    """Find, fetch or generate the files of the test sets alone, which is all that scoring takes; see `find_texts`."""
    finder = finder_of(data, recipe, work)
    if data.generate:
        data.generate.write(work)

    def path(file: str) -> Path:
        made = data.translate.get(file)
        return (find_made(file, made, work) if made else finder.find(file)).path

    return {name: Text(name, options, tuple(map(path, options.files()))) for name, options in data.test.items()}
