"""Laws of a random order that is computed place by place."""

import numpy as np
import pytest

from nmtk.data.permutation import Permutation


@pytest.mark.parametrize("size", [*range(20), 99, 100, 101, 1000, 65_537])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_number_has_one_place(size: int, seed: int) -> None:
    assert sorted(Permutation(size, [seed])(np.arange(size)).tolist()) == list(range(size))


def test_any_part_of_it_is_a_part_of_the_whole() -> None:
    order = Permutation(1000, [3, 1])
    whole = order(np.arange(1000))
    places = np.array([5, 999, 0, 5], dtype=np.uint32)
    assert order(places).tolist() == whole[places].tolist()
    assert Permutation(1000, [3, 1])(np.arange(7)).tolist() == whole[:7].tolist()
    assert Permutation(1000, [3, 2])(np.arange(7)).tolist() != whole[:7].tolist()


@pytest.mark.parametrize("size", [10**8, 2**32 + 1, 2**40])
def test_a_large_one_is_as_random_as_a_small_one(size: int) -> None:
    """Neighbours land anywhere: means and differences are those of independent uniform numbers, by five deviations."""
    count = 20_000
    share = Permutation(size, [size])(np.arange(size - count, size)).astype(np.float64) / size
    assert len(set(share)) == count
    assert abs(share.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / count)
    assert abs(np.corrcoef(share[1:], share[:-1])[0, 1]) < 5 / np.sqrt(count)
    counted = np.histogram(share, 100, (0, 1))[0]
    assert ((counted - count / 100) ** 2 / (count / 100)).sum() < 99 + 5 * np.sqrt(2 * 99)


def test_seeds_give_all_orders_alike() -> None:
    orders = [tuple(Permutation(3, [seed])(np.arange(3)).tolist()) for seed in range(3000)]
    assert len(set(orders)) == 6
    assert all(abs(orders.count(order) - 500) < 5 * np.sqrt(500) for order in set(orders))
