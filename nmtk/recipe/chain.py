"""Chains: the recipes that have to be trained one after the other, since one makes text for the next."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nmtk.bundle import CARD, OPTIONS, find
from nmtk.decoding.options import DecodingOptions
from nmtk.documents import read_yaml
from nmtk.errors import ModelError, NmtkError, OptionsError
from nmtk.languages import base_language
from nmtk.recipe.data import DataOptions
from nmtk.recipe.home import RUN, begun, claim, finished
from nmtk.recipe.made import MadeOptions
from nmtk.recipe.making import Making, make, say
from nmtk.recipe.provenance import own_decoding
from nmtk.recipe.recipe import Located, load
from nmtk.recipe.shelf import locate
from nmtk.recipe.texts import given_files
from nmtk.training.distributed import Ranks


class Stage(NamedTuple):
    """One recipe of a chain."""

    located: Located
    run: Path
    models: dict[str, Path]
    """Who makes each of its texts, by the text's name: the run of a stage before, or any other run or model folder."""

    @property
    def work(self) -> Path:
        """Where its texts are made and generated."""
        return self.run / "text"

    @property
    def settled(self) -> bool:
        """Whether it has begun to train, on texts that are there: then nothing is made any more."""
        return begun(self.run) and all((self.work / name).is_file() for name in self.models)

    def makings(self) -> Iterator[Making]:
        """Its texts in the order in which they can be made. Raises DataError when a file is missing."""
        recipe, folder = self.located
        found = {name: given.path for name, given in given_files(recipe.data, folder, self.work).items()}
        for name, options in recipe.data.translate.items():
            yield Making(name, options, self.models[name], found[options.text], self.work)
            found[name] = self.work / name


class _Speaks(NamedTuple):
    """What is known of who makes a text, before it has made any."""

    source: str | None
    target: str | None
    decoding: DecodingOptions


def chain_of(located: Located, run: Path) -> list[Stage]:
    """The stages of a recipe's chain in their order: itself the last, and alone where it has no texts made.

    Each recipe's run is beside that of the last, under the recipe's name. Raises OptionsError for recipes that wait for
    each other, or would share a run, and for a model that does not fit; ModelError for a folder without a model.
    """
    stages: dict[Path, Stage] = {}  # by document

    def stage(located: Located, run: Path, above: tuple[Path, ...]) -> Stage:
        models = {}
        for name, options in located.recipe.data.translate.items():
            where = f"recipe {located.recipe.name}: data.translate.{name}"
            place = _place(options.by, located.folder, where)
            if place.is_dir():
                models[name] = place
                known = _of_model(place, where)
            else:
                if place in above:
                    circle = [document.name for document in (*above[above.index(place) :], place)]
                    raise OptionsError(f"{where}.by: recipes wait for each other: {' > '.join(circle)}")
                if place not in stages:
                    other = load(place)
                    stages[place] = stage(other, run.parent / other.recipe.name, (*above, place))
                models[name] = stages[place].run
                recipe = stages[place].located.recipe
                known = _Speaks(recipe.data.source, recipe.data.target, recipe.decoding)
            _check(name, options, located.recipe.data, known, where)
        return Stage(located, run, models)

    last = stage(located, run, ())
    chain = [*stages.values(), last]
    for number, one in enumerate(chain):
        if any(one.run.absolute() == other.run.absolute() for other in chain[:number]):
            name = one.located.recipe.name
            raise OptionsError(f"recipe {name}: another of its chain has the run {one.run}, too: wanted a name each")
    return chain


def due(chain: Sequence[Stage]) -> list[Stage]:
    """The stages with something left to do, in their order: the last, and those whose models are waited for."""
    left = [chain[-1]]
    for stage in reversed(chain[:-1]):
        awaited = any(stage.run in other.models.values() and not other.settled for other in left)
        if awaited and not finished(stage.run, stage.located.recipe):
            left.insert(0, stage)
    return left


def open_chain(chain: Sequence[Stage], overwrite: bool, ranks: Ranks) -> list[Stage]:
    """Claim the runs of the stages with something left to do, which are returned; all ranks come here together.

    Every file that nobody makes is found, and fetched, before the first trains: none is missed only hours later.
    """
    last = chain[-1]
    left = [last]
    ranks.at(0, "preparing", least=math.inf)
    if ranks.first:
        claim(last.run, last.located, overwrite)
        left = due(chain)
        for stage in left if last.models else ():
            claim(stage.run, stage.located)
            given_files(stage.located.recipe.data, stage.located.folder, stage.work)
    ranks.wait()
    return [chain[place] for place in ranks.tell([chain.index(stage) for stage in left])]


def make_texts(stage: Stage, chain: Sequence[Stage], ranks: Ranks, console: Console) -> bool:
    """Have the texts made that a stage of a chain is to train on, each once for all who train on it.

    False when a signal broke that off. All ranks come here.
    """
    if not stage.models:
        return True
    ranks.at(0, "preparing", least=math.inf)
    makings, settled = (list(stage.makings()), stage.settled) if ranks.first else ([], False)
    if settled:
        _tell_of_changes(makings, console)
    ranks.wait()
    makings, settled = ranks.tell((makings, settled))
    threads = stage.located.recipe.training.threads
    elsewhere = [other.work / name for other in chain if other is not stage for name in other.models]
    return settled or all(make(making, threads, ranks, console, elsewhere) for making in makings)


def _tell_of_changes(makings: Sequence[Making], console: Console) -> None:
    for making in makings:
        try:
            same = making.up_to_date(making.source())
        except ModelError:  # who made it is gone, and not needed any more
            continue
        if not same:
            say(console, f"{making.name}: would be another now; kept, for training has begun: or use --overwrite")


def _place(by: str, folder: Path, where: str) -> Path:
    """The recipe's document that is meant, or the folder of a run or model."""
    for place in (folder / by, Path(by)):
        if (place / RUN).is_file() or (place / OPTIONS).is_file():
            return place
        if place.is_file() or place.is_dir():
            break
    else:
        place = Path(by)
    try:
        return locate(place).resolve()
    except OptionsError as error:
        raise OptionsError(f"{where}.by: {error}; wanted a recipe or a run") from None


def _of_model(place: Path, where: str) -> _Speaks:
    try:
        folder = find(place)
        card = read_yaml(folder / CARD) if (folder / CARD).is_file() else {}
        return _Speaks(card.get("source"), card.get("target"), own_decoding(folder))
    except NmtkError as error:
        raise ModelError(f"{where}.by: {error}") from None


def _check(name: str, options: MadeOptions, data: DataOptions, known: _Speaks, where: str) -> None:
    """Raises OptionsError where a model translates between other languages than wanted, or cannot do so as asked."""
    for text in (*data.train, data.valid, *data.test.values()):
        for side, here, there in (("source", data.target, data.source), ("target", data.source, data.target)):
            if getattr(text, side) != name:
                continue
            if not (_same(known.source, here) and _same(known.target, there)):
                found = f"{known.source} to {known.target}"
                raise OptionsError(
                    f"{where}: {options.by} translates {found}, wanted {here} to {there}, since {name} is a {side}"
                )
    DecodingOptions.parse(options.over(known.decoding.document()), f"{where}.decoding")


def _same(known: str | None, wanted: str) -> bool:
    """Whether two languages are the same but for region and script; True where one is not known."""
    return known is None or base_language(known) == base_language(wanted)
