import math

import pytest
import torch

from nmtk.decoding.draws import draw, uniforms

WORD = (1 << 64) - 1


def splitmix(x: int) -> int:
    """The next number of SplitMix64, in whole numbers without an end."""
    x = (x + 0x9E3779B97F4A7C15) & WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def test_the_hash_is_splitmix() -> None:
    assert splitmix(0) == 0xE220A8397B1DCDAF, "the first number of the published generator, from seed 0"
    keys = [0, 1, 77, (1 << 62) + 5]
    for seed in (0, 1, (1 << 63) - 1):
        for row, found in enumerate(uniforms(seed, torch.tensor(keys), 3, 9).T.tolist()):
            hashes = [splitmix(splitmix(splitmix(splitmix(seed) ^ key) ^ row) ^ 9) for key in keys]
            assert found == [(number >> 40) / (1 << 24) for number in hashes]


def test_numbers_are_uniform_and_all_different() -> None:
    numbers = torch.stack([uniforms(1, torch.arange(100), 20, step) for step in range(1, 31)]).flatten()
    assert len(numbers) == 60_000
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = torch.histc(numbers, 20, 0, 1)
    assert chi_square(counts.tolist(), [3000.0] * 20) < 45  # 19 degrees of freedom: 0.1% lie above 43.8
    assert len(set(numbers.tolist())) > 59_800, "of 2^24 numbers, 107 pairs are equal on average"
    number_BW = uniforms(1, torch.arange(100), 100, 1)
    for neighbour_BW in (number_BW.roll(1, 0), number_BW.roll(1, 1), uniforms(1, torch.arange(100), 100, 2)):
        pairs = torch.stack([number_BW.flatten(), neighbour_BW.flatten()])
        assert abs(torch.corrcoef(pairs)[0, 1]) < 0.04, "neighbours go together"  # 4 standard errors


def chi_square(found: list[float], wanted: list[float]) -> float:
    return math.fsum((one - other) ** 2 / other for one, other in zip(found, wanted, strict=True) if other)


def drawn(score_V: torch.Tensor, count: int = 20_000, **options: float) -> torch.Tensor:
    """How often each token is drawn."""
    uniform_R = uniforms(5, torch.arange(count), 1, 1).flatten()
    token_R = draw(score_V.expand(count, -1), uniform_R, **options)  # type: ignore[arg-type]
    return torch.bincount(token_R, minlength=len(score_V))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_are_distributed_as_the_softmax_says(temperature: float) -> None:
    score_V = torch.randn(12, generator=torch.Generator().manual_seed(0)) + 100
    score_V[3] = -torch.inf
    counts_V = drawn(score_V, temperature=temperature)
    wanted_V = 20_000 * torch.softmax(score_V / temperature, 0)
    assert counts_V[3] == 0
    assert chi_square(counts_V.tolist(), wanted_V.tolist()) < 30  # 10 degrees of freedom: 0.1% lie above 29.6


@pytest.mark.parametrize("size", [5, 100, 1000])
@pytest.mark.parametrize(
    "options", [{"top_k": 3}, {"top_p": 0.6}, {"top_p": 0.999}, {"top_k": 4, "top_p": 0.7}], ids=str
)
def test_draws_never_leave_the_most_probable_tokens(size: int, options: dict[str, float]) -> None:
    score_V = torch.randn(size, generator=torch.Generator().manual_seed(1))
    part_V, token_V = score_V.softmax(0).sort(descending=True)
    part_V[int(options.get("top_k", size)) :] = 0
    part_V /= part_V.sum()
    stay = next(n for n in range(1, size + 1) if part_V[:n].sum() >= options.get("top_p", 1.0) - 1e-6)
    counts_V = drawn(score_V, **options)[token_V]
    assert counts_V[stay:].sum() == 0
    wanted_V = 20_000 * part_V[:stay] / part_V[:stay].sum()
    assert chi_square(counts_V[:stay].tolist(), wanted_V.tolist()) < stay + 4.5 * math.sqrt(2 * stay)


def test_a_token_that_cannot_be_is_never_drawn_even_at_the_ends() -> None:
    score_RV = torch.tensor([[-math.inf, 0.0, -math.inf, 0.0, -math.inf]]).expand(3, -1)
    uniform_R = torch.tensor([0.0, 0.5, 1 - 2.0**-24])
    assert draw(score_RV, uniform_R).tolist() == [1, 3, 3]
    assert set(draw(score_RV, uniform_R, top_k=4).tolist()) == {1, 3}
    assert set(draw(score_RV, uniform_R, top_p=0.99).tolist()) == {1, 3}


@pytest.mark.parametrize("options", [{}, {"top_k": 50}, {"top_p": 0.9}], ids=str)
def test_the_colder_the_nearer_to_the_best(options: dict[str, float]) -> None:
    score_RV = torch.randn(50, 300, generator=torch.Generator().manual_seed(2))
    uniform_R = uniforms(1, torch.arange(50), 1, 1).flatten()
    for temperature in (1e-4, 1e-6, 1e-30):
        assert torch.equal(draw(score_RV, uniform_R, temperature, **options), score_RV.argmax(1))  # type: ignore[arg-type]


def test_one_row_does_not_depend_on_the_others() -> None:
    score_RV = torch.randn(40, 2000, generator=torch.Generator().manual_seed(3)) * torch.linspace(0, 4, 40)[:, None]
    uniform_R = uniforms(1, torch.arange(40), 1, 1).flatten()
    for options in ({}, {"top_k": 7}, {"top_p": 0.8}):
        together = draw(score_RV, uniform_R, **options)
        alone = [draw(score_RV[r : r + 1], uniform_R[r : r + 1], **options) for r in range(40)]
        assert torch.equal(together, torch.cat(alone))
