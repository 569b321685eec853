"""What is fed to nmtk and to others is what is counted and shown."""

from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nmtk.data.cursor import walk
from nmtk.data.mixture import Mixture
from nmtk.data.packed import Sentences
from nmtk.data.pairs import Pair
from nmtk.recipe.recipe import load
from nmtk.training.flops import Lengths
from tests.benchmarks.gpu.fixed import fixed_batches
from tests.benchmarks.gpu.huggingface import unsorted
from tests.benchmarks.gpu.own import Own
from tests.benchmarks.gpu.task import TINY, Task
from tests.training.kit import FakeCorpus, vocabularies

PAIRS = 150
CPU = torch.device("cpu")


class SmallCorpus(FakeCorpus):
    """Of pieces that there are."""

    def _gather(self, rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int32]) -> Sentences:
        sentences = super()._gather(rows, lengths)
        return sentences._replace(ids=sentences.ids % 250)


def mixture(corpus: type[FakeCorpus] = SmallCorpus) -> Mixture:
    return Mixture([corpus(PAIRS)], [1.0], vocabularies())  # type: ignore[list-item]


def test_a_turn_counts_what_the_trainer_was_fed_after_its_first_update() -> None:
    recipe = load(Path("quickstart"), TINY).recipe
    task = Task(recipe, vocabularies(), mixture(), [Pair("a b c", "c b a", 1)] * 3)
    own = Own("own", task, recipe.model, 64, CPU, compile=False)
    fed = [share.batches for share in islice(walk(task.mixture, 64, 1, own.trainer.options.seed), 4)]
    for number in (1, 3):
        turn = own.turn(0.0)
        assert turn.updates == 1
        assert turn.lengths == Lengths.of_batches(fed[number])
        assert turn.positions == sum(batch.source_BS.numel() + batch.gold_BT.numel() for batch in fed[number])
        assert turn.seconds > 0
    own.close()


def test_unsorted_batches_are_all_pairs_of_an_epoch_and_no_larger_than_asked_for() -> None:
    batches = unsorted(mixture(FakeCorpus), 64)
    seen: list[int] = []
    while len(seen) < PAIRS - 20:
        batch = next(batches)
        assert max(batch.source_BS.numel(), batch.gold_BT.numel()) <= 64
        seen += batch.source_BS[:, 0].tolist()
    assert len(set(seen)) == len(seen)
    assert seen != sorted(seen)


def test_batches_of_fixed_shapes_have_one_number_of_sentences_for_each_length() -> None:
    batches = list(islice(fixed_batches(mixture(), 256, CPU), 12))
    shapes = [tuple(fed.given.gold_BT.shape) for fed in batches]
    assert set(shapes[:2]) == set(shapes) == {(16, 16), (8, 24)}, "one of each comes first"
    for fed in batches:
        assert fed.given.gold_BT.shape == fed.given.source_BT.shape
        assert fed.positions == 2 * fed.given.gold_BT.numel()
        assert fed.lengths.source == int(fed.given.source_lengths_B.sum())
