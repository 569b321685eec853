"""Preparing: from a recipe's text to its vocabulary and packed corpora, each made once and found again."""

import shutil
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nmtk.data.corpus import HEADER, Corpus
from nmtk.data.held_out import HeldOut
from nmtk.data.mixture import Mixture
from nmtk.data.packing import pack
from nmtk.data.pairs import Pair
from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import DataError, OptionsError
from nmtk.files import atomic_folder, write_text
from nmtk.processes import cores
from nmtk.recipe.home import begun
from nmtk.recipe.making import EVERY, say
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.texts import Text, Texts, find_texts
from nmtk.vocabulary.learn import learn
from nmtk.vocabulary.reservoir import Reservoir
from nmtk.vocabulary.sampling import check_sampling
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

PREPARED = "prepared.yaml"
"""What the run's vocabulary and corpora were made from."""


class Prepared(NamedTuple):
    """What training starts from."""

    texts: Texts
    vocabularies: Vocabularies
    mixture: Mixture


def prepare(located: Located, run: Path, console: Console) -> Prepared:
    """Find the text, learn the vocabulary and pack the corpora into the run's folder, where that is not yet done.

    As long as nothing was trained, it is done again when the options or the text are no longer those that it was done
    with. Raises DataError for text that cannot be used, for a packed corpus of another vocabulary, and for one that
    nobody knows the origin of; OptionsError for a vocabulary at hand that cannot be sampled as is asked.
    """
    recipe, folder = located
    texts = find_texts(recipe.data, folder, run / "text")
    if begun(run):
        _check_same(recipe, texts, run)
    else:
        _forget_others(recipe, texts, run)
    _check_tests(recipe, texts)
    unseen = [texts.valid, *texts.test.values()] if recipe.data.held_out == "drop" else []
    held_out = HeldOut(chain.from_iterable(text.pairs() for text in unseen))
    vocabularies = _vocabularies(recipe, folder, texts, held_out, run / "vocabulary", console)
    _check_sampling(recipe, vocabularies)
    corpora = [_corpus(recipe, text, held_out, vocabularies, run / "data" / text.name, console) for text in texts.train]
    weights = [text.weight for text in texts.train]
    return Prepared(texts, vocabularies, Mixture(corpora, weights, vocabularies, recipe.data.filters.longest))


def made_of(recipe: Recipe, texts: Texts) -> Document:
    """All that a vocabulary and corpora hang on: what a run's note says of its own."""
    files = {found.name: found.sha256 for found in texts.manifest}
    return {"data": recipe.data.document(), "vocabulary": recipe.vocabulary.document(), "files": files}


def _forget_others(recipe: Recipe, texts: Texts, run: Path) -> None:
    """Delete what was made from other options or other text, as the run's note says; what it does not say is kept.

    Raises DataError for a vocabulary or corpora without a note: they may be anybody's.
    """
    note, wanted = run / PREPARED, made_of(recipe, texts)
    there = [name for name in ("vocabulary", "data") if (run / name).exists()]
    if not note.is_file() and there:
        raise DataError(
            f"{run}: found {' and '.join(f'{name}/' for name in there)} without {PREPARED}, which would say what from: "
            f"move them away, use -o for another folder, or --overwrite to delete all that is in this one"
        )
    if note.is_file() and read_yaml(note) == wanted:
        return
    for name in there:
        shutil.rmtree(run / name)
    write_text(note, to_yaml(wanted))


def _check_same(recipe: Recipe, texts: Texts, run: Path) -> None:
    """Raises DataError for a file of the training or validation text that is another than training has begun with."""
    known = read_yaml(run / PREPARED).get("files", {}) if (run / PREPARED).is_file() else {}
    used = {name for text in (*recipe.data.train, recipe.data.valid) for name in text.files()}
    for found in texts.manifest:
        if found.name in used and known.get(found.name, found.sha256) != found.sha256:
            raise DataError(
                f"{run}: {found.name} has changed since training began: found SHA-256 {found.sha256[:12]}, wanted "
                f"{known[found.name][:12]}: put it back, or use -o for another run, or --overwrite to start over"
            )


def _check_tests(recipe: Recipe, texts: Texts) -> None:
    """Raises DataError for a test set without text, before there are hours of training that it would spoil."""
    for name, text in texts.test.items():
        if not any(pair.source.strip() and pair.target.strip() for pair in text.pairs()):
            raise DataError(
                f"recipe {recipe.name}: data.test.{name}: found no line with text on both sides, wanted at least one"
            )


def _vocabularies(
    recipe: Recipe, folder: Path, texts: Texts, held_out: HeldOut, home: Path, console: Console
) -> Vocabularies:
    if home.is_dir():
        return Vocabularies.load(home)
    options = recipe.vocabulary

    def lines(*sides: str) -> Iterator[str]:
        sample: Reservoir[Pair] = Reservoir(max(1, options.sample // len(sides)), options.seed)
        for text in texts.train:
            for pair in text.pairs():
                sample.add(pair)
        for pair in sample.items:  # few of many are compared to what is held out: it would take longer than reading
            if not held_out.holds(pair):
                for side in sides:
                    yield getattr(pair, side)

    def one(given: Path | None, *sides: str) -> Vocabulary:
        if given:
            try:
                return Vocabulary.load(folder / given if (folder / given).is_file() else given)
            except DataError as error:
                raise DataError(f"recipe {recipe.name}: vocabulary: {error}") from None
        return Vocabulary(learn(lines(*sides), options))

    if options.joint and options.source_file is None:
        both = one(options.file, "source", "target")
        vocabularies = Vocabularies(both, both)
    else:
        vocabularies = Vocabularies(one(options.source_file, "source"), one(options.target_file, "target"))
    with atomic_folder(home) as beside:
        vocabularies.save(beside)
    sizes = " and ".join(f"{len(vocabulary):,}" for vocabulary in dict.fromkeys(vocabularies))
    say(console, f"vocabulary: {sizes} pieces")
    return vocabularies


def _check_sampling(recipe: Recipe, vocabularies: Vocabularies) -> None:
    """The recipe alone knows the kind of what is learned, but not of what is at hand."""
    if sampling := recipe.training.sampling:
        for vocabulary in vocabularies:
            try:
                check_sampling(vocabulary.kind, sampling.alpha)
            except ValueError as error:
                raise OptionsError(f"recipe {recipe.name}: {error}") from None


def _corpus(
    recipe: Recipe, text: Text, held_out: HeldOut, vocabularies: Vocabularies, home: Path, console: Console
) -> Corpus:
    if not (home / HEADER).is_file():
        told = _Progress(text.name, console)
        report = pack(text.chunks(), vocabularies, recipe.data.filters, home, held_out, cores(), told)
        for line in report.lines():
            say(console, f"corpus {text.name}: {line}")
    return Corpus.open(home, vocabularies)


class _Progress:
    """Says now and then how far packing is; what is soon done needs no word."""

    def __init__(self, name: str, console: Console) -> None:
        self.name, self.console = name, console
        self.began = self.last = time.monotonic()

    def __call__(self, read: int, kept: int) -> None:
        now = time.monotonic()
        if now - self.last >= EVERY:
            speed = read / (now - self.began)
            say(self.console, f"corpus {self.name}: {read:,} pairs read, {kept:,} kept, {speed:,.0f} a second")
            self.last = now
