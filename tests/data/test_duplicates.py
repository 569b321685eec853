"""Laws of finding duplicates."""

from itertools import pairwise

import numpy as np
import pytest

from nmtk.data.duplicates import Seen, key
from nmtk.data.pairs import Pair


@pytest.mark.parametrize("seed", range(20))
def test_seen_says_what_a_set_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen, known = Seen(), set[int]()
    for size in rng.integers(0, 200, 40):
        keys = rng.integers(0, int(rng.choice([10, 1000, 1 << 63])), size, dtype=np.uint64)
        wanted = []
        for number in keys.tolist():
            wanted.append(number not in known)
            known.add(number)
        assert seen.add(keys).tolist() == wanted


def test_memory_is_eight_bytes_a_key_in_few_runs() -> None:
    seen = Seen()
    for first in range(0, 200_000, 100):
        seen.add(np.arange(first, first + 100, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    sizes = [len(run) for run in seen._runs]
    assert sum(sizes) == 200_000
    assert len(sizes) <= 17
    assert all(longer >= 2 * shorter for longer, shorter in pairwise(sizes))


def test_the_key_knows_the_sides_apart_and_not_the_line() -> None:
    assert key(Pair("a", "b", 1)) == key(Pair("a", "b", 2))
    assert len({key(Pair(*sides, 1)) for sides in [("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("a b", "")]}) == 5
