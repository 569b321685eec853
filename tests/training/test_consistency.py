"""Two passes that are pulled together: the loss in chunks is the formula, and the step is what it is the loss of."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nmtk.errors import OptionsError
from nmtk.training import consistency_loss as module
from nmtk.training.consistency import Consistency, RDrop, SimCut, Weights
from nmtk.training.consistency_loss import consistent_cross_entropy
from nmtk.training.loss import entropy, smoothed_cross_entropy
from nmtk.training.options import TrainingOptions

KINDS = (RDrop(), SimCut())
UNEVEN = Weights(0.3, 0.7, 1.3, 0.4)


def example(rows: int = 50, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    hidden_2ND = torch.randn(2, rows, 8, dtype=dtype, requires_grad=True)
    weight_VD = torch.randn(33, 8, dtype=dtype, requires_grad=True)
    bias_V = torch.randn(33, dtype=dtype, requires_grad=True)
    return hidden_2ND, weight_VD, bias_V, torch.randint(33, (rows,))


def plain(
    hidden_2ND: Tensor, weight_VD: Tensor, gold_N: Tensor, smoothing: float, bias_V: Tensor | None, weights: Weights
) -> tuple[Tensor, Tensor]:
    """The formula, by PyTorch's own losses."""
    first, second = (F.linear(hidden, weight_VD, bias_V) for hidden in hidden_2ND)
    p, q = first.log_softmax(1), second.log_softmax(1)

    def both(smoothing: float) -> Tensor:
        one, other = (F.cross_entropy(z, gold_N, label_smoothing=smoothing, reduction="sum") for z in (first, second))
        return weights.first * one + weights.second * other

    forth = F.kl_div(q, p, log_target=True, reduction="sum")  # KL(target || input)
    back = F.kl_div(p, q, log_target=True, reduction="sum")
    constant = len(gold_N) * (weights.first + weights.second) * entropy(smoothing, len(weight_VD))
    return both(smoothing) - constant + weights.forth * forth + weights.back * back, both(0.0)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [*(kind.weights for kind in KINDS), UNEVEN], ids=["r-drop", "simcut", "uneven"])
def test_equals_autograd_in_value_and_gradient(
    weights: Weights, smoothing: float, biased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "chunk_rows", lambda size, device: 7 * module.FEWER)  # several, the last one short
    hidden_2ND, weight_VD, given_V, gold_N = example()
    bias_V = given_V if biased else None
    found = consistent_cross_entropy(hidden_2ND, weight_VD, gold_N, smoothing, bias_V, weights)
    wanted, nll = plain(hidden_2ND, weight_VD, gold_N, smoothing, bias_V, weights)
    torch.testing.assert_close(found.smoothed, wanted, rtol=1e-12, atol=1e-10)
    torch.testing.assert_close(found.nll, nll.detach(), rtol=1e-12, atol=1e-10)
    inputs = [tensor for tensor in (hidden_2ND, weight_VD, bias_V) if tensor is not None]
    for one, other in zip(
        torch.autograd.grad(found.smoothed * 0.3, inputs), torch.autograd.grad(wanted * 0.3, inputs), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


def test_the_size_of_the_chunks_is_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden_2ND, weight_VD, bias_V, gold_N = example()
    seen = []
    for rows in (1, 3, 50, 1000):
        monkeypatch.setattr(module, "chunk_rows", lambda size, device, rows=rows: rows * module.FEWER)
        loss = consistent_cross_entropy(hidden_2ND, weight_VD, gold_N, 0.1, bias_V, UNEVEN)
        seen.append((*loss, *torch.autograd.grad(loss.smoothed, (hidden_2ND, weight_VD, bias_V))))
    for other in seen[1:]:
        for one, two in zip(seen[0], other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_of_equal_passes_it_is_the_plain_loss(kind: Consistency) -> None:
    hidden_2ND, weight_VD, bias_V, gold_N = example()
    alike_2ND = hidden_2ND[:1].expand(2, -1, -1)
    found = consistent_cross_entropy(alike_2ND, weight_VD, gold_N, 0.1, bias_V, kind.weights)
    wanted = smoothed_cross_entropy(hidden_2ND[0], weight_VD, gold_N, 0.1, bias_V)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, check_dtype=False)
    for one, other in zip(
        *(torch.autograd.grad(loss.smoothed, (hidden_2ND, weight_VD)) for loss in (found, wanted)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_of_no_tokens_it_is_nothing() -> None:
    hidden_2ND, weight_VD, bias_V, gold_N = example(rows=0)
    loss = consistent_cross_entropy(hidden_2ND, weight_VD, gold_N, 0.1, bias_V, UNEVEN)
    loss.smoothed.backward()
    assert loss.smoothed.item() == 0
    assert weight_VD.grad is not None
    assert not weight_VD.grad.any()


def test_bfloat16_is_right_within_its_rounding() -> None:
    given = example(rows=2000, dtype=torch.float32)
    hidden_2ND, weight_VD, bias_V, gold_N = given
    with torch.no_grad():
        weight_VD *= 0.3
        hidden_2ND[1] = hidden_2ND[0] + 0.3 * hidden_2ND[1]  # two passes of one model are near each other
    exact = consistent_cross_entropy(hidden_2ND, weight_VD, gold_N, 0.1, bias_V, RDrop().weights)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = consistent_cross_entropy(hidden_2ND, weight_VD, gold_N, 0.1, bias_V, RDrop().weights)
    for one, other in zip(rounded, exact, strict=True):
        assert float(one.detach() / other.detach()) == pytest.approx(1, abs=2e-3)
    for one, other in zip(
        *(torch.autograd.grad(loss.smoothed, (hidden_2ND, weight_VD, bias_V)) for loss in (rounded, exact)), strict=True
    ):
        assert ((one - other).norm() / other.norm()).item() < 0.02


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("r-drop", RDrop(alpha=5.0)),
        ({"kind": "r-drop", "alpha": 1.0}, RDrop(alpha=1.0)),
        ("simcut", SimCut(alpha=3.0, probability=0.05)),
        (None, None),
    ],
)
def test_is_chosen_by_its_kind(given: object, wanted: Consistency | None) -> None:
    assert TrainingOptions.parse({"updates": 9, "consistency": given}, "test").consistency == wanted


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("rdrop", 'consistency: found "rdrop", wanted one of r-drop, simcut; did you mean r-drop?'),
        ({"alpha": 2.0}, "consistency.kind is missing; wanted one of r-drop, simcut"),
        ({"kind": "simcut", "probability": 1.0}, "consistency.probability: found 1.0, wanted a number less than 1"),
        ({"kind": "r-drop", "alpha": 0.0}, "consistency.alpha: found 0.0, wanted a number greater than 0"),
        ({"kind": "r-drop", "probability": 0.1}, "unknown key consistency.probability; wanted one of kind, alpha"),
    ],
)
def test_a_fault_is_told_in_one_line(given: object, told: str) -> None:
    with pytest.raises(OptionsError) as error:
        TrainingOptions.parse({"updates": 9, "consistency": given}, "test")
    assert str(error.value) == f"test: {told}"
