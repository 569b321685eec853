"""A model with random weights and a vocabulary of its own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nmtk.bundle import Bundle
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

SMALL = {
    "width": 32,
    "heads": 4,
    "inner": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "tying": "none",  # tied random weights say what they read, for ever
    "output_bias": True,
}
WORDS = [
    "the",
    "a",
    "dog",
    "cat",
    "bird",
    "runs",
    "sings",
    "sleeps",
    "on",
    "under",
    "near",
    "house",
    "tree",
    "river",
    "green",
    "old",
    "small",
    "and",
]


def sentences(count: int, seed: int, longest: int = 14) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, longest))).capitalize() + "." for _ in range(count)]


def random_bundle(vocabularies: Vocabularies, seed: int = 1) -> Bundle:
    """Weights that no training has seen, drawn wide enough for sentences to differ and to end."""
    torch.manual_seed(seed)
    model = Transformer(TransformerOptions.model_validate(SMALL), len(vocabularies.source), len(vocabularies.target))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2.0)
        model.output_bias[vocabularies.target.eos] = 4.0
    return Bundle(model.eval(), vocabularies, {}, {})


@pytest.fixture(scope="session")
def vocabularies() -> Vocabularies:
    one = Vocabulary(learn(sentences(400, 0), VocabularyOptions(size=320)))
    return Vocabularies(one, one)


@pytest.fixture(scope="session")
def bundle(vocabularies: Vocabularies) -> Bundle:
    return random_bundle(vocabularies)


@pytest.fixture(scope="session")
def folder(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as a model folder."""
    path = tmp_path_factory.mktemp("models") / "random"
    bundle.save(path)
    return path
