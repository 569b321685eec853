"""Encoder and decoder against those of PyTorch."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from nmtk.model.attention import CrossAttention, SelfAttention
from nmtk.model.layers import DecoderLayer, EncoderLayer
from nmtk.model.transformer import Transformer

WIDTH, HEADS, INNER, LAYERS = 16, 2, 24, 2


def copy_linear(ours: nn.Linear, theirs: nn.Linear) -> None:
    theirs.weight.copy_(ours.weight)
    theirs.bias.copy_(ours.bias)


def copy_attention(ours: SelfAttention | CrossAttention, theirs: nn.MultiheadAttention) -> None:
    parts = [ours.project] if isinstance(ours, SelfAttention) else [ours.query, ours.remember]
    theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
    theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    copy_linear(ours.out, theirs.out_proj)


def copy_layer(ours: EncoderLayer | DecoderLayer, theirs: nn.Module) -> None:
    copy_attention(ours.self_attention, theirs.self_attn)
    copy_linear(ours.feed_forward.inner, theirs.linear1)
    copy_linear(ours.feed_forward.out, theirs.linear2)
    residuals = [ours.self_residual, ours.feed_residual]
    if isinstance(ours, DecoderLayer):
        copy_attention(ours.cross_attention, theirs.multihead_attn)
        residuals.insert(1, ours.cross_residual)
    for number, residual in enumerate(residuals, start=1):
        copy_linear(residual.norm, getattr(theirs, f"norm{number}"))


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("mode", ["training", "inference"])
def test_the_stacks_are_those_of_pytorch(
    make_model: Callable[..., Transformer], norm_order: str, activation: str, mode: str
) -> None:
    model = make_model(positions="none", norm_order=norm_order, activation=activation)
    pre = norm_order == "pre"
    shape = {"dropout": 0.0, "activation": activation, "batch_first": True, "norm_first": pre}
    layers = [kind(WIDTH, HEADS, INNER, **shape) for kind in (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)]
    norms = [nn.LayerNorm(WIDTH) if pre else None for _ in range(2)]
    encoder = nn.TransformerEncoder(layers[0], LAYERS, norms[0], enable_nested_tensor=False)
    decoder = nn.TransformerDecoder(layers[1], LAYERS, norms[1])
    with torch.no_grad():
        for ours, theirs in ((model.encoder, encoder), (model.decoder, decoder)):
            for our_layer, their_layer in zip(ours.layers, theirs.layers, strict=True):
                copy_layer(our_layer, their_layer)
            if pre:
                copy_linear(ours.norm, theirs.norm)

    x, y = torch.randn(3, 7, WIDTH), torch.randn(3, 5, WIDTH)
    keep = torch.arange(7) < torch.tensor([7, 4, 1])[:, None]
    with torch.set_grad_enabled(mode == "training"):
        memory, theirs = model.encoder(x, keep), encoder(x, src_key_padding_mask=~keep)
        torch.testing.assert_close(memory[keep], theirs[keep], atol=1e-5, rtol=1e-5)
        future = torch.ones(5, 5, dtype=torch.bool).triu(1)
        wanted = decoder(y, theirs, tgt_mask=future, memory_key_padding_mask=~keep)
        torch.testing.assert_close(model.decoder(y, memory, keep), wanted, atol=1e-5, rtol=1e-5)


def test_each_sublayer_drops_before_it_joins_the_stream(
    make_model: Callable[..., Transformer], norm_order: str
) -> None:
    """With everything dropped, a layer lets the stream pass: as it is (pre), or normalised by each norm (post)."""
    layer = make_model(norm_order=norm_order, norm="layer").encoder.layers[0]
    for module in layer.modules():
        if hasattr(module, "rate"):
            module.forward = lambda x, relu=False: torch.zeros_like(x)
    x = torch.randn(2, 3, WIDTH)
    normed = layer.feed_residual.norm(layer.self_residual.norm(x))
    torch.testing.assert_close(layer(x, None), x if norm_order == "pre" else normed)
