"""Evaluating a run: its model translates the recipe's test sets, and they are scored against the raw reference."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from nmtk.bundle import checkpoints_in
from nmtk.errors import ModelError
from nmtk.evaluation.metrics import Metric, evaluate, in_language, metric_named
from nmtk.evaluation.names import USUAL
from nmtk.evaluation.scores import Score
from nmtk.evaluation.significance import Resampling
from nmtk.evaluation.systems import score_systems
from nmtk.evaluation.testsets import Task
from nmtk.recipe.contract import EXACT, Expectation
from nmtk.recipe.home import open_run
from nmtk.recipe.recipe import Recipe
from nmtk.recipe.texts import Text, find_tests
from nmtk.recipe.translations import model_of, place_of, translations

Scores: TypeAlias = dict[str, dict[str, Score]]
"""By test set, and by the name that recipes call the metric."""


def evaluate_run(
    run: Path,
    metrics: Sequence[Metric],
    all_checkpoints: bool = False,
    resampling: Resampling = Resampling(),  # noqa: B008 (a tuple)
    device: str = "auto",
) -> dict[str, dict[str, list[Score]]]:
    """By test set of the recipe, the scores of a run's final model, or those of each checkpoint, by update.

    What is suspicious about the translations is told on standard error. Raises OptionsError when the folder is no run,
    ModelError when it has no model, DataError for its text.
    """
    home = open_run(run)
    tests = find_tests(home.recipe.data, home.folder, run / "text")
    if all_checkpoints:
        # Not as they were saved: the recipe's decoding may have changed since.
        models = {str(update): (folder, home.recipe.decoding) for update, folder in checkpoints_in(run).items()}
    else:
        models = {"model": model_of(run, home.recipe)}
    if not models:
        raise ModelError(f"{run}: no checkpoints")
    systems = {
        name: translations(folder, decoding, tests, place_of(run, folder), device)
        for name, (folder, decoding) in models.items()
    }
    metrics = [in_language(metric, home.recipe.data.target) for metric in metrics]
    found = {}
    for test, text in tests.items():
        pairs = list(text.pairs())
        source, reference = [pair.source for pair in pairs], [pair.target for pair in pairs]
        outputs = [(name, lines[test]) for name, lines in systems.items()]
        task = Task([(test, reference)], ("source", source))
        found[test] = score_systems(outputs, task, metrics, resampling, test)
    return found


def metrics_of(recipe: Recipe, test: str) -> dict[str, Metric]:
    """The metrics of a test set by name: the usual ones, and those that the recipe expects a score of."""
    names = dict.fromkeys([*USUAL, *recipe.expect.get(test, {})])
    names.pop(EXACT, None)
    return {name: in_language(metric_named(name), recipe.data.target) for name in names}


def check_metrics(recipe: Recipe) -> None:
    """Raise OptionsError where a package is missing that a score needs: better now than after training."""
    wanted = [metric for test in recipe.data.test for metric in metrics_of(recipe, test).values()]
    validated = [metric_named(name) for name in recipe.training.validation.metrics if name != "loss"]
    wanted += [in_language(metric, recipe.data.target) for metric in validated]
    for metric in dict.fromkeys(wanted):
        metric.measure([["."]], ["."])


def score_tests(recipe: Recipe, translated: Mapping[str, Sequence[str]], tests: Mapping[str, Text]) -> Scores:
    """Scores of each test set's translations, by the metric's name."""
    found = {}
    for test, lines in translated.items():
        pairs = list(tests[test].pairs())
        source, reference = [pair.source for pair in pairs], [pair.target for pair in pairs]
        metrics = metrics_of(recipe, test)
        scores = evaluate(lines, [reference], list(metrics.values()), source)
        found[test] = dict(zip(metrics, scores, strict=True))
        if EXACT in recipe.expect.get(test, {}):
            found[test][EXACT] = Score(EXACT, exact_share(lines, reference), "nrefs:1|case:mixed|tok:none")
    return found


def listed(scores: Scores) -> dict[str, list[Score]]:
    """As reports take them: each score says its name by itself."""
    return {test: list(found.values()) for test, found in scores.items()}


def exact_share(translations: Sequence[str], references: Sequence[str]) -> float:
    """The share of translations that equal their reference, in percent."""
    same = sum(one == other for one, other in zip(translations, references, strict=True))
    return 100 * same / max(1, len(references))


def verdicts(expected: Expectation, found: Mapping[str, Score]) -> list[str]:
    """For each expected score, a line that says whether it is in its range."""
    lines = []
    for name, (low, high) in expected.items():
        value = found[name].score
        verdict = "as expected" if low <= value <= high else "NOT as expected"
        lines.append(f"{name} {value:.2f}: {verdict}, {low:g} to {high:g}")
    return lines
