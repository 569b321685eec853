"""Translations of a run's test sets, kept in the run: what was translated once is not translated again.

    translations/NAME.txt                       by the final model
    translations/checkpoints/UPDATE/NAME.txt    by a checkpoint
    translations/.../NAME.yaml                  what made them: weights, model, decoding, the source, nmtk's version

They are used again only while all of that is as it was.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from nmtk.bundle import CHECKPOINTS, FINAL, Bundle, find
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import pick_device
from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import OptionsError, warn
from nmtk.files import write_text
from nmtk.lines import read_lines
from nmtk.recipe.provenance import own_decoding, provenance
from nmtk.recipe.recipe import Recipe
from nmtk.recipe.texts import Text

TRANSLATIONS = "translations"
"""The folder in a run."""


def model_of(run: Path, recipe: Recipe) -> tuple[Path, DecodingOptions]:
    """The folder of a run's model, and how it translates: the final one in its own way.

    While there is none yet, the newest checkpoint as the recipe wants it now, which is told on standard error. Raises
    ModelError when there is neither.
    """
    model = find(run)
    if model.parent.name != CHECKPOINTS:
        return model, own_decoding(model)
    warn(f"{run}: no final model yet, so this is of its newest checkpoint, after {int(model.name):,} updates")
    return model, recipe.decoding


def place_of(run: Path, model: Path) -> Path:
    """Where a model's translations stand in its run."""
    kept = run / TRANSLATIONS
    return kept / CHECKPOINTS / model.name if model.parent.name == CHECKPOINTS else kept


def translations(
    model: Path, options: DecodingOptions, tests: Mapping[str, Text], place: Path, device: str = "auto"
) -> dict[str, list[str]]:
    """A model's translations of each test set, those that `place` keeps or new ones, in float32.

    It is not even loaded when there is nothing to translate.
    """
    sources = {name: [pair.source for pair in text.pairs()] for name, text in tests.items()}
    made_by = provenance(model, options)
    found = {}
    translator: Translator | None = None
    for name, source in sources.items():
        wanted = made_by | {"source": _digest(source)}
        lines = _kept(place, name, wanted)
        if lines is None:
            translator = translator or Translator(Bundle.load(model, pick_device(device), packed=True), options)
            lines = translator.translate_all(source)
            keep(place, name, lines, wanted)
        found[name] = lines
    return found


def translate_tests(
    bundle: Bundle, options: DecodingOptions, tests: Mapping[str, Text], run: Path
) -> dict[str, list[str]]:
    """A run's translations of each test set, made anew and kept.

    bundle: the run's final model, as it was loaded from there.
    """
    translator, made_by = Translator(bundle, options), provenance(run / FINAL, options)
    translated = {}
    for name, text in tests.items():
        source = [pair.source for pair in text.pairs()]
        translated[name] = translator.translate_all(source)
        keep(run / TRANSLATIONS, name, translated[name], made_by | {"source": _digest(source)})
    return translated


def keep(place: Path, name: str, lines: Sequence[str], made_by: Document) -> None:
    """Write a test set's translations, and what made them."""
    write_text(place / f"{name}.txt", "".join(line + "\n" for line in lines))
    write_text(place / f"{name}.yaml", to_yaml(made_by | {"translations": _digest(lines)}))


def _kept(place: Path, name: str, made_by: Document) -> list[str] | None:
    """The translations that were made so; None when there are none, or other ones."""
    try:
        known = read_yaml(place / f"{name}.yaml")
    except OptionsError:  # there is none, or none that can be read
        return None
    if not (place / f"{name}.txt").is_file():
        return None
    lines = list(read_lines(place / f"{name}.txt"))
    return lines if known == made_by | {"translations": _digest(lines)} else None


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()
