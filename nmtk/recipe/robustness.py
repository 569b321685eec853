"""The robustness card of a run: what its model makes of text that is not as neat as its test set.

It stands in the run, as robustness.json, and in the model's card. Each figure stands beside that of the plain text,
judged in the same way: what matters is how far they are apart.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nmtk.bundle import CARD, FINAL, Bundle
from nmtk.data.pairs import Pair
from nmtk.decoding.translator import Translation, Translator
from nmtk.devices import pick_device
from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import DataError, OptionsError
from nmtk.evaluation.metrics import Bleu, Chrf, Metric, evaluate, in_language
from nmtk.evaluation.robustness import (
    PERTURBATIONS,
    SHORT,
    Perturbed,
    RobustnessOptions,
    drawing,
    is_copied,
    is_short,
    single_words,
)
from nmtk.evaluation.scores import Score
from nmtk.files import write_text
from nmtk.recipe.home import open_run
from nmtk.recipe.texts import find_tests
from nmtk.recipe.translations import model_of, place_of, translations

ROBUSTNESS = "robustness.json"
"""The file in a run."""


class Finding(NamedTuple):
    """What the model made of one kind of text."""

    lines: int
    empty: int
    """Translations without a word."""
    looped: int
    """Translations that went round in circles."""
    scores: Sequence[tuple[Score, Score]] = ()
    """By metric; beside each what the plain text's translations have, judged in the same way."""
    copied: float | None = None
    """The share, in percent, of translations that hold what must be copied."""
    short: float | None = None
    """The share, in percent, of single words whose translation is short and no loop."""

    def document(self) -> Document:
        """Its figures, by name."""
        scores = [
            {"name": one.name, "score": round(one.score, 4), "plain": round(plain.score, 4), "signature": one.signature}
            for one, plain in self.scores
        ]
        shares = {"copied": self.copied, "short": self.short}
        counts = {"lines": self.lines, "empty": self.empty, "looped": self.looped}
        return counts | {"scores": scores} | {name: share for name, share in shares.items() if share is not None}


class Robustness(NamedTuple):
    """The card."""

    test: str
    options: RobustnessOptions
    findings: Mapping[str, Finding]
    """By kind of perturbation."""

    def document(self) -> Document:
        """All of it, as JSON and YAML write it."""
        kinds = {kind: found.document() for kind, found in self.findings.items()}
        return {"format": 1, "test": self.test} | self.options.document() | {"short": SHORT, "kinds": kinds}

    def json(self) -> str:
        """The document as text."""
        return json.dumps(self.document(), indent=1, ensure_ascii=False)

    def text(self) -> str:
        """A table for people."""
        rows: list[tuple[str, ...]] = [("", "BLEU", "plain", "chrF2", "plain", "")]
        for kind, found in self.findings.items():
            figures = [f"{score.score:.2f}" for pair in found.scores for score in pair] or [""] * 4
            notes = [
                f"{found.copied:.0f}% copied" if found.copied is not None else "",
                f"{found.short:.0f}% are short ({SHORT}) and no loop" if found.short is not None else "",
                f"{found.looped} go in circles" if found.looped else "",
                f"{found.empty} empty" if found.empty else "",
            ]
            rows.append((kind, *figures, "; ".join(filter(None, notes))))
        wide = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = (
            f"{kind:<{wide[0]}}  {'  '.join(map(str.rjust, cells, wide[1:]))}  {note}".rstrip()
            for kind, *cells, note in rows
        )
        return f"robustness on {self.test}, {self.options.lines} lines\n" + "\n".join(lines)


def examine(
    translator: Translator,
    test: str,
    pairs: Sequence[Pair],
    plain: Sequence[str],
    options: RobustnessOptions,
    language: str,
) -> Robustness:
    """The card of a model on the first lines of a test set, whose translations as it stands are `plain`.

    language: that of the translations. Lines that are empty on a side are none of them. Raises DataError when no line
    is left.
    """
    chosen = [
        (pair, line) for pair, line in zip(pairs, plain, strict=True) if pair.source.strip() and pair.target.strip()
    ]
    chosen = chosen[: options.lines]
    if not chosen:
        raise DataError(f"{test}: no line with text on both sides, wanted some for the robustness card")
    sources, references = [pair.source for pair, _ in chosen], [pair.target for pair, _ in chosen]
    translated = [line for _, line in chosen]
    findings = {}
    for kind, perturb in PERTURBATIONS.items():
        case = perturb(sources, drawing(options.seed, kind))
        if case.sources:
            findings[kind] = _judge(case, _translate(translator, case.sources), references, translated, language)
    if words := single_words(sources, drawing(options.seed, "single-words")):
        found = _translate(translator, words)
        short = sum(is_short(one.text) and not one.looped for one in found)
        findings["single-words"] = _counted(found)._replace(short=100 * short / len(found))
    return Robustness(test, options.model_copy(update={"lines": len(chosen)}), findings)


def examine_run(run: Path, lines: int | None = None, device: str = "auto") -> Robustness:
    """The card of a run's final model on the first test set of its recipe, as the recipe wants it or of other `lines`.

    Only the former is written into run and model: theirs is the card that the recipe asks for. Raises OptionsError
    when it asks for none, ModelError for a folder that is no run or has no model, DataError when it has no test set.
    """
    home = open_run(run)
    asked = home.recipe.robustness
    options = asked if lines is None else asked.model_copy(update={"lines": lines})
    if not options.lines:
        raise OptionsError(f"{run}: robustness.lines: its recipe asks for no card: found 0, wanted --lines N")
    tests = find_tests(home.recipe.data, home.folder, run / "text")
    if not tests:
        raise DataError(f"{run}: its recipe has no test set, wanted one for the robustness card: data.test")
    test, text = next(iter(tests.items()))
    model, decoding = model_of(run, home.recipe)
    [plain] = translations(model, decoding, {test: text}, place_of(run, model), device).values()
    translator = Translator(Bundle.load(model, pick_device(device), packed=True), decoding)
    card = examine(translator, test, list(text.pairs()), plain, options, home.recipe.data.target)
    if options == asked and model == run / FINAL:
        keep(run, card)
    return card


def keep(run: Path, card: Robustness) -> None:
    """Write the card into the run, and into the card of its final model."""
    write_text(run / ROBUSTNESS, card.json() + "\n")
    if (known := run / FINAL / CARD).is_file():
        write_text(known, to_yaml(read_yaml(known) | {"robustness": card.document()}))


def _translate(translator: Translator, lines: Sequence[str]) -> list[Translation]:
    return [found[0] for found in translator.candidates(lines)]


def _judge(
    case: Perturbed, found: Sequence[Translation], references: Sequence[str], plain: Sequence[str], language: str
) -> Finding:
    wanted, unharmed, made = (
        [*map(case.read, texts)] for texts in (case.become(references), case.become(plain), [one.text for one in found])
    )
    metrics: list[Metric] = [Bleu(lowercase=case.lowercase), Chrf(lowercase=case.lowercase)]
    metrics = [in_language(metric, language) for metric in metrics]
    scores = [evaluate(lines, [wanted], metrics) for lines in (made, unharmed)]
    finding = _counted(found)._replace(scores=[*zip(*scores, strict=True)])
    if not case.copied:
        return finding
    copied = sum(is_copied(text, one.text) for text, one in zip(case.copied, found, strict=True))
    return finding._replace(copied=100 * copied / len(found))


def _counted(found: Sequence[Translation]) -> Finding:
    return Finding(len(found), sum(not one.text.strip() for one in found), sum(one.looped for one in found))
