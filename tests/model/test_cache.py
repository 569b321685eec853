from collections.abc import Callable

import pytest
import torch

from nmtk.model.transformer import Transformer

B, S = 4, 7
KEEP = torch.arange(S) < torch.tensor([7, 3, 5, 1])[:, None]


def draw(*shape: int) -> torch.Tensor:
    return torch.randint(23, shape)


@torch.no_grad()
def decode_both_ways(model: Transformer, width: int, longest: int, steps: int, apart: bool = False) -> None:
    """Decode at random, with beams that change places and sentences that leave: each step is the full pass."""
    torch.manual_seed(5)
    source, keep = draw(B, S), KEEP
    cache = model.start(model.encode(source, keep), keep, width, longest, apart)
    prefix = draw(B * width, 1)
    for step in range(steps):
        logp = model.step(prefix[:, -1], cache)
        whole = model(source.repeat_interleave(width, 0), keep.repeat_interleave(width, 0), prefix)
        torch.testing.assert_close(logp, whole[:, -1].log_softmax(-1), atol=2e-5, rtol=1e-4)
        assert cache.length == step + 1
        if step in (1, 4):
            stay = torch.tensor([2, 0, 1] if step == 1 else [1])
            cache.keep(stay)
            source, keep = source[stay], keep[stay]
            prefix = prefix.view(-1, width, prefix.size(1))[stay].flatten(0, 1)
        parent = torch.randint(width, (len(source), width))
        rows = (torch.arange(len(source))[:, None] * width + parent).flatten()
        cache.reorder(rows)
        prefix = torch.cat([prefix[rows], draw(len(rows), 1)], dim=1)


@pytest.mark.parametrize("activation", ["relu", "swiglu"])
def test_a_cached_step_is_the_full_pass(
    make_model: Callable[..., Transformer], positions: str, norm_order: str, activation: str
) -> None:
    model = make_model(positions=positions, norm_order=norm_order, activation=activation)
    decode_both_ways(model, width=3, longest=7, steps=7)


def test_beams_that_stand_apart(make_model: Callable[..., Transformer], positions: str) -> None:
    decode_both_ways(make_model(positions=positions), width=3, longest=7, steps=7, apart=True)


def test_one_beam(make_model: Callable[..., Transformer], positions: str) -> None:
    decode_both_ways(make_model(positions=positions), width=1, longest=7, steps=7)


@pytest.mark.parametrize("width", [1, 2])
def test_more_steps_than_there_was_room_for(make_model: Callable[..., Transformer], width: int) -> None:
    decode_both_ways(make_model(positions="rotary"), width, longest=2, steps=9)


@torch.no_grad()
def test_a_beam_does_not_feel_its_neighbours(make_model: Callable[..., Transformer], positions: str) -> None:
    model = make_model(positions=positions)
    source, tokens = draw(B, S), draw(5, B, 3)
    memory = model.encode(source, KEEP)
    together = model.start(memory, KEEP, 3, 5)
    alone = [model.start(memory, KEEP, 1, 5) for _ in range(3)]
    for token_BW in tokens:
        logp = model.step(token_BW.flatten(), together).view(B, 3, -1)
        for w, cache in enumerate(alone):
            torch.testing.assert_close(logp[:, w], model.step(token_BW[:, w], cache), atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_reordering_copies_no_keys(make_model: Callable[..., Transformer]) -> None:
    model = make_model()
    cache = model.start(model.encode(draw(B, S), KEEP), KEEP, 2, 5)
    model.step(draw(B * 2), cache)
    filled = cache.length * cache.beams  # behind it lies whatever memory held, and that can be no number
    before = [(keys, keys[:, :, :filled].clone()) for keys in cache.keys]
    cache.reorder(torch.arange(B * 2).view(B, 2).flip(1).flatten())
    for now, (then, copy) in zip(cache.keys, before, strict=True):
        assert now is then
        assert torch.equal(now[:, :, :filled], copy)


@torch.no_grad()
def test_without_padding_no_mask_is_needed(make_model: Callable[..., Transformer]) -> None:
    model = make_model()
    source, token = draw(B, S), draw(B * 2)
    everything = torch.ones(B, S, dtype=torch.bool)
    caches = [model.start(model.encode(source, keep), keep, 2, 3) for keep in (None, everything)]
    caches[0].keep(torch.tensor([1, 3]))
    caches[1].keep(torch.tensor([1, 3]))
    logp = [model.step(token[:4], cache) for cache in caches]
    torch.testing.assert_close(*logp, atol=1e-5, rtol=1e-4)
