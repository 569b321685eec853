from collections import Counter

import numpy as np
import pytest

from nmtk.data.plan import Plan, plan_epoch


def lengths(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source = np.clip(rng.lognormal(3, 0.5, count), 1, 200).astype(np.int32)
    return source, np.clip(source * rng.normal(1, 0.2, count), 1, 200).astype(np.int32)


def plan(count: int = 3000, tokens: int = 1000, seed: int = 1, epoch: int = 1) -> Plan:
    return plan_epoch(*lengths(count), [count], [1.0], tokens, seed, epoch)


def test_every_pair_once() -> None:
    assert sorted(plan().rows) == list(range(3000))
    assert plan().cuts[-1] == 3000


@pytest.mark.parametrize("tokens", [50, 1000, 10**6])
def test_a_batch_holds_its_tokens_or_one_pair(tokens: int) -> None:
    source, target = lengths(3000)
    made = plan(tokens=tokens)
    for number in range(len(made)):
        rows = made.batch(number)
        padded = len(rows) * max(source[rows].max(), target[rows].max())
        assert padded <= tokens or len(rows) == 1


def test_a_plan_is_a_function_of_seed_and_epoch() -> None:
    same, other, next_one = plan(), plan(seed=2), plan(epoch=2)
    assert np.array_equal(same.rows, plan().rows)
    assert np.array_equal(same.cuts, plan().cuts)
    assert not np.array_equal(same.rows, other.rows)
    assert not np.array_equal(same.rows, next_one.rows)


def test_padding_is_small() -> None:
    source, target = lengths(30_000)
    made = plan_epoch(source, target, [30_000], [1.0], 4096, 1, 1)
    padded = real = 0
    for number in range(len(made)):
        rows = made.batch(number)
        padded += len(rows) * int(source[rows].max() + target[rows].max())
        real += int(source[rows].sum() + target[rows].sum())
    assert 1 - real / padded < 0.1


def test_weights_say_how_often_a_corpus_is_seen() -> None:
    source, target = lengths(300)
    sizes, weights = [100, 100, 100], [1.0, 2.0, 0.25]
    counts = Counter(plan_epoch(source, target, sizes, weights, 500, 1, 1).rows.tolist())
    assert {counts[row] for row in range(100)} == {1}
    assert {counts[row] for row in range(100, 200)} == {2}
    assert sorted(counts[row] for row in range(200, 300)) == [0] * 75 + [1] * 25
    again = Counter(plan_epoch(source, target, sizes, weights, 500, 1, 2).rows.tolist())
    assert [again[row] for row in range(200, 300)] != [counts[row] for row in range(200, 300)]
