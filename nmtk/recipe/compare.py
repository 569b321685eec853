"""Comparing two runs: what their models make of the test sets that they share."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from nmtk.errors import DataError, warn
from nmtk.evaluation.comparison import Comparison, compare, words_of
from nmtk.evaluation.metrics import Metric, in_language
from nmtk.evaluation.significance import Resampling
from nmtk.evaluation.testsets import Task
from nmtk.recipe.home import open_run
from nmtk.recipe.recipe import Located
from nmtk.recipe.texts import Text, find_tests, find_texts
from nmtk.recipe.translations import model_of, place_of, translations

COUNTED = 500_000
"""Sentences of the training text whose words are counted: enough to tell rare words from common ones."""


def compare_runs(
    runs: tuple[Path, Path], metrics: Sequence[Metric], resampling: Resampling, device: str = "auto"
) -> list[Comparison]:
    """The comparison on each test set that both runs have, by name and to the word, in the order of the first run's.

    Words are counted in the first run's training text, or, where that is gone, in the reference. Raises DataError when
    they share no test set, ModelError for a folder that is no run.
    """
    homes = [open_run(run) for run in runs]
    first, second = (
        find_tests(home.recipe.data, home.folder, run / "text") for home, run in zip(homes, runs, strict=True)
    )
    shared = {
        name: text
        for name, text in first.items()
        if name in second and list(text.pairs()) == list(second[name].pairs())
    }
    if not shared:
        raise DataError(f"{runs[0]} and {runs[1]}: no test set in common: wanted one of the same name and text in both")
    outputs = []
    for run, home in zip(runs, homes, strict=True):
        model, decoding = model_of(run, home.recipe)
        outputs.append(translations(model, decoding, shared, place_of(run, model), device))
    seen = _training_words(homes[0], runs[0])
    metrics = [in_language(metric, homes[0].recipe.data.target) for metric in metrics]
    return [_compare(test, text, runs, outputs, metrics, resampling, seen) for test, text in shared.items()]


def _compare(
    test: str,
    text: Text,
    runs: tuple[Path, Path],
    outputs: Sequence[dict[str, list[str]]],
    metrics: Sequence[Metric],
    resampling: Resampling,
    seen: Counter[str] | None,
) -> Comparison:
    pairs = list(text.pairs())
    task = Task([(test, [pair.target for pair in pairs])], ("source", [pair.source for pair in pairs]))
    names = [run.name for run in runs] if runs[0].name != runs[1].name else [str(run) for run in runs]
    (one, other) = zip(names, (found[test] for found in outputs), strict=True)
    return compare(task, (one, other), metrics, resampling, test, seen)


def _training_words(home: Located, run: Path) -> Counter[str] | None:
    """How often each word is in the target side of a run's training text; None, and told, when that is not here."""
    try:
        texts = find_texts(home.recipe.data, home.folder, run / "text")
    except DataError as error:
        warn(f"{error}; so words are counted in the reference, and not in the training text")
        return None

    def targets() -> Iterator[str]:
        for pair in chain.from_iterable(text.pairs() for text in texts.train):
            yield pair.target

    return words_of(islice(targets(), COUNTED))
