import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nmtk.training import loss as module
from nmtk.training.loss import chunk_rows, entropy, smoothed_cross_entropy


def example(rows: int = 50, width: int = 8, size: int = 33) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    hidden_ND = torch.randn(rows, width, requires_grad=True)
    weight_VD = torch.randn(size, width, requires_grad=True)
    return hidden_ND, weight_VD, torch.randint(size, (rows,))


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_equals_pytorch_in_value_and_gradient(smoothing: float, biased: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "chunk_rows", lambda size, device: 7)  # several chunks, the last one short
    hidden_ND, weight_VD, gold_N = example()
    bias_V = torch.randn(len(weight_VD), requires_grad=True) if biased else None
    found = smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, smoothing, bias_V)
    logits = F.linear(hidden_ND, weight_VD, bias_V)
    wanted = F.cross_entropy(logits, gold_N, label_smoothing=smoothing, reduction="sum")
    constant = len(gold_N) * entropy(smoothing, len(weight_VD))
    torch.testing.assert_close(found.smoothed, wanted - constant, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(found.nll, F.cross_entropy(logits, gold_N, reduction="sum"))
    inputs = [tensor for tensor in (hidden_ND, weight_VD, bias_V) if tensor is not None]
    grads = torch.autograd.grad(found.smoothed * 0.3, inputs)
    for one, other in zip(grads, torch.autograd.grad(wanted * 0.3, inputs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_is_the_divergence_from_the_smoothed_distribution(smoothing: float) -> None:
    size = 12
    q = torch.full((size,), smoothing / size)
    q[3] += 1 - smoothing
    logits = q.clamp_min(1e-30).log()  # a model that says exactly q
    loss = smoothed_cross_entropy(logits[None], torch.eye(size), torch.tensor([3]), smoothing)
    assert float(loss.smoothed) == pytest.approx(0, abs=1e-5)
    assert entropy(smoothing, size) == pytest.approx(-(q * q.clamp_min(1e-30).log()).sum().item(), abs=1e-6)


def test_is_the_same_without_gradients_and_of_no_tokens_nothing() -> None:
    hidden_ND, weight_VD, gold_N = example()
    with torch.no_grad():
        quiet = smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, 0.1)
    torch.testing.assert_close(
        quiet.smoothed, smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, 0.1).smoothed.detach()
    )
    none = smoothed_cross_entropy(hidden_ND[:0], weight_VD, gold_N[:0], 0.1)
    none.smoothed.backward()
    assert none.smoothed.item() == 0
    assert weight_VD.grad is not None
    assert not weight_VD.grad.any()


def test_perplexity_of_a_uniform_model_is_the_size_of_its_vocabulary() -> None:
    loss = smoothed_cross_entropy(torch.zeros(5, 4), torch.randn(100, 4), torch.arange(5), 0.1)
    assert math.exp(float(loss.nll) / 5) == pytest.approx(100, rel=1e-5)


def test_chunks_never_vanish() -> None:
    assert chunk_rows(10**9, torch.device("cpu")) >= 1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_bfloat16_is_right_within_its_rounding(smoothing: float) -> None:
    torch.manual_seed(0)
    hidden_ND, weight_VD, gold_N = example(rows=2000, width=32, size=200)
    with torch.no_grad():
        weight_VD *= 0.3
    exact = smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, smoothing)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, smoothing)
    assert float(rounded.nll.detach() / exact.nll) == pytest.approx(1, abs=1e-3)
    assert float(rounded.smoothed.detach() / exact.smoothed.detach()) == pytest.approx(1, abs=1e-3)
    for one, other in zip(
        torch.autograd.grad(rounded.smoothed, (hidden_ND, weight_VD)),
        torch.autograd.grad(exact.smoothed, (hidden_ND, weight_VD)),
        strict=True,
    ):
        assert ((one - other).norm() / other.norm()).item() < 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("level", [-300.0, -60.0, 0.0, 60.0, 300.0])
def test_logits_of_any_height(level: float, dtype: torch.dtype) -> None:
    """Their exponentials, or the sums of these, are beyond the range of the type in all cases but one."""
    hidden_ND, weight_VD, gold_N = example(rows=300, size=300)
    bias_V = torch.full((300,), level)
    results = []
    for kind in (dtype, torch.float64):
        given = [tensor.detach().to(kind).requires_grad_() for tensor in (hidden_ND, weight_VD, bias_V)]
        loss = smoothed_cross_entropy(given[0], given[1], gold_N, 0.1, given[2])
        results.append((loss.nll.float(), [grad.float() for grad in torch.autograd.grad(loss.smoothed, given)]))
    (nll, grads), (exact, wanted) = results
    # Near 300, bfloat16 holds every second whole number, near 60 every quarter: logits, and what follows, are coarse.
    coarse = 1e-4 if dtype == torch.float32 else 0.02 if level == 0 else 0.1 if abs(level) < 100 else 0.8
    assert float(nll / exact) == pytest.approx(1, abs=coarse)
    for one, other in zip(grads, wanted, strict=True):
        assert ((one - other).norm() / other.norm()).item() < coarse


def test_one_row_beyond_the_range_spoils_none_of_the_others() -> None:
    hidden_ND, weight_VD, gold_N = example(rows=40, size=129)
    with torch.no_grad():
        hidden_ND[3] *= 200
    results = []
    for kind in (torch.bfloat16, torch.float64):
        given = [tensor.detach().bfloat16().to(kind).requires_grad_() for tensor in (hidden_ND, weight_VD)]
        loss = smoothed_cross_entropy(given[0], given[1], gold_N, 0.1)
        results.append([grad.float() for grad in torch.autograd.grad(loss.smoothed, given)])
    for one, other in zip(*results, strict=True):
        assert ((one - other).norm() / other.norm()).item() < 0.01


def test_a_logit_that_is_not_a_number_makes_a_loss_that_is_none() -> None:
    hidden_ND, weight_VD, gold_N = example()
    loss = smoothed_cross_entropy(hidden_ND.detach().index_fill(0, torch.tensor(3), math.nan), weight_VD, gold_N, 0.1)
    assert loss.smoothed.isnan()


@pytest.mark.parametrize("size", [5, 128, 1000])
def test_rows_of_bfloat16_are_summed_more_exactly_than_it_can_tell(size: int) -> None:
    x_NV = torch.rand(400, size).bfloat16()
    errors = module._row_sums(x_NV)[:, 0] / x_NV.double().sum(1) - 1
    assert errors.square().mean().sqrt().item() < 2e-3 / max(1, size / 128) ** 0.5


class _AsOnGpus(TorchFunctionMode):
    """Autocast as it is on GPUs, where it turns a softmax into float32."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.softmax and torch.is_autocast_enabled("cpu"):
            return func(args[0].float(), *args[1:], **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def test_autocast_decides_the_type_of_the_products_and_of_nothing_else() -> None:
    hidden_ND, weight_VD, gold_N = example()
    with torch.autocast("cpu", torch.bfloat16):
        here = smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, 0.1)
        with _AsOnGpus():
            there = smoothed_cross_entropy(hidden_ND, weight_VD, gold_N, 0.1)
    assert torch.equal(here.smoothed, there.smoothed)
