from collections.abc import Callable

import pytest
import torch
from torch import nn

from nmtk.model.linear import SMALL, has_onednn
from nmtk.model.packed import PackedLinear, pack
from nmtk.model.transformer import Transformer

CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(not has_onednn(CPU, torch.float32), reason="no oneDNN for x86 here")


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1,), (5,), (7, 3), (2, 300)])
@pytest.mark.parametrize("size", [(96, 200), (512, 512)])
def test_a_packed_matrix_multiplies_as_before(
    shape: tuple[int, ...], size: tuple[int, int], bias: bool, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    plain = nn.Linear(*size, bias).to(dtype)
    x = torch.randn(*shape, size[0]).to(dtype)
    wanted = plain(x)
    found = PackedLinear(plain.weight, plain.bias)(x)
    assert found.dtype == dtype
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted, atol=1e-5 if dtype == torch.float32 else 1e-2, rtol=1e-2)


@torch.no_grad()
def test_a_view_is_read_as_it_stands() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(64, SMALL // 64)  # large enough for oneDNN at any number of rows
    x = torch.randn(8, 6, 64).transpose(0, 1)[1:, ::2]
    torch.testing.assert_close(PackedLinear(plain.weight, plain.bias)(x), plain(x), atol=1e-5, rtol=1e-5)


def test_where_nothing_is_packed() -> None:
    assert not has_onednn(CPU, torch.float16)
    assert not has_onednn(torch.device("cuda"), torch.float32)


@torch.no_grad()
def test_a_whole_packed_model_says_the_same(make_model: Callable[..., Transformer], positions: str) -> None:
    model = make_model(positions=positions).eval()
    source, target = torch.randint(23, (6, 9)), torch.randint(23, (6, 8))
    exact = model(source, None, target)
    names = set(dict(model.named_parameters()))
    pack(model)
    torch.testing.assert_close(model(source, None, target), exact, atol=1e-4, rtol=1e-4)
    assert not any(isinstance(module, nn.Linear) for module in model.modules())
    assert set(dict(model.named_parameters())) < names
    cache = model.start(model.encode(source, None), None, 1, 8)
    for step in range(8):
        logp = model.step(target[:, step], cache)
        torch.testing.assert_close(logp, exact[:, step].log_softmax(-1), atol=1e-4, rtol=1e-4)
