"""Verify: does a recipe keep its contract here? Its whole job is done, and what it promises is held against the result.

Each time, and whether it trained just now or long ago, the final model is read from the run's folder and translates the
test sets anew, once (`nmtk.recipe.run`): nothing kept from before is believed. What was found stands in the run's
verification.json, each check with what it saw.
"""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nmtk.bundle import CARD, FINAL, WEIGHTS
from nmtk.documents import Document, read_yaml
from nmtk.errors import OptionsError
from nmtk.files import sha256, write_text
from nmtk.processes import own_rank
from nmtk.recipe.contract import comparable
from nmtk.recipe.evaluate import Scores
from nmtk.recipe.machine import machine
from nmtk.recipe.prepare import PREPARED, Prepared, prepare
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.run import train
from nmtk.training.options import TrainingOptions

VERIFICATION = "verification.json"
OF_THE_MACHINE = ("training.device", "training.threads", "training.compile", "training.sharding", "training.log_every")
"""Settings that leave the contract as it is."""
_MACHINE = ("nmtk", "python", "system", "torch", "cuda", "devices", "cores", "threads")
_PACKAGES = ("numpy", "sacrebleu", "safetensors", "sentencepiece")


class Check(NamedTuple):
    """One promise, and whether it is kept."""

    holds: bool
    what: str
    """data, training, score or signature."""
    told: str
    """What was found, and what was wanted."""

    def __str__(self) -> str:
        return f"{'ok' if self.holds else 'FAILED':6}  {self.what:9}  {self.told}"


def check_settings(settings: Sequence[str]) -> None:
    """Raise OptionsError for a setting that would change what is promised."""
    for setting in settings:
        key = setting.partition("=")[0]
        if key not in OF_THE_MACHINE:
            raise OptionsError(
                f"{key}: it changes what the recipe promises: wanted one of {', '.join(OF_THE_MACHINE)}; "
                "nmtk train takes all others"
            )


def verify(located: Located, run: Path, console: Console) -> list[Check] | None:
    """Train by a recipe or go on with it, and check the result, on the first rank; None when a signal stopped it.

    Raises OptionsError for a recipe that promises nothing, and what training raises.
    """
    began = time.monotonic()
    recipe = located.recipe
    if not any(recipe.expect.values()):
        raise OptionsError(
            f"{recipe.name}: no score is expected, so there is nothing to verify: wanted expect; nmtk train trains it"
        )
    scores = train(located, run, False, console)
    if scores is None:
        return None
    if own_rank():
        return []
    prepared = prepare(located, run, console)
    trained = read_yaml(run / FINAL / CARD)["training"]
    checks = [*_data(recipe, prepared, run), *check_training(recipe.training, trained), *_scores(recipe, scores)]
    document = {
        "format": 1,
        "recipe": recipe.name,
        "verdict": "green" if green(checks) else "red",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "checks": [check._asdict() for check in checks],
        "evidence": recipe.evidence.document(),
        "scores": {test: {name: score.json(4) for name, score in found.items()} for test, found in scores.items()},
        "training": trained,
        "weights": sha256(run / FINAL / WEIGHTS),
        "vocabulary": prepared.vocabularies.digest,
        "files": [found.document() for found in prepared.texts.manifest],
        "machine": {key: value for key, value in machine().items() if key in _MACHINE},
        "packages": {name: version(name) for name in _PACKAGES},
        "seconds": round(time.monotonic() - began, 1),
    }
    write_text(run / VERIFICATION, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return checks


def green(checks: Sequence[Check]) -> bool:
    """Whether every promise is kept."""
    return all(check.holds for check in checks)


def verdict(checks: Sequence[Check]) -> str:
    """In one line."""
    kept = sum(check.holds for check in checks)
    return f"verdict: {'green' if green(checks) else 'red'}: {kept} of {len(checks)} checks hold"


def _data(recipe: Recipe, prepared: Prepared, run: Path) -> Iterator[Check]:
    """The files: those that the recipe means (which finding them has checked), and those that the run was made from."""
    packed: Document = read_yaml(run / PREPARED)["files"]
    for found in prepared.texts.manifest:
        known = recipe.data.files.get(found.name)
        wanted = known.sha256 if known else None
        said = "as in the recipe" if wanted else "of which the recipe says nothing"
        told = f"{found.name}: sha256 {found.sha256}, {said}"
        if (before := packed.get(found.name)) != found.sha256:
            told = f"{found.name}: found sha256 {found.sha256}, but the run was made from {before}"
        yield Check(wanted in (None, found.sha256) and before == found.sha256, "data", told)


def check_training(options: TrainingOptions, done: Document) -> Iterator[Check]:
    """Hold what a model's card knows of its training to the recipe: trained for longer, it would prove nothing.

    Updates and epochs end where they are to. The last update may have some tokens beyond their limit, fewer than an
    update has; it may also take long, with a validation before it, for which a tenth of the time is allowed.
    """
    limits = (
        ("updates", done["updates"], options.updates, 0),
        ("epochs", done["epochs"], options.epochs, 0),
        ("tokens", done["target_tokens"], options.tokens, options.effective_tokens - 1),
        ("seconds", done["seconds"], options.time, (options.time or 0) / 10),
    )
    for unit, found, wanted, beyond in limits:
        if wanted is not None:
            yield Check(found <= wanted + beyond, "training", f"{found:,.10g} {unit}, wanted {wanted:,.10g}")
    if not any(wanted for _, _, wanted, _ in limits):
        yield Check(True, "training", f"{done['updates']:,} updates, ended by early_stop alone")


def _scores(recipe: Recipe, scores: Scores) -> Iterator[Check]:
    for test, expected in recipe.expect.items():
        for name, (low, high) in expected.items():
            score = scores[test][name]
            told = f"{test} {name}: {score.score:.2f}, wanted {low:g} to {high:g}"
            yield Check(low <= score.score <= high, "score", told)
    for test, found in scores.items():
        for name, recorded in recipe.evidence.signatures.items():
            if name not in found:
                continue
            signature = found[name].signature
            same = comparable(signature, recorded)
            told = f"{test} {name}: {signature}" + ("" if same else f", wanted {recorded}")
            yield Check(same, "signature", told)
