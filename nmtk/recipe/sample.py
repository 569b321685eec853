"""A sample of a recipe's texts: a few short pairs of each, where its files are at hand, else pairs that nmtk makes up.

It only goes by the names of files, so that it is all the same where they would come from.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nmtk.data.pairs import Pair
from nmtk.documents import Document
from nmtk.files import write_text
from nmtk.recipe.data import DataOptions, TextOptions
from nmtk.recipe.fetch import Finder
from nmtk.recipe.phrases.sentences import generate
from nmtk.recipe.recipe import Located
from nmtk.recipe.sources.at_hand import AtHand
from nmtk.recipe.texts import Text

TRAIN, HELD_OUT = 400, 12
"""Pairs of a text."""
LOOKED_AT = 4000
"""Lines of it among which they are looked for."""
SHORT = 150
"""Characters of a side: the time that a sentence takes grows with its length."""
ORIGINS = ("files", "generate", "translate")
"""Keys of `data` that say where files come from: a sample's are all there, made texts too."""


class Sample(NamedTuple):
    """Texts of a dry run."""

    data: DataOptions
    """The recipe's, with the sample's files, which stand side by side in one folder."""
    told: dict[str, str]
    """What each text is: `400 of its own pairs`, or `400 pairs made up`, and what training will miss."""
    lines: tuple[list[str], list[str]]
    """The two sides of what is trained on."""


def sample(located: Located, folder: Path) -> Sample:
    """Write a sample of all texts of a recipe into a folder. Nothing is fetched.

    Raises DataError for files that are at hand and damaged where they are read.
    """
    data = located.recipe.data
    finder = Finder(data.files, located.folder)
    made_up = _made_up(data)
    told: dict[str, str] = {}
    trained: tuple[list[str], list[str]] = [], []

    def take(called: str, options: TextOptions, count: int) -> Document:
        paths = _at_hand(finder, options)
        own = list(islice(_own(Text(called, options, paths)), count)) if paths else []
        pairs = own or list(islice(made_up, count))
        told[called] = f"{len(pairs)} {'of its own pairs' if own else 'pairs made up'}"
        if missing := _missing(finder, data, options):
            told[called] += f"; training will want {' and '.join(missing)}: not here, and without an address"
        files = {side: f"{called.replace(' ', '-')}.{side}" for side in ("source", "target")}
        for side, file, kept in zip(("source", "target"), files.values(), trained, strict=True):
            lines = [getattr(pair, side) for pair in pairs]
            kept += lines if count == TRAIN else []
            write_text(folder / file, "".join(line + "\n" for line in lines))
        return files

    texts = {
        "train": [
            {"name": name, "weight": corpus.weight, "tag": corpus.tag} | take(f"train {name}", corpus, TRAIN)
            for name, corpus in zip(data.names(), data.train, strict=True)
        ],
        "valid": take("valid", data.valid, HELD_OUT),
        "test": {name: take(f"test {name}", options, HELD_OUT) for name, options in data.test.items()},
    }
    kept = {key: value for key, value in data.document().items() if key not in ORIGINS}
    return Sample(DataOptions.parse(kept | texts, "dry run"), told, trained)


def _at_hand(finder: Finder, options: TextOptions) -> tuple[Path, ...] | None:
    """The files of a text, if all of them are here."""
    found = [next(finder.look(name), None) for name in options.files()]
    return tuple(place[1] for place in found if place) if all(found) else None


def _missing(finder: Finder, data: DataOptions, options: TextOptions) -> list[str]:
    """The files of a text that are not here, and that nothing in the recipe would bring or make."""
    return [
        name
        for name in options.files()
        if not any(finder.look(name))
        and isinstance(data.files.get(name, AtHand()), AtHand)
        and not (name in data.translate or data.generate)
    ]


def _own(text: Text) -> Iterator[Pair]:
    """The pairs of a text that are short and whole, from its beginning."""
    for pair in islice(text.pairs(), LOOKED_AT):
        if pair.source.strip() and pair.target.strip() and max(map(len, (pair.source, pair.target))) <= SHORT:
            yield pair


def _made_up(data: DataOptions) -> Iterator[Pair]:
    """Different pairs without end, English and German, each on the side where the recipe has it, if it has."""
    swapped = data.source.startswith("de") or data.target.startswith("en")
    for number, (english, german) in enumerate(generate(seed=1), start=1):
        yield Pair(german, english, number) if swapped else Pair(english, german, number)
