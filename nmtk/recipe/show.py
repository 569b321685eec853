"""Show: a recipe in some lines, for who wants to know what it is before it is run. Nothing is fetched or made."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nmtk.documents import Document
from nmtk.options import Options
from nmtk.recipe.data import TextOptions
from nmtk.recipe.fetch import Finder
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.shelf import DOCUMENT
from nmtk.recipe.size import parameter_count
from nmtk.recipe.sources.at_hand import AtHand


def show(located: Located, named: Path, run: Path) -> list[str]:
    """What there is to know, a fact to a line, its name before it where it begins. named: as the user calls it."""
    recipe = located.recipe
    facts: list[tuple[str, Iterator[str] | list[str]]] = [
        ("recipe", [f"{recipe.name}: {recipe.description}" if recipe.description else recipe.name]),
        ("languages", [f"{recipe.data.source} to {recipe.data.target}"]),
        ("texts", _texts(recipe)),
        ("files", _files(located, run)),
        ("vocabulary", [_phrase(recipe.vocabulary.document())]),
        ("model", _model(located)),
        ("training", _training(recipe)),
        ("tricks", _tricks(recipe)),
        ("decoding", [_phrase(recipe.decoding.minimal() | {"strategy": recipe.decoding.strategy.document()})]),
        ("expected", _expected(recipe)),
        ("evidence", _evidence(recipe)),
        ("commands", _commands(located, named, run)),
    ]
    return [f"{'' if number else name:<12}{line}" for name, lines in facts for number, line in enumerate(lines)]


def _texts(recipe: Recipe) -> Iterator[str]:
    data = recipe.data
    for name, corpus in zip(data.names(), data.train, strict=True):
        yield _text(f"train {name}", corpus) + ("" if corpus.weight == 1 else f", weight {corpus.weight:g}")
    yield _text("valid", data.valid)
    for name, text in data.test.items():
        yield _text(f"test {name}", text)


def _text(called: str, text: TextOptions) -> str:
    return f"{called}: {', '.join(text.files())}" + (f", lines {text.lines}" if text.lines else "")


def _files(located: Located, run: Path) -> Iterator[str]:
    """Where each file is here, or else where it would come from."""
    data = located.recipe.data
    finder = Finder(data.files, located.folder, run / "text")
    document = data.document()
    texts = (*data.train, data.valid, *data.test.values())
    named = dict.fromkeys(file for text in texts for file in text.files())
    for name in dict.fromkeys([*named, *data.files]):
        source = data.files.get(name, AtHand())
        known = {} if isinstance(source, AtHand) else source.minimal()
        known.pop("sha256", None)
        if place := next(finder.look(name), None):
            yield f"{name}: here, {place[0]} ({place[1]})"
        elif urls := known.pop("url", None):
            yield f"{name}: to be fetched from {' or '.join(urls)}"
        elif known or (known := document.get("translate", {}).get(name)):
            yield f"{name}: to be made: {_phrase(known)}"
        elif data.generate:
            yield f"{name}: to be written by nmtk"
        else:
            yield f"{name}: not here, and without an address: let NMTK_DATA name a folder that has it"


def _model(located: Located) -> Iterator[str]:
    model = located.recipe.model
    layers = f"{model.encoder_layers} encoder and {model.decoder_layers} decoder layers"
    yield f"{parameter_count(located):,} parameters, {model.preset}: {layers}"
    yield f"width {model.width}, {model.heads} heads, inner {model.inner}, {model.activation}, tying {model.tying}"
    yield f"{_phrase(model.positions.document())} positions, {model.norm} norm ({model.norm_order})"


def _training(recipe: Recipe) -> Iterator[str]:
    training = recipe.training
    limits = {
        "updates": training.updates,
        "epochs": training.epochs,
        "target tokens": training.tokens,
        "seconds": training.time,
    }
    ends = [f"{limit:,} {name}" for name, limit in limits.items() if limit]
    if training.early_stop:
        ends.append(
            f"until {training.early_stop.metric} has not got better in {training.early_stop.patience} validations"
        )
    yield f"{' or '.join(ends)}, whichever comes first" if len(ends) > 1 else ends[0]
    yield f"updates of at most {training.effective_tokens:,} tokens of a side" + (
        f" in {training.accumulate} batches" if training.accumulate > 1 else ""
    )
    yield f"optimiser {_phrase(training.optimiser.document())}"
    yield f"schedule {_phrase(training.schedule.document())}; {training.precision} precision, seed {training.seed}"


def _tricks(recipe: Recipe) -> Iterator[str]:
    """All that is there for quality's sake, by name: what papers tend to leave out."""
    model, training, data = recipe.model, recipe.training, recipe.data
    for name, rate in {
        "dropout": model.dropout,
        "attention dropout": model.attention_dropout,
        "feed-forward dropout": model.feedforward_dropout,
        "label smoothing": training.label_smoothing,
        "longest gradient": training.clip_norm,
        "moving average of the weights": training.ema,
    }.items():
        if rate:
            yield f"{name} {rate:g}"
    regularisers: dict[str, Options | None] = {
        "sampled segmentations": training.sampling,
        "word dropout": training.word_dropout,
        "consistency": training.consistency,
    }
    for name, options in regularisers.items():
        if options:
            yield f"{name}: {_phrase(options.document())}"
    average = training.average
    yield f"mean of the {average.take} {average.count} checkpoints, one every {training.checkpoint.every:,} updates"
    yield f"filters: {_phrase(data.filters.document())}; training pairs of the test sets: {data.held_out}"


def _expected(recipe: Recipe) -> Iterator[str]:
    for test, bounds in recipe.expect.items():
        for name, (low, high) in bounds.items():
            yield f"{test} {name}: {low:g} to {high:g}  {recipe.evidence.signatures.get(name, '')}".rstrip()
    if not any(recipe.expect.values()):
        yield "nothing yet"


def _evidence(recipe: Recipe) -> Iterator[str]:
    evidence = recipe.evidence
    took = f"{evidence.hours:g} hours" if evidence.hours else ""
    parts = [part for part in (evidence.source, took, evidence.hardware) if part]
    yield f"{evidence.kind}: {', '.join(parts)}" if parts else evidence.kind


def _commands(located: Located, named: Path, run: Path) -> Iterator[str]:
    called = shlex.quote(str(named.parent if named.name == DOCUMENT else named))
    yield f"nmtk train {called} --dry-run      # the whole job in seconds, with little text and a small model"
    yield f"nmtk train {called}"
    yield f"nmtk recipe verify {called}        # the same, and then a verdict"
    data = located.recipe.data
    yield f"nmtk translate -m {shlex.quote(str(run))} < in.{data.source} > out.{data.target}"


def _phrase(document: Document) -> str:
    """Options in words: the kind first, then each key with its value; what is not set is left out."""
    parts = [str(document["kind"])] if "kind" in document else []
    for key, value in document.items():
        if key == "kind" or value is None or value is False or value in ((), []):
            continue
        parts.append(key if value is True else f"{key.replace('_', ' ')} {_value(value)}")
    return ", ".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"({_phrase(value)})"
    if isinstance(value, list | tuple):
        return " ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
