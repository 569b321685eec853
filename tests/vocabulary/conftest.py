"""A small made-up text, and vocabularies learned from it."""

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from sentencepiece import SentencePieceTrainer

from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabulary

FOREIGN: dict[str, dict[str, Any]] = {
    "t5": {"model_type": "unigram", "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    "opus-mt": {"model_type": "unigram", "eos_id": 0, "unk_id": 1, "bos_id": -1, "pad_id": -1},
    "defaults": {"model_type": "unigram"},
    "llama": {"model_type": "bpe", "byte_fallback": True, "split_digits": True, "normalization_rule_name": "identity"},
    "suffix": {"model_type": "unigram", "treat_whitespace_as_suffix": True},
    "suffix-bpe": {"model_type": "bpe", "treat_whitespace_as_suffix": True},
    "over-spaces": {"model_type": "unigram", "split_by_whitespace": False},
    "spaces-kept": {"model_type": "bpe", "remove_extra_whitespaces": False, "allow_whitespace_only_pieces": True},
    "symbols": {"model_type": "bpe", "user_defined_symbols": ["<x>", "<xy>"], "eos_id": 7},
    "char": {"model_type": "char"},
    "word": {"model_type": "word", "hard_vocab_limit": False},
}
"""Models as others make them: settings other than ours."""


@pytest.fixture(scope="session")
def text() -> list[str]:
    """Lines of words from syllables, so that there is something to learn."""
    draw = random.Random(1)
    syllables = ["ba", "le", "mün", "tro", "schi", "er", "ßig", "ka", "no", "ta", "vi", "go", "él", "un", "7", "dra"]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(400)]
    return [" ".join(draw.choices(words, k=draw.randint(3, 14))) + draw.choice(".?!") for _ in range(600)]


@pytest.fixture(scope="session", params=["unigram", "bpe"])
def learned(request: pytest.FixtureRequest, text: list[str]) -> Vocabulary:
    """A vocabulary of our own, with a symbol."""
    return Vocabulary(learn(text, VocabularyOptions(kind=request.param, size=500, symbols=("<ph>",))))


def _train(text: list[str], **settings: Any) -> bytes:
    model = io.BytesIO()
    settings = {"vocab_size": 160 + 256 * settings.get("byte_fallback", False), "minloglevel": 2, **settings}
    SentencePieceTrainer.Train(sentence_iterator=iter(text), model_writer=model, num_threads=1, **settings)
    return model.getvalue()


@pytest.fixture(scope="session")
def train() -> Callable[..., bytes]:
    """A model straight from SentencePiece: `train(text, vocab_size=100)`."""
    return _train


@pytest.fixture(scope="session")
def foreign(text: list[str]) -> dict[str, bytes]:
    """The model of each entry of FOREIGN."""
    return {name: _train(text, **settings) for name, settings in FOREIGN.items()}
