"""Dry run: a recipe's whole job in seconds, with little text and a small model of the same kind.

So it is for each recipe of its chain, one after the other. A text that a model is to make is tried in a few lines, and
what is trained on is a sample, for what a model of six updates writes is no language.

Texts, vocabulary, packing, updates, validation, checkpoints, their mean, translation and scores: all of it happens as
it will, in a folder that is deleted in the end. What decides the time is cut; all else stays as the recipe has it:
positions, norms, activation and tying of the model, its dropout, optimiser, schedule and regularisers, decoding.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rich.console import Console

from nmtk.devices import pick_device
from nmtk.documents import Document
from nmtk.errors import OptionsError
from nmtk.processes import world_size
from nmtk.recipe.chain import Stage, chain_of
from nmtk.recipe.contract import comparable
from nmtk.recipe.evaluate import Scores
from nmtk.recipe.making import Making, make
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.run import train
from nmtk.recipe.sample import HELD_OUT, Sample, sample
from nmtk.recipe.size import parameter_count
from nmtk.training.distributed import Ranks
from nmtk.vocabulary.learn import BYTES, SPECIAL, VocabularyOptions

UPDATES, VALIDATE_EVERY, SAVE_EVERY = 6, 3, 2
TOKENS = 512
WIDTH, HEADS, INNER, LAYERS = 32, 2, 64, 2
PIECES = 200
"""The most that a vocabulary has beside those that it must have."""
PERTURBED = 2
"""Lines of the robustness card: one of its changes joins two."""
SLOW = {"comet"}
"""Metrics that need minutes, and a model from the network."""


class Tried(NamedTuple):
    """What came of a dry run."""

    facts: dict[str, str]
    sound: bool
    """Whether scores have the signatures that the recipe's evidence has."""


class Rehearsed(NamedTuple):
    """What came of one recipe of a chain."""

    texts: Sample
    small: Recipe
    scores: Scores
    signatures: list[str]
    """Those that are not as recorded."""


def dry_run(located: Located) -> Tried:
    """Do a recipe's whole job with little. Raises what that job would raise, and leaves nothing behind."""
    began = time.monotonic()
    recipe = located.recipe
    if (ranks := world_size()) != 1:
        raise OptionsError(f"dry run: found {ranks} ranks, wanted one process")
    with TemporaryDirectory(prefix="nmtk-dry-run-") as name:
        stages = chain_of(located, Path(name) / "runs" / recipe.name)
        rehearsed = [_rehearse(stage, Path(name) / "texts" / stage.run.name) for stage in stages]
    texts, small, scores, _ = rehearsed[-1]
    signatures = [line for one in rehearsed for line in one.signatures]
    shown = [f"{test}: {', '.join(score.name for score in found.values())}" for test, found in scores.items()]
    made = {f"text {name}": f"{HELD_OUT} lines made by {made.by}" for name, made in recipe.data.translate.items()}
    facts = {
        "recipe": f"{recipe.name}: {parameter_count(located):,} parameters in full",
        **({"after": ", ".join(stage.located.recipe.name for stage in stages[:-1])} if stages[1:] else {}),
        **made,
        **texts.told,
        "cut": "; ".join(_differences(recipe.document(), small.document())),
        "done": f"vocabulary, packing, {UPDATES} updates, validation, checkpoints, their mean, translation",
        "scored": "; ".join(shown) or "no test set",
        "signatures": "; ".join(signatures) or "as recorded" if recipe.evidence.signatures else "none recorded",
        "took": f"{time.monotonic() - began:.1f} s, and leaves nothing behind",
    }
    return Tried(facts, not signatures)


def _rehearse(stage: Stage, folder: Path) -> Rehearsed:
    """Do the job of one recipe, when those before it in its chain have been done; its sample goes into the folder."""
    recipe, quiet = stage.located.recipe, Console(quiet=True)
    texts = sample(stage.located, folder)
    small = cut(stage.located, texts)
    alone = Ranks(0, 1, pick_device(recipe.training.device))
    lines = folder / texts.data.valid.files()[0]
    makings = [
        Making(name, made, stage.models[name], lines, folder / "made") for name, made in recipe.data.translate.items()
    ]
    ended = all(make(making, recipe.training.threads, alone, quiet) for making in makings)
    scores = train(Located(small, folder), stage.run, False, quiet) if ended else None
    if scores is None:
        raise KeyboardInterrupt  # whoever works minds the signal itself, and ends well
    return Rehearsed(texts, small, scores, list(_signatures(recipe, scores)))


def cut(located: Located, texts: Sample) -> Recipe:
    """The recipe with the sample for its data, and a small model of the same kind that is trained for a few updates."""
    recipe, folder = located
    document = recipe.document()
    model, training, vocabulary = document["model"], document["training"], document["vocabulary"]
    if model["width"] > WIDTH:
        model |= {"width": WIDTH, "heads": min(HEADS, model["heads"])}
    for size, most in {"inner": INNER, "encoder_layers": LAYERS, "decoder_layers": LAYERS}.items():
        model[size] = min(most, model[size])
    training |= {"updates": UPDATES, "epochs": None, "tokens": None, "time": None}
    training |= {"batch_tokens": TOKENS, "update_tokens": None, "accumulate": min(2, training["accumulate"])}
    training |= {"log_every": 1, "compile": False, "sharding": "none"}
    training["validation"] |= {"every": VALIDATE_EVERY}
    training["checkpoint"] |= {"every": SAVE_EVERY}
    document["robustness"]["lines"] = min(PERTURBED, recipe.robustness.lines)
    vocabulary["size"] = _pieces(recipe.vocabulary, texts)
    for file in ("file", "source_file", "target_file"):
        if vocabulary[file] and (folder / vocabulary[file]).is_file():
            vocabulary[file] = str((folder / vocabulary[file]).absolute())
    expect = {
        test: {name: bounds for name, bounds in found.items() if name not in SLOW}
        for test, found in document["expect"].items()
    }
    return Recipe.parse(
        document | {"data": texts.data.document(), "expect": expect}, f"{recipe.name}, cut for a dry run"
    )


def _pieces(options: VocabularyOptions, texts: Sample) -> int:
    """A size that the sample can fill: all that a vocabulary must have, and half as many pieces as words come again."""
    sides = [[*texts.lines[0], *texts.lines[1]]] if options.joint else texts.lines
    fixed = len(SPECIAL) + len(options.symbols) + (BYTES if options.byte_fallback else 0)
    characters = max(len(set(" ").union(*side)) for side in sides)  # a line begins with a blank, in pieces
    counts = [Counter(word for line in side for word in line.split()) for side in sides]
    again = min(sum(count > 1 for count in words.values()) for words in counts)
    return fixed + characters + min(PIECES, again // 2)


def _signatures(recipe: Recipe, scores: Scores) -> Iterator[str]:
    """Where a score has another signature than the recipe's evidence."""
    for test, found in scores.items():
        for name, recorded in recipe.evidence.signatures.items():
            if name in found and not comparable(found[name].signature, recorded):
                yield f"{test} {name}: found {found[name].signature}, recorded {recorded}"


def _differences(old: Document, new: Document, prefix: str = "") -> Iterator[str]:
    """What was cut, but for the texts."""
    for key in old:
        was: Any = old[key]
        now = new.get(key)
        if prefix + key != "data" and was != now:
            if isinstance(was, dict) and isinstance(now, dict):
                yield from _differences(was, now, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key} {json.dumps(was)} to {json.dumps(now)}"
