import numpy as np
import pytest
import torch

from nmtk.data.generated import FIRST, even_batch, generated_batch, generated_batches, realistic_lengths


def test_lengths_are_those_of_news_text() -> None:
    source, target = realistic_lengths(20_000)
    assert np.median(source) == 22
    assert 25 < source.mean() < 28
    assert abs(source.mean() - target.mean()) < 1
    assert np.corrcoef(source, target)[0, 1] > 0.9
    assert min(source.min(), target.min()) >= 2, "a piece and </s>"


def test_a_batch_has_the_lengths_and_ids_that_were_asked_for() -> None:
    batch = generated_batch(np.array([3, 5]), np.array([7, 2]), 50, 40)
    assert batch.source_BS.shape == (2, 5)
    assert batch.gold_BT.shape == (2, 7)
    assert batch.tokens == 9
    assert batch.padding == 2 + 5
    assert (batch.source_BS[0, 3:] == 0).all()
    for ids, size in ((batch.source_BS[batch.keep_BS], 50), (batch.gold_BT.flatten()[batch.real_N], 40)):
        assert int(ids.min()) >= FIRST
        assert int(ids.max()) < size


def test_an_even_batch_has_no_padding() -> None:
    batch = even_batch(3, 6, 20, 20)
    assert batch.padding == 0
    assert batch.tokens == 18


def test_the_same_seed_generates_the_same_batches() -> None:
    one, other = (generated_batches(50, 200, 30, 30) for _ in range(2))
    assert len(one) == len(other)
    assert all(torch.equal(a.source_BS, b.source_BS) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("tokens", [200, 1000])
def test_generated_batches_keep_within_their_budget(tokens: int) -> None:
    batches = generated_batches(300, tokens, 30, 30)
    assert sum(len(batch.source_BS) for batch in batches) == 300
    assert all(max(batch.source_BS.numel(), batch.gold_BT.numel()) <= tokens for batch in batches)
