"""Evaluating a run: its model translates the recipe's test sets, and they are scored against the raw reference."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nmtk.bundle import Bundle, find
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.errors import ModelError
from nmtk.evaluation.metrics import Metric, evaluate, in_language
from nmtk.evaluation.names import USUAL
from nmtk.evaluation.scores import Score
from nmtk.evaluation.significance import Resampling, evaluate_systems
from nmtk.recipe.home import open_run
from nmtk.recipe.recipe import Expectation
from nmtk.recipe.texts import Text, find_texts
from nmtk.recipe.translations import TRANSLATIONS, keep, place_of, translations
from nmtk.training import checkpoints


def evaluate_run(
    run: Path,
    metrics: Sequence[Metric],
    all_checkpoints: bool = False,
    resampling: Resampling = Resampling(),  # noqa: B008 (a tuple)
    device: str = "auto",
) -> dict[str, dict[str, list[Score]]]:
    """By test set of the recipe, the scores of a run's final model, or those of each checkpoint, by update.

    Raises OptionsError when the folder is no run, ModelError when it has no model, DataError for its text.
    """
    home = open_run(run)
    tests = find_texts(home.recipe.data, home.folder, run / "text").test
    if all_checkpoints:
        models = {f"{update:,}": folder for update, folder in checkpoints.saved(run).items()}
        decoding = home.recipe.decoding  # it may have changed since they were saved
    else:
        models, decoding = {"model": find(run)}, None
    if not models:
        raise ModelError(f"{run}: no checkpoints")
    systems = {
        name: translations(folder, decoding, tests, place_of(run, folder), device) for name, folder in models.items()
    }
    metrics = [in_language(metric, home.recipe.data.target) for metric in metrics]
    found = {}
    for test, text in tests.items():
        pairs = list(text.pairs())
        source, reference = [pair.source for pair in pairs], [pair.target for pair in pairs]
        outputs = [(name, lines[test]) for name, lines in systems.items()]
        found[test] = evaluate_systems(outputs, [(test, reference)], metrics, source, resampling)
    return found


def translate_tests(
    bundle: Bundle, options: DecodingOptions, tests: Mapping[str, Text], run: Path
) -> dict[str, list[str]]:
    """Translations of each test set, also kept in the run's folder."""
    translator = Translator(bundle, options)
    translated = {}
    for name, text in tests.items():
        translated[name] = translator.translate_all([pair.source for pair in text.pairs()])
        keep(run / TRANSLATIONS, name, translated[name])
    return translated


def score_tests(
    translated: Mapping[str, Sequence[str]], tests: Mapping[str, Text], metrics: Sequence[Metric | str] = USUAL
) -> dict[str, list[Score]]:
    """Scores of each test set's translations."""
    return {
        name: evaluate(lines, [[pair.target for pair in tests[name].pairs()]], metrics)
        for name, lines in translated.items()
    }


def exact_share(translations: Sequence[str], references: Sequence[str]) -> float:
    """The share of translations that equal their reference, in percent."""
    same = sum(one == other for one, other in zip(translations, references, strict=True))
    return 100 * same / max(1, len(references))


def verdicts(expected: Expectation, found: Mapping[str, float]) -> list[str]:
    """For each score with an expected range, a line that says whether it is in it."""
    lines = []
    for name, value in found.items():
        if (bounds := getattr(expected, name, None)) is not None:
            low, high = bounds
            verdict = "as expected" if low <= value <= high else "NOT as expected"
            lines.append(f"{name} {value:.2f}: {verdict}, {low:g} to {high:g}")
    return lines
