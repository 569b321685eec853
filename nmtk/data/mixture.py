"""Several packed corpora as one, read in sections, and sampled segmentations of their sentences."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from nmtk.data.batches import Batch, collate, flatten
from nmtk.data.corpus import Corpus
from nmtk.data.epoch import Epoch
from nmtk.data.packed import Rows, Sentences, Shelf
from nmtk.data.plan import plan_batches
from nmtk.errors import DataError
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary


class Mixture:
    """Several corpora as one, each with the weight it has in an epoch."""

    def __init__(
        self,
        corpora: Sequence[Corpus],
        weights: Sequence[float],
        vocabularies: Vocabularies,
        longest: int | None = None,
    ) -> None:
        """longest: pieces of a sentence, `</s>` not among them, that no sampled segmentation is to exceed."""
        self.corpora, self.weights, self.vocabularies = tuple(corpora), tuple(weights), vocabularies
        self.longest = longest
        self.sizes = [len(corpus) for corpus in corpora]

    def epoch(self, seed: int, number: int) -> Epoch:
        """An epoch over all corpora. Raises DataError when their weights leave no pair of them."""
        epoch = Epoch(self.sizes, self.weights, seed, number)
        if not len(epoch):
            shares = ", ".join(f"{weight:g} of {size:,}" for weight, size in zip(self.weights, self.sizes, strict=True))
            raise DataError(f"data.train: no pair in an epoch ({shares} pairs), wanted a larger weight")
        return epoch

    def section(self, epoch: Epoch, places: range, batch_tokens: int) -> "Section":
        """Read and plan the pairs at these places of an epoch."""
        rows = epoch.rows(places)
        source = _join([_read(self.corpora[corpus].source, found) for corpus, found in rows])
        target = _join([_read(self.corpora[corpus].target, found) for corpus, found in rows])
        rng = np.random.default_rng([epoch.seed, epoch.number, 0, places.stop])
        return Section(source, target, self.vocabularies, places, batch_tokens, rng, self.longest)


class Section:
    """Some pairs of an epoch: in memory, and planned in batches."""

    def __init__(
        self,
        source: Sentences,
        target: Sentences,
        vocabularies: Vocabularies,
        places: range,
        batch_tokens: int,
        rng: np.random.Generator,
        longest: int | None = None,
    ) -> None:
        """places: those that the pairs have in their epoch, all together. longest: see `Mixture`."""
        self._longest = longest
        self._source, self._target, self._vocabularies = Shelf(source), Shelf(target), vocabularies
        self.source_lengths, self.target_lengths = source.lengths + np.int32(1), target.lengths + np.int32(1)
        """Tokens of each pair, `</s>` included."""
        self.plan = plan_batches(self.source_lengths, self.target_lengths, batch_tokens, rng)
        self.ends = places.start + self.plan.cuts
        """How many pairs of the epoch are done before the first batch, and after each."""

    def batches_before(self, taken: int) -> int:
        """How many batches are done when so many pairs of the epoch are. Raises DataError when one is half done."""
        number = int(np.searchsorted(self.ends, taken))
        if self.ends[number] != taken:
            raise DataError(
                f"no batch ends after {taken:,} pairs of the epoch: the corpora or their batches changed: "
                "put back those of the checkpoint, or use --overwrite to start over"
            )
        return number

    def tokens(self, rows: Rows) -> int:
        """Real target tokens of some pairs, `</s>` included."""
        return int(self.target_lengths[rows].sum())

    def batch(self, rows: Rows, alpha: float | None = None, seed: Sequence[int] = ()) -> Batch:
        """The pairs of these numbers as a batch.

        alpha: segment both sides anew, by sampling (see `Vocabulary.sample`), decided by `seed` and the pair's number
        alone, whatever batch it is in; a sentence with unknown characters keeps its segmentation, as its text is not
        in the packed corpus, and so does one that would become longer than a sentence may be.
        """
        source, target = self._source.gather(rows), self._target.gather(rows)
        if alpha is not None:
            rngs = [np.random.default_rng([*seed, int(row)]) for row in rows]
            source = resegment(source, self._vocabularies.source, alpha, rngs, self._longest)
            target = resegment(target, self._vocabularies.target, alpha, rngs, self._longest)
        return collate(source, target, self._vocabularies)


def _read(read: Callable[[Rows], Sentences], rows: Rows) -> Sentences:
    """Sentences of rows in rising order, of which some may stand there several times: each is read once."""
    unique, copies = np.unique(rows, return_inverse=True)
    sentences = read(unique)
    return sentences if len(unique) == len(rows) else Shelf(sentences).gather(copies)


def _join(parts: Sequence[Sentences]) -> Sentences:
    if len(parts) == 1:
        return parts[0]
    ids = np.concatenate([part.ids for part in parts])
    return Sentences(ids, np.concatenate([part.lengths for part in parts]))


def resegment(
    side: Sentences,
    vocabulary: Vocabulary,
    alpha: float,
    rngs: Sequence[np.random.Generator],
    longest: int | None = None,
) -> Sentences:
    """The same sentences cut anew, by sampling (Kudo 2018; Provilkov et al. 2020), each by its own generator."""
    most = math.inf if longest is None else longest
    sentences = [ids.tolist() for ids in side.split()]
    texts = zip(vocabulary.decode(sentences), rngs, strict=True)
    sampled = [vocabulary.sample([text], alpha, rng)[0] for text, rng in texts]
    return flatten(
        [old if vocabulary.unk in old or len(new) > most else new for old, new in zip(sentences, sampled, strict=True)]
    )
