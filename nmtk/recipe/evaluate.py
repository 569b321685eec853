"""Evaluating a run: its model translates the recipe's test sets, and they are scored against the raw reference."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nmtk.bundle import Bundle
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import pick_device
from nmtk.evaluation.metrics import Metric, Score, evaluate
from nmtk.evaluation.names import USUAL
from nmtk.files import write_text
from nmtk.recipe.home import open_run
from nmtk.recipe.recipe import Expectation
from nmtk.recipe.texts import Text, find_texts


def evaluate_run(run: Path, metrics: Sequence[Metric | str] = USUAL, device: str = "auto") -> dict[str, list[Score]]:
    """The scores of a run's final model on every test set of its recipe, by name.

    Raises OptionsError when the folder is no run, ModelError when it has no model, DataError for its text.
    """
    home = open_run(run)
    texts = find_texts(home.recipe.data, home.folder, run / "text")
    bundle = Bundle.load(run, pick_device(device))
    options = DecodingOptions.parse(bundle.decoding, str(run))
    return score_tests(translate_tests(bundle, options, texts.test, run), texts.test, metrics)


def translate_tests(
    bundle: Bundle, options: DecodingOptions, tests: Mapping[str, Text], run: Path
) -> dict[str, list[str]]:
    """Translations of each test set, also written to `translations/NAME.txt` in the run's folder."""
    translator = Translator(bundle, options)
    translated = {}
    for name, text in tests.items():
        translated[name] = translator.translate_all([pair.source for pair in text.pairs()])
        write_text(run / "translations" / f"{name}.txt", "".join(line + "\n" for line in translated[name]))
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
