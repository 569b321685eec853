"""Laws of a plan: each pair in one batch, no batch too large, next to no padding."""

import numpy as np
import pytest

from nmtk.data.plan import Plan, plan_batches


def lengths(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    source = np.clip(rng.lognormal(3, 0.5, count), 1, 200).astype(np.int32)
    return source, np.clip(source * rng.normal(1, 0.2, count), 1, 200).astype(np.int32)


def plan(count: int = 3000, tokens: int = 1000, seed: int = 1) -> Plan:
    return plan_batches(*lengths(count), tokens, np.random.default_rng(seed))


@pytest.mark.parametrize("count", [0, 1, 2, 3000])
@pytest.mark.parametrize("tokens", [1, 50, 1000, 10**6])
def test_every_pair_in_one_batch_and_no_batch_empty(count: int, tokens: int) -> None:
    made = plan(count, tokens)
    assert sorted(made.rows) == list(range(count))
    assert (made.cuts[0], made.cuts[-1]) == (0, count)
    assert np.all(np.diff(made.cuts) > 0)


@pytest.mark.parametrize("tokens", [50, 1000, 10**6])
def test_a_batch_holds_its_tokens_or_one_pair(tokens: int) -> None:
    source, target = lengths(3000)
    made = plan(tokens=tokens)
    for number in range(len(made)):
        rows = made.batch(number)
        padded = len(rows) * max(source[rows].max(), target[rows].max())
        assert padded <= tokens or len(rows) == 1


def test_a_plan_is_a_function_of_lengths_and_seed() -> None:
    assert np.array_equal(plan().rows, plan().rows)
    assert np.array_equal(plan().cuts, plan().cuts)
    assert not np.array_equal(plan().rows, plan(seed=2).rows)


def test_batches_come_in_random_order() -> None:
    source, _ = lengths(3000)
    made = plan()
    means = [source[made.batch(number)].mean() for number in range(len(made))]
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 5 / np.sqrt(len(means))


@pytest.mark.parametrize(("tokens", "most"), [(1000, 0.03), (4096, 0.06)])
def test_padding_is_small_and_batches_are_full(tokens: int, most: float) -> None:
    source, target = lengths(30_000)
    made = plan_batches(source, target, tokens, np.random.default_rng(1))
    padded = real = 0
    for number in range(len(made)):
        rows = made.batch(number)
        padded += len(rows) * int(source[rows].max() + target[rows].max())
        real += int(source[rows].sum() + target[rows].sum())
    assert 1 - real / padded < most
    assert len(made) < 1.1 * np.maximum(source, target).sum() / tokens
