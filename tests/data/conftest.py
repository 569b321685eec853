"""Small real vocabularies, and pairs of every kind that text on disk comes in."""

import io
import random
from collections.abc import Callable
from functools import cache

import pytest
import sentencepiece

from nmtk.data.pairs import Pair
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

TEXT = "ein Haus steht am Fluss und die Katze schläft im Garten while the small dog runs over green hills today"
WORDS = TEXT.split()


@cache
def learned(size: int) -> Vocabulary:
    """A vocabulary of so many pieces; what it does not know becomes `<unk>`."""
    rng = random.Random(1)
    lines = [" ".join(rng.choices(WORDS, k=rng.randint(1, 12))) for _ in range(300)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=size,
        model_type="bpe",
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        minloglevel=2,
    )
    return Vocabulary(model.getvalue())


@pytest.fixture
def vocabularies() -> Vocabularies:
    """Two different vocabularies, source and target."""
    return Vocabularies(learned(90), learned(60))


@pytest.fixture
def other_vocabularies() -> Vocabularies:
    """Another source vocabulary with the same target."""
    return Vocabularies(learned(70), learned(60))


@pytest.fixture
def some_pairs() -> Callable[[int, int], list[Pair]]:
    """So many random pairs of a seed: short and long, lopsided, repeated, copied, empty, blank and unknown."""

    def make(count: int, seed: int = 0) -> list[Pair]:
        rng = random.Random(seed)

        def text() -> str:
            if rng.random() < 0.1:
                return rng.choice(["", " ", "\u3000", "\u00a0 \t", "\r", "\u2028", "漢字", "☃ ☃"])
            return " ".join(rng.choices(WORDS, k=rng.choice([1, 2, 3, 5, 8, 13, 40, 120])))

        pairs: list[Pair] = []
        for line in range(1, count + 1):
            source, target = text(), text()
            if rng.random() < 0.1:
                target = source
            if pairs and rng.random() < 0.1:
                source, target, _ = rng.choice(pairs)
            pairs.append(Pair(source, target, line))
        return pairs

    return make
