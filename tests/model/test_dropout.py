import pytest
import torch

from nmtk.model.dropout import Dropout, random_bytes


def dropped(rate: float, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    torch.manual_seed(0)
    return Dropout(rate)(torch.ones(shape, dtype=dtype))


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_the_rate_is_kept_and_so_is_the_mean(rate: float) -> None:
    x = dropped(rate, 500, 800)
    assert (x == 0).float().mean() == pytest.approx(rate, abs=0.003)
    assert x.mean() == pytest.approx(1.0, abs=0.02)
    assert len(x.unique()) == 2


def test_all_places_are_dropped_alike() -> None:
    """Eight elements share a random word: none of its bytes may be less random than the others."""
    zero = dropped(0.5, 40_000, 8) == 0
    assert zero.float().mean(0) == pytest.approx(torch.full((8,), 0.5), abs=0.012)
    together = torch.corrcoef(zero.float().T) - torch.eye(8)
    assert together.abs().max() < 0.025


@pytest.mark.parametrize("shape", [(1,), (7,), (8,), (3, 3), (2, 0), ()])
def test_any_shape(shape: tuple[int, ...]) -> None:
    assert dropped(0.5, *shape).shape == shape


def test_the_seed_decides() -> None:
    first, again = dropped(0.3, 64, 64), dropped(0.3, 64, 64)
    assert torch.equal(first, again)
    assert not torch.equal(first, Dropout(0.3)(torch.ones(64, 64)))


def test_the_gradient_takes_the_same_path() -> None:
    x = torch.randn(50, 70, requires_grad=True)
    out = Dropout(0.4)(x)
    (grad,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(out, x * grad)
    assert len(grad.unique()) == 2


def test_strided_input() -> None:
    x = torch.randn(30, 20).T
    out = Dropout(0.5)(x)
    kept = out != 0
    torch.testing.assert_close(out[kept], x[kept] * 2)


@pytest.mark.parametrize("dropout", [Dropout(0.5).eval(), Dropout(0.0)], ids=["evaluation", "rate nought"])
def test_identity(dropout: Dropout) -> None:
    x = torch.randn(9, 9)
    assert torch.equal(dropout(x), x)


def test_a_rate_near_one_leaves_something_finite() -> None:
    assert dropped(0.9999, 1000, 10).isfinite().all()


def test_half_precision_stays_half() -> None:
    assert dropped(0.1, 10, dtype=torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.6, 0.9])
@pytest.mark.parametrize("size", [60, 400])  # few random bytes and many come from two generators
def test_after_a_relu_it_is_dropout_of_the_relu(size: int, rate: float, dtype: torch.dtype) -> None:
    dropout = Dropout(rate)
    x = torch.randn(size, size, dtype=dtype, requires_grad=True)
    relu = x.detach().relu().requires_grad_()
    slope = torch.randn(size, size, dtype=dtype)
    results = []
    for given, at_once in ((x, True), (relu, False)):
        torch.manual_seed(1)
        out = dropout(given, relu=at_once)
        results.append((out, *torch.autograd.grad(out, given, slope)))
    (one, grad), (other, grad_after_relu) = results
    rounding = 1e-6 if dtype == torch.float32 else 0.01
    torch.testing.assert_close(one, other, rtol=rounding, atol=rounding)
    torch.testing.assert_close(grad, grad_after_relu * (x > 0), rtol=rounding, atol=rounding)


def test_after_a_relu_without_dropout_it_is_the_relu() -> None:
    x = torch.randn(9, 9)
    for dropout in (Dropout(0.0), Dropout(0.5).eval()):
        assert torch.equal(dropout(x, relu=True), x.relu())


def test_what_is_not_a_number_stays_so() -> None:
    out = Dropout(0.1)(torch.full((300, 300), float("nan")), relu=True)
    assert out.isnan().float().mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 13, 1 << 15, (1 << 16) + 3])
def test_as_many_random_bytes_as_asked_for(count: int) -> None:
    torch.manual_seed(0)
    first = random_bytes(count)
    assert first.shape == (count,)
    assert not count or first.float().mean() == pytest.approx(127.5, abs=4 * 74 / count**0.5)
    torch.manual_seed(0)
    assert torch.equal(first, random_bytes(count))


def test_after_a_relu_it_can_be_differentiated_twice_and_by_functions() -> None:
    x = torch.randn(20, 30, dtype=torch.float64, requires_grad=True)

    def drop(given: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        out: torch.Tensor = Dropout(0.3)(given, relu=True)
        return out

    assert torch.autograd.gradcheck(drop, x)
    assert torch.autograd.gradgradcheck(lambda given: drop(given).pow(2), x)
    grad = torch.func.grad(lambda given: drop(given).pow(3).sum())(x.detach())
    torch.testing.assert_close(grad, torch.autograd.grad(drop(x).pow(3).sum(), x)[0])
