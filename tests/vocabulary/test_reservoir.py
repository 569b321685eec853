from collections import Counter

import pytest

from nmtk.vocabulary.reservoir import Reservoir


def fill(size: int, count: int, seed: int) -> Reservoir[int]:
    reservoir: Reservoir[int] = Reservoir(size, seed)
    for item in range(count):
        reservoir.add(item)
    return reservoir


def test_what_fits_is_kept_in_order() -> None:
    assert fill(10, 10, 1).items == list(range(10))


def test_it_never_holds_more_than_its_size() -> None:
    reservoir = fill(10, 1000, 1)
    assert len(set(reservoir.items)) == 10
    assert reservoir.seen == 1000


def test_the_seed_decides() -> None:
    assert fill(10, 1000, 1).items == fill(10, 1000, 1).items != fill(10, 1000, 2).items


def test_every_item_is_as_likely_as_any_other() -> None:
    counts = Counter(item for seed in range(4000) for item in fill(5, 20, seed).items)
    for item in range(20):
        assert counts[item] / 4000 == pytest.approx(5 / 20, abs=5 * (0.25 * 0.75 / 4000) ** 0.5)
