"""Laws of sacreBLEU's test sets in a recipe: they are the very files that its scores are of."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from nmtk.errors import DataError
from nmtk.evaluation.testsets import named_task
from nmtk.lines import read_lines
from tests.evaluation.conftest import known
from tests.recipe.sources.conftest import MakeFinder

__all__ = ["known"]

SIDES = {
    f"mine.{language}": {"sacrebleu": "mine", "pair": "en-de", "side": side}
    for language, side in (("en", "source"), ("de", "reference"))
}


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")  # of how sacreBLEU unpacks
def test_both_sides_are_what_scores_of_that_name_are_of(known: Callable[..., Path], make_finder: MakeFinder) -> None:
    archive = known("mine")
    finder = make_finder(**SIDES)
    source, reference = (list(read_lines(finder.find(name).path)) for name in SIDES)
    task = named_task("mine", "en-de")
    assert task.source
    assert ([reference], source) == ([lines for _, lines in task.references], task.source[1])
    assert finder.found["mine.en"].origin == f"sacreBLEU {version('sacrebleu')}: mine en-de source"
    archive.unlink()
    assert make_finder(**SIDES).find("mine.de") == finder.found["mine.de"]


def test_a_set_that_cannot_be_fetched_is_told_in_one_line(known: Callable[..., Path], make_finder: MakeFinder) -> None:
    known("mine").unlink()
    with pytest.raises(DataError, match=r"^mine: cannot be fetched from file:.*: copy .*cache/mine from") as told:
        make_finder(**SIDES).find("mine.en")
    assert str(told.value).endswith("or give the recipe a file of your own")
    assert "\n" not in str(told.value)


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
def test_a_set_with_another_hash_than_the_recipe_gives_is_told(
    known: Callable[..., Path], make_finder: MakeFinder
) -> None:
    known("mine")
    finder = make_finder(**{"mine.en": SIDES["mine.en"] | {"sha256": "0" * 64}})
    with pytest.raises(DataError, match=r"^mine.en: sacreBLEU .*: mine en-de source: found sha256 .*, wanted 0{64}: "):
        finder.find("mine.en")
