"""Laws of the walk through the data, whatever the sections that an epoch is cut into."""

import threading
import weakref
from collections import Counter
from itertools import islice, takewhile

import numpy as np
import pytest

from nmtk.data import epoch
from nmtk.data.batches import flatten
from nmtk.data.cursor import Cursor, Share, walk
from nmtk.data.epoch import Epoch
from nmtk.data.mixture import Mixture, Section
from nmtk.data.packed import Rows, Sentences, Shelf
from nmtk.errors import DataError
from tests.training.conftest import sentences
from tests.training.kit import FakeCorpus, vocabularies

PAIRS = 150


class WatchedCorpus(FakeCorpus):
    """Notes how many rows are read at once."""

    def __init__(self, size: int, seed: int = 0) -> None:
        super().__init__(size, seed)
        self.reads: list[int] = []

    def source(self, rows: Rows) -> Sentences:
        self.reads.append(len(rows))
        return super().source(rows)


def mixture(*weights: float) -> Mixture:
    corpora = [WatchedCorpus(PAIRS, seed) for seed, _ in enumerate(weights)]
    return Mixture(corpora, weights, vocabularies())  # type: ignore[arg-type]


def an_epoch(of: Mixture, number: int = 1, **options: int) -> list[Share]:
    shares = walk(of, 64, options.pop("accumulate", 1), 3, Cursor(number), **options)
    return list(takewhile(lambda share: share.after.epoch == number, shares))


def pairs(shares: list[Share]) -> Counter[int]:
    """Pairs by the first piece of their source, as `FakeCorpus` has it."""
    return Counter(first for share in shares for batch in share.batches for first in batch.source_BS[:, 0].tolist())


def same(one: Share, other: Share) -> bool:
    return (
        one.after == other.after
        and one.tokens == other.tokens
        and one.epochs == other.epochs
        and all(
            a.source_BS.equal(b.source_BS) and a.gold_BT.equal(b.gold_BT)
            for a, b in zip(one.batches, other.batches, strict=True)
        )
    )


@pytest.fixture(params=[1, 20, 150, 1 << 20])
def section(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(epoch, "SECTION", request.param)
    return int(request.param)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_an_epoch_has_every_pair_once_and_counts_them(section: int, accumulate: int) -> None:
    shares = an_epoch(mixture(1.0), accumulate=accumulate)
    assert pairs(shares) == Counter(range(10, 10 + PAIRS))
    done = 0
    for share in shares:
        done += sum(len(batch.source_BS) for batch in share.batches)
        assert share.after == Cursor(1, done)
        assert share.epochs == done / PAIRS
        assert share.tokens == sum(batch.tokens for batch in share.batches)
    assert shares[-1].epochs == 1.0


def test_weights_hold_over_sections(section: int) -> None:
    of = mixture(2.0, 0.5)
    seen = pairs(an_epoch(of))
    assert seen.total() == PAIRS * 2 + PAIRS // 2
    assert all(2 <= seen[first] <= 3 for first in range(10, 10 + PAIRS))
    assert pairs(an_epoch(of, 2)) != seen


def test_from_any_cursor_the_walk_goes_on_as_if_unbroken(section: int) -> None:
    of = mixture(1.0, 0.4)
    unbroken = list(islice(walk(of, 100, 2, 5), len(an_epoch(of)) + 5))
    assert unbroken[-1].after.epoch == 2
    for number in range(0, len(unbroken) - 1, 5):
        resumed = walk(of, 100, 2, 5, unbroken[number].after)
        assert all(same(*both) for both in zip(islice(resumed, 3), unbroken[number + 1 :], strict=False))


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_the_pairs_of_one(section: int, ranks: int) -> None:
    of = mixture(1.0)
    alone = an_epoch(of, accumulate=2)
    together = [an_epoch(of, accumulate=2, rank=rank, ranks=ranks) for rank in range(ranks)]
    for share, *parts in zip(alone, *together, strict=True):
        assert {(part.after, part.tokens, part.epochs) for part in parts} == {(share.after, share.tokens, share.epochs)}
        real = [batch for part in parts for batch in part.batches if batch.tokens]
        assert sum((Counter(batch.source_BS[:, 0].tolist()) for batch in real), Counter()) == pairs([share])


class Words(FakeCorpus):
    """Sentences of real pieces, which can be cut otherwise."""

    def __init__(self) -> None:
        super().__init__(PAIRS)
        encoded = flatten(vocabularies().source.encode(sentences(PAIRS, 7)))
        self.source_lengths = self.target_lengths = encoded.lengths
        self.source = self.target = Shelf(encoded).gather  # type: ignore[method-assign]


@pytest.mark.parametrize("ranks", [2, 3])
def test_sampled_segmentations_are_those_of_one_rank(ranks: int) -> None:
    def seen(**options: int) -> Counter[tuple[int, ...]]:
        of = Mixture([Words()], [1.0], vocabularies())  # type: ignore[list-item]
        shares = takewhile(lambda share: share.after.epoch == 1, walk(of, 64, 1, 3, alpha=0.2, **options))
        batches = [batch for share in shares for batch in share.batches if len(batch.real_N)]
        pad = vocabularies().source.pad
        return Counter(tuple(i for i in row if i != pad) for batch in batches for row in batch.source_BS.tolist())

    alone = seen()
    assert sum((seen(rank=rank, ranks=ranks) for rank in range(ranks)), Counter()) == alone
    eos = vocabularies().source.eos
    plain = Counter((*ids, eos) for ids in vocabularies().source.encode(sentences(PAIRS, 7)))
    assert alone != plain


def test_no_sampled_segmentation_is_longer_than_a_sentence_may_be() -> None:
    eos, most = vocabularies().source.eos, 15
    plain = {(*ids, eos) for ids in vocabularies().source.encode(sentences(PAIRS, 7))}

    def longer(limit: int | None) -> set[tuple[int, ...]]:
        of = Mixture([Words()], [1.0], vocabularies(), limit)  # type: ignore[list-item]
        shares = takewhile(lambda share: share.after.epoch == 1, walk(of, 64, 1, 3, alpha=0.1))
        rows = (row for share in shares for batch in share.batches for row in batch.source_BS.tolist())
        cut = {tuple(row[: row.index(eos) + 1]) for row in rows}
        return {row for row in cut if len(row) > most + 1}

    assert longer(None) - plain
    assert longer(most) <= plain


def test_no_more_than_a_section_is_ever_read(section: int) -> None:
    of = mixture(1.0, 2.0)
    an_epoch(of)
    for corpus in of.corpora:
        assert isinstance(corpus, WatchedCorpus)
        assert max(corpus.reads) <= section
        assert len(corpus.reads) <= -(-3 * PAIRS // section) + 2, "one for the epoch after, and one beside that"


def test_epochs_come_in_other_orders(section: int) -> None:
    of = mixture(1.0)
    first, second = (np.concatenate([b.source_BS[:, 0] for s in an_epoch(of, n) for b in s.batches]) for n in (1, 2))
    assert sorted(first) == sorted(second)
    assert first.tolist() != second.tolist()


def test_a_cursor_that_no_batch_ends_at_is_an_error() -> None:
    after = an_epoch(mixture(1.0))[0].after
    with pytest.raises(DataError, match=f"no batch ends after {after.taken - 1} pairs of the epoch: the corpora or"):
        next(walk(mixture(1.0), 64, 1, 3, after._replace(taken=after.taken - 1)))


class WatchedMixture(Mixture):
    """Notes which sections are asked for, and how many there still are beside a new one."""

    def __init__(self) -> None:
        super().__init__([FakeCorpus(PAIRS)], [1.0], vocabularies())  # type: ignore[list-item]
        self.alive: weakref.WeakSet[Section] = weakref.WeakSet()
        self.beside: list[int] = []
        self.second = threading.Event()

    def section(self, epoch: Epoch, places: range, batch_tokens: int) -> Section:
        self.beside.append(len(self.alive))
        made = super().section(epoch, places, batch_tokens)
        self.alive.add(made)
        if len(self.beside) == 2:
            self.second.set()
        return made


@pytest.fixture
def thirds(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(epoch, "SECTION", PAIRS // 3)
    return PAIRS // 3


def test_a_section_is_made_before_it_is_wanted_but_not_in_the_first_half_of_another(thirds: int) -> None:
    of = WatchedMixture()
    shares = walk(of, 64, 1, 3)
    half = len(of.section(of.epoch(3, 1), range(thirds), 64).plan) // 2
    of.beside.clear()
    for _ in islice(shares, half):
        assert len(of.beside) == 1
    assert next(shares).after.taken < thirds
    assert of.second.wait(60)


def test_two_sections_are_in_memory_at_most(thirds: int) -> None:
    of = WatchedMixture()
    shares = walk(of, 64, 1, 3)
    while next(shares).after.epoch < 3:
        pass
    assert len(of.beside) >= 7
    assert max(of.beside) == 1


@pytest.mark.usefixtures("thirds")
def test_a_section_that_cannot_be_read_is_an_error_where_it_is_due() -> None:
    class Damaged(WatchedCorpus):
        def source(self, rows: Rows) -> Sentences:
            if self.reads:
                raise DataError("corpus: damaged")
            return super().source(rows)

    shares = walk(Mixture([Damaged(PAIRS)], [1.0], vocabularies()), 64, 1, 3)  # type: ignore[list-item]
    while next(shares).after.taken < PAIRS // 3:
        pass
    with pytest.raises(DataError, match="corpus: damaged"):
        next(shares)
