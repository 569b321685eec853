from collections.abc import Callable

import pytest
import torch
from torch import nn

from nmtk.model.int8 import Int8Linear, quantise
from nmtk.model.transformer import Transformer


@pytest.mark.parametrize("rows", [1, 5, 64, 3000])
@pytest.mark.parametrize("bias", [True, False])
def test_bytes_multiply_like_floats(rows: int, bias: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Linear(96, 200, bias)
    x = torch.randn(rows, 96) * torch.logspace(-3, 3, rows)[:, None]  # each row has a scale of its own
    with torch.no_grad():
        found, wanted = Int8Linear(plain.weight, plain.bias)(x), plain(x)
        error = (found - wanted).norm(dim=1) / (x.norm(dim=1) * plain.weight.norm() / 200**0.5)
    assert error.max() < 0.02


def test_a_row_does_not_depend_on_the_others() -> None:
    torch.manual_seed(0)
    linear = Int8Linear(torch.randn(300, 64), torch.randn(300))
    x = torch.randn(2000, 64)
    together = linear(x)
    assert all(torch.equal(together[row], linear(x[row])) for row in (0, 7, 999, 1999))


def test_rows_and_weights_of_noughts() -> None:
    linear = Int8Linear(torch.zeros(8, 16), torch.arange(8.0))
    assert torch.equal(linear(torch.zeros(3, 16)), torch.arange(8.0).expand(3, -1))


@torch.no_grad()
def test_a_whole_model_of_bytes_says_nearly_the_same(make_model: Callable[..., Transformer], positions: str) -> None:
    model = make_model(positions=positions).eval()
    source, target = torch.randint(23, (6, 9)), torch.randint(23, (6, 8))
    exact = model(source, None, target)
    names = set(dict(model.named_parameters()))
    quantise(model)
    assert (model(source, None, target) - exact).abs().max() < 0.1 * exact.std() + 0.05
    assert not any(isinstance(module, nn.Linear) for module in model.modules())
    assert set(dict(model.named_parameters())) < names
    cache = model.start(model.encode(source, None), None, 1, 8)
    for step in range(8):
        logp = model.step(target[:, step], cache)
        torch.testing.assert_close(logp, model(source, None, target)[:, step].log_softmax(-1), atol=1e-3, rtol=1e-3)
