import pytest
import torch
from torch import Tensor, nn

from nmtk.model import linear
from nmtk.model.linear import SMALL, Linear, has_onednn, multiply, prefers_onednn
from nmtk.training.loss import smoothed_cross_entropy

CPU = torch.device("cpu")

needs_onednn = pytest.mark.skipif(not has_onednn(CPU, torch.float32), reason="no oneDNN for x86 here")


def on(processor: str, monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    monkeypatch.setattr(linear, "cpu_vendor", lambda: processor)
    monkeypatch.setattr(linear, "cpu_flags", lambda: frozenset(flags))


@pytest.fixture
def _on_amd(monkeypatch: pytest.MonkeyPatch) -> None:
    on("AuthenticAMD", monkeypatch, "avx512f")


def pair(rows: int, columns: int, bias: bool) -> tuple[Linear, nn.Linear]:
    torch.manual_seed(0)
    ours, plain = Linear(rows, columns, bias), nn.Linear(rows, columns, bias)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


@needs_onednn
@pytest.mark.usefixtures("_on_amd")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (700,), (40, 30), (2, 3, 100)])
def test_a_map_and_its_gradients_are_those_of_pytorch(shape: tuple[int, ...], bias: bool) -> None:
    ours, plain = pair(96, 200, bias)
    x = torch.randn(*shape, 96)
    assert prefers_onednn(x, 200) == (x.numel() * 200 > SMALL)
    grads: list[list[Tensor | None]] = []
    for module in (ours, plain):
        given = x.clone().requires_grad_()
        out = module(given)
        (out * torch.linspace(-1, 1, 200)).sum().backward()
        grads.append([out.detach(), given.grad, module.weight.grad, module.bias.grad if bias else None])
    torch.testing.assert_close(grads[0], grads[1], atol=1e-4, rtol=1e-4)


@needs_onednn
@pytest.mark.usefixtures("_on_amd")
def test_views_are_read_as_they_stand() -> None:
    ours, plain = pair(64, 300, True)
    x = torch.randn(30, 50, 64).transpose(0, 1)[1:, ::2]
    torch.testing.assert_close(ours(x), plain(x), atol=1e-5, rtol=1e-4)
    side = torch.randn(300, 50).T  # as a gradient may come
    torch.testing.assert_close(multiply(side, torch.ones(64, 300)), side.sum(1, keepdim=True).expand(-1, 64))


@needs_onednn
@pytest.mark.usefixtures("_on_amd")
def test_what_is_frozen_gets_no_gradient() -> None:
    ours, _ = pair(64, 300, True)
    ours.requires_grad_(False)
    x = torch.randn(100, 64, requires_grad=True)
    ours(x).sum().backward()
    assert ours.weight.grad is None
    assert ours.bias.grad is None
    torch.testing.assert_close(x.grad, ours.weight.sum(0).expand(100, 64), atol=1e-5, rtol=1e-4)


@needs_onednn
@pytest.mark.usefixtures("_on_amd")
def test_autocast_has_its_way() -> None:
    ours, plain = pair(64, 300, True)
    x = torch.randn(100, 64)
    with torch.autocast("cpu", torch.bfloat16):
        out = ours(x)
        assert out.dtype == torch.bfloat16
        assert torch.equal(out, plain(x))


@needs_onednn
@pytest.mark.parametrize("vendor", ["AuthenticAMD", "GenuineIntel"])
def test_the_loss_and_its_gradients_are_the_same_by_either_library(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(vendor, monkeypatch, "avx512f")
    torch.manual_seed(0)
    hidden, weight, gold = torch.randn(200, 32), torch.randn(500, 32) / 4, torch.randint(500, (200,))
    assert prefers_onednn(hidden, 500) == (vendor == "AuthenticAMD")
    found = []
    for dtype in (torch.float32, torch.float64):  # which neither library is asked for
        given = [one.to(dtype, copy=True).requires_grad_() for one in (hidden, weight)]
        loss = smoothed_cross_entropy(*given, gold, 0.1)
        loss.smoothed.backward()
        found.append([loss.smoothed.double(), loss.nll.double(), *(one.grad.double() for one in given)])
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-5)


def test_only_where_it_is_known_to_be_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    many, few = torch.randn(1000, 200), torch.randn(1, 2)
    for processor, flag in (("GenuineIntel", "avx512f"), ("AuthenticAMD", "avx2"), ("", "")):
        on(processor, monkeypatch, flag)
        assert not prefers_onednn(many, 200)
    on("AuthenticAMD", monkeypatch, "avx512f")
    assert prefers_onednn(many, 200) == has_onednn(CPU, torch.float32)
    assert not prefers_onednn(few, 200)
    assert not prefers_onednn(many.bfloat16(), 200)
    assert not prefers_onednn(many.double(), 200)
