"""Laws of an epoch: what stands in it, in which order, whatever the sections it is cut into."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from nmtk.data import epoch as module
from nmtk.data.epoch import Epoch, Order


def counted(epoch: Epoch) -> list[Counter[tuple[int, int]]]:
    """How often each (corpus, row) stands in each section."""
    return [
        Counter((corpus, row) for corpus, rows in epoch.rows(places) for row in rows.tolist())
        for places in epoch.sections()
    ]


def whole(sizes: Sequence[int], weights: Sequence[float], seed: int = 1, number: int = 1) -> Counter[tuple[int, int]]:
    return sum(counted(Epoch(sizes, weights, seed, number)), Counter())


@pytest.mark.parametrize("size", [0, 1, 2, 63, 64, 65, 1000, 16_384, 40_001])
@pytest.mark.parametrize("blocks", [4, 1 << 14])
def test_an_order_holds_every_number_once(size: int, blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCKS", blocks)
    assert sorted(Order(size, [7])(np.arange(size)).tolist()) == list(range(size))


def test_few_pairs_of_a_large_corpus_stay_together() -> None:
    """Runs on disk are what blocks are for, and no run is longer than some blocks that meet by chance."""
    size = 10**8
    rows = np.sort(Order(size, [1])(np.arange(640_000)))
    runs = np.diff(np.flatnonzero(np.diff(rows, prepend=-2) != 1), append=len(rows))
    assert len(runs) == pytest.approx(10_000, rel=0.02)
    assert runs.max() <= 64 * 4


@pytest.mark.parametrize("section", [1, 7, 100, 10**6])
@pytest.mark.parametrize("size", [1, 99, 100, 1000])
def test_every_pair_once_in_sections_of_nearly_equal_size(
    size: int, section: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECTION", section)
    epoch = Epoch([size], [1.0], 1, 1)
    places = epoch.sections()
    assert [place for part in places for place in part] == list(range(size))
    assert max(map(len, places)) <= section
    assert max(map(len, places)) - min(map(len, places)) <= 1
    assert len(places) == -(-size // section)
    found = counted(epoch)
    assert [part.total() for part in found] == [len(part) for part in places]
    assert sum(found, Counter()) == Counter((0, row) for row in range(size))


def test_an_epoch_is_a_function_of_seed_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECTION", 50)
    first = counted(Epoch([300], [1.0], 1, 1))
    assert first == counted(Epoch([300], [1.0], 1, 1))
    assert first != counted(Epoch([300], [1.0], 2, 1))
    assert first != counted(Epoch([300], [1.0], 1, 2))
    assert max(max(part)[1] - min(part)[1] for part in first) > 150, "a section has pairs from all over the corpus"


@pytest.mark.parametrize("section", [60, 10**6])
def test_weights_say_how_often_a_corpus_is_seen(section: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECTION", section)
    sizes, weights = [100, 50, 200, 100], [1.0, 2.5, 0.25, 0.001]
    seen = whole(sizes, weights)
    assert [seen[0, row] for row in range(100)] == [1] * 100
    assert sorted(seen[1, row] for row in range(50)) == [2] * 25 + [3] * 25
    assert sorted(seen[2, row] for row in range(200)) == [0] * 150 + [1] * 50
    assert seen.total() == len(Epoch(sizes, weights, 1, 1)) == 100 + 125 + 50


def test_the_share_of_a_corpus_is_another_in_each_epoch() -> None:
    epochs = 400
    seen = sum((whole([40], [0.25], number=number) for number in range(epochs)), Counter())
    assert seen.total() == 10 * epochs
    assert all(abs(seen[0, row] - epochs / 4) < 5 * np.sqrt(epochs * 3 / 16) for row in range(40))


def test_nothing_of_the_size_of_the_corpus_is_made() -> None:
    """A hundred thousand million pairs could not be planned otherwise."""
    epoch = Epoch([10**11, 10**11], [1.0, 0.3], 1, 1)
    places = epoch.sections()[70_000]
    rows = epoch.rows(places)
    assert sum(len(found) for _, found in rows) == len(places) <= module.SECTION
    assert {corpus for corpus, _ in rows} == {0, 1}
    for _, found in rows:
        assert 0 <= found[0] <= found[-1] < 10**11
        assert np.all(np.diff(found) > 0)
