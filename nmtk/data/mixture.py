"""Several packed corpora as one, and sampled segmentations of their sentences."""

from collections.abc import Sequence

import numpy as np

from nmtk.data.batches import Batch, collate, flatten
from nmtk.data.corpus import Corpus
from nmtk.data.packed import Sentences
from nmtk.data.plan import Plan, Rows, plan_epoch
from nmtk.errors import DataError
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary


class Mixture:
    """Several corpora as one: pairs are numbered through, one corpus after the other."""

    def __init__(self, corpora: Sequence[Corpus], weights: Sequence[float], vocabularies: Vocabularies) -> None:
        self.corpora, self.weights, self.vocabularies = tuple(corpora), tuple(weights), vocabularies
        self.sizes = [len(corpus) for corpus in corpora]
        self._first = np.concatenate([[0], np.cumsum(self.sizes)])
        self.source_lengths = np.concatenate([corpus.source_lengths for corpus in corpora]) + np.int32(1)
        self.target_lengths = np.concatenate([corpus.target_lengths for corpus in corpora]) + np.int32(1)

    def plan(self, batch_tokens: int, seed: int, epoch: int) -> Plan:
        """The plan of an epoch over all corpora. Raises DataError when their weights leave no pair of them."""
        lengths = self.source_lengths, self.target_lengths
        plan = plan_epoch(*lengths, self.sizes, self.weights, batch_tokens, seed, epoch)
        if not len(plan):
            shares = ", ".join(f"{weight:g} of {size:,}" for weight, size in zip(self.weights, self.sizes, strict=True))
            raise DataError(f"data.train: no pair in an epoch ({shares} pairs), wanted a larger weight")
        return plan

    def batch(self, rows: Rows, alpha: float | None = None, seed: Sequence[int] = ()) -> Batch:
        """The pairs of these numbers as a batch.

        alpha: segment both sides anew, by sampling (see `Vocabulary.sample`), decided by `seed`; a sentence with
        unknown characters keeps its segmentation, as its text is not in the packed corpus.
        """
        owners = np.searchsorted(self._first, rows, side="right") - 1
        groups = [(corpus, rows[owners == at] - self._first[at]) for at, corpus in enumerate(self.corpora)]
        groups = [(corpus, local) for corpus, local in groups if len(local)]
        source = _join([corpus.source(local) for corpus, local in groups])
        target = _join([corpus.target(local) for corpus, local in groups])
        if alpha is not None:
            rng = np.random.default_rng(seed)
            source = resegment(source, self.vocabularies.source, alpha, rng)
            target = resegment(target, self.vocabularies.target, alpha, rng)
        return collate(source, target, self.vocabularies)


def _join(parts: Sequence[Sentences]) -> Sentences:
    if len(parts) == 1:
        return parts[0]
    ids = np.concatenate([part.ids for part in parts])
    return Sentences(ids, np.concatenate([part.lengths for part in parts]))


def resegment(side: Sentences, vocabulary: Vocabulary, alpha: float, rng: np.random.Generator) -> Sentences:
    """The same sentences cut into pieces anew, by sampling (Kudo 2018; Provilkov et al. 2020)."""
    sentences = [ids.tolist() for ids in side.split()]
    sampled = vocabulary.sample(vocabulary.decode(sentences), alpha, rng)
    return flatten([old if vocabulary.unk in old else new for old, new in zip(sentences, sampled, strict=True)])
