"""The task: Multi30k English to German, made ready once, so that every engine trains on the same pieces and sizes.

All numbers of the benchmark stand in SETTINGS, laid over nmtk's own recipe; the peers' configurations are written
from the recipe that comes of it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from nmtk.documents import to_yaml
from nmtk.files import write_text
from nmtk.recipe.prepare import prepare
from nmtk.recipe.recipe import Recipe, load
from nmtk.training.optimisers import Adam

SETTINGS = (
    "data.test={}",
    "expect={}",
    "vocabulary.size=8000",
    "model={preset: tiny, norm_order: post}",
    "model.width=256",
    "model.heads=4",
    "model.inner=1024",
    "model.encoder_layers=3",
    "model.decoder_layers=3",
    "model.dropout=0.1",
    "model.attention_dropout=0.1",  # in all the places where there can be one: JoeyNMT and eole know only all of them
    "model.feedforward_dropout=0.1",
    "training.batch_tokens=4096",
    "training.optimiser={kind: adam, rate: 1e-3, betas: [0.9, 0.98], epsilon: 1e-9}",
    "training.schedule={kind: inverse-sqrt, warmup: 400}",
    "training.label_smoothing=0.1",
    "training.clip_norm=1.0",
    "training.seed=1",
    "training.validation={every: 1M, metrics: [loss]}",
    "training.checkpoint.every=1M",
    "training.updates=1M",  # more than any engine is given time for
)


class Task(NamedTuple):
    """Where the data is, and what is to be trained on it.

    recipe.yaml                       nmtk's
    vocabulary/vocabulary.model       SentencePiece's
    pieces.txt                        its pieces, one a line, in the order of their ids
    train.en train.de valid.en valid.de       sentences as pieces between spaces
    """

    folder: Path
    recipe: Recipe
    threads: int
    pairs: int
    target_tokens: int
    """Of an epoch, `</s>` included."""

    @property
    def adam(self) -> Adam:
        """The optimiser, as SETTINGS have it."""
        assert isinstance(self.recipe.training.optimiser, Adam)
        return self.recipe.training.optimiser

    def text(self, split: str, side: str) -> Path:
        """The pieces of one side of `train` or `valid`."""
        return self.folder / f"{split}.{side}"


def make_ready(folder: Path, threads: int, settings: Sequence[str] = ()) -> Task:
    """Learn the vocabulary, choose the pairs and cut them into pieces, by nmtk's own preparation."""
    folder = folder.absolute()
    located = load(Path("multi30k-en-de"), [*SETTINGS, *settings])
    prepared = prepare(located, folder, Console(stderr=True))
    vocabulary = prepared.vocabularies.target
    write_text(folder / "pieces.txt", _lines(vocabulary.pieces(range(len(vocabulary)))))
    corpus, rows = prepared.mixture.corpora[0], np.arange(prepared.mixture.sizes[0])
    target = corpus.target(rows)
    held_out = list(prepared.texts.valid.pairs())
    sides: dict[str, Iterable[Any]] = {
        "train.en": corpus.source(rows).split(),
        "train.de": target.split(),
        "valid.en": vocabulary.encode([pair.source for pair in held_out]),
        "valid.de": vocabulary.encode([pair.target for pair in held_out]),
    }
    for name, sentences in sides.items():
        write_text(folder / name, _lines(" ".join(vocabulary.pieces(ids)) for ids in sentences))
    recipe = Recipe.parse(
        located.recipe.document() | {"vocabulary": {"file": str(folder / "vocabulary" / "vocabulary.model")}}, "task"
    )
    write_text(folder / "recipe.yaml", to_yaml(recipe.document()))
    return Task(folder, recipe, threads, len(rows), len(target.ids) + len(rows))


def _lines(texts: Iterable[str]) -> str:
    return "".join(text + "\n" for text in texts)
