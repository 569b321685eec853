import torch

from nmtk.model.norms import Norm, make_norm


def test_norms_are_their_formulas(norm: Norm) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 5, 16) * 4 + 2
    module = make_norm(norm, 16)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(16))
        centred = x - x.mean(-1, keepdim=True) if norm == "layer" else x
        wanted = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * module.weight
        if norm == "layer":
            wanted = wanted + module.bias
        torch.testing.assert_close(module(x), wanted)


def test_scale_of_the_input_does_not_matter(norm: Norm) -> None:
    x = torch.randn(3, 16)
    module = make_norm(norm, 16)
    torch.testing.assert_close(module(x), module(x * 100), atol=1e-3, rtol=1e-3)


def test_the_stream_keeps_its_type_under_autocast(norm: Norm) -> None:
    module = make_norm(norm, 16)
    x = torch.randn(3, 16)
    for dtype in (torch.bfloat16, torch.float32):
        with torch.autocast("cpu", torch.bfloat16):
            out = module(x.to(dtype))
        assert out.dtype == dtype
        torch.testing.assert_close(out.float(), module(x), atol=0.05, rtol=0.02)
