"""Corpora and vocabularies that are only as real as a test needs."""

from functools import cache

import numpy as np
import numpy.typing as npt

from nmtk.data.packed import Sentences
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary
from tests.training.conftest import sentences


@cache
def vocabularies() -> Vocabularies:
    one = Vocabulary(learn(sentences(300, 0), VocabularyOptions(size=280)))
    return Vocabularies(one, one)


class FakeCorpus:
    """Pair i begins with piece 10 + i on both sides, so that a batch tells which pairs it is made of."""

    def __init__(self, size: int, seed: int = 0, longest: int = 20) -> None:
        rng = np.random.default_rng(seed)
        self.source_lengths = rng.integers(1, longest, size).astype(np.int32)
        self.target_lengths = np.clip(self.source_lengths + rng.integers(-2, 3, size), 1, None).astype(np.int32)

    def __len__(self) -> int:
        return len(self.source_lengths)

    def source(self, rows: npt.NDArray[np.int64]) -> Sentences:
        return self._gather(rows, self.source_lengths)

    def target(self, rows: npt.NDArray[np.int64]) -> Sentences:
        return self._gather(rows, self.target_lengths)

    def _gather(self, rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int32]) -> Sentences:
        ids = [10 + row + 1000 * place for row in rows for place in range(lengths[row])]
        return Sentences(np.array(ids, dtype=np.uint32), lengths[rows])
