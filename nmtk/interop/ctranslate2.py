"""A model of nmtk's in CTranslate2's format: the same weights under other names.

A piece's name there is its id in digits, so that pieces which look alike, or a tokenizer's own signs, are never mixed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from nmtk.bundle import Bundle
from nmtk.errors import ModelError, OptionsError
from nmtk.model.attention import CrossAttention, SelfAttention
from nmtk.model.decoder import Decoder
from nmtk.model.encoder import Encoder
from nmtk.model.feedforward import FeedForward
from nmtk.model.layers import DecoderLayer, EncoderLayer
from nmtk.model.norms import EPSILON
from nmtk.model.options import TransformerOptions
from nmtk.model.positions import AtInput, RelativeAttend

POSITIONS = 1024
"""Positions that are written, of a model that computes them: no sequence may be longer."""

ACTIVATIONS = {"relu": "RELU", "gelu": "GELU", "swish": "SWISH", "swiglu": "SWISH", "geglu": "GELU"}
"""CTranslate2's names of the function in each of nmtk's."""


def load() -> Any:
    """The package `ctranslate2`. Raises OptionsError, which says what to install, where it is not there."""
    try:
        import ctranslate2
    except ImportError as error:
        raise OptionsError(f"ctranslate2 cannot be imported ({error}): pip install 'nmtk[interop]'") from None
    return ctranslate2


def export(bundle: Bundle, folder: Path) -> None:
    """Write the model into a folder that exists, in float32: what it is to be computed in is chosen as it is loaded.

    Raises ModelError for a model in another type.
    """
    specs, model, options = load().specs, bundle.model, bundle.model.options
    if model.source_embedding.weight.dtype != torch.float32:
        raise ModelError(f"to export, wanted a model in float32, found {model.source_embedding.weight.dtype}")
    shape = _shape(specs, options)
    spec = specs.TransformerSpec(
        specs.TransformerEncoderSpec(options.encoder_layers, **shape),
        specs.TransformerDecoderSpec(options.decoder_layers, **shape),
    )
    _stack(spec.encoder, model.encoder, options)
    _stack(spec.decoder, model.decoder, options)
    for there, layer in zip(spec.decoder.layer, model.decoder.layers, strict=True):
        _cross_attention(there.attention, layer.cross_attention, layer.cross_residual.norm)
    spec.encoder.embeddings[0].weight = model.source_embedding.weight
    spec.decoder.embeddings.weight = (model.target_embedding or model.source_embedding).weight
    spec.decoder.projection.weight = model.output_weight_VD
    if model.output_bias_V is not None:
        spec.decoder.projection.bias = model.output_bias_V

    source, target = bundle.vocabularies
    spec.register_source_vocabulary(names(range(len(source))))
    spec.register_target_vocabulary(names(range(len(target))))
    unk, bos, eos = names((target.unk, target.bos, target.eos))
    spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = unk, bos, eos
    spec.config.decoder_start_token = bos
    spec.config.add_source_bos = spec.config.add_source_eos = False
    spec.config.layer_norm_epsilon = EPSILON
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(folder))


def names(ids: Iterable[int]) -> list[str]:
    """What pieces are called in the exported model."""
    return [str(i) for i in ids]


def _shape(specs: Any, options: TransformerOptions) -> dict[str, Any]:
    """What a stack's specification is made with."""
    return {
        "num_heads": options.heads,
        "pre_norm": options.norm_order == "pre",
        "activation": specs.Activation[ACTIVATIONS[options.activation]],
        "ffn_glu": options.activation in ("swiglu", "geglu"),
        "rms_norm": options.norm == "rms",
        "relative_position": options.positions.kind == "relative",
        "rotary_dim": options.width // options.heads if options.positions.kind == "rotary" else None,
    }


def _stack(there: Any, here: Encoder | Decoder, options: TransformerOptions) -> None:
    """All that encoder and decoder have both."""
    there.scale_embeddings = options.scale_embeddings
    if hasattr(there, "position_encodings"):
        there.position_encodings.encodings = _table(here.positions, options)
    if options.norm_order == "pre":
        _norm(there.layer_norm, here.norm)
    for spec, layer in zip(there.layer, cast("list[EncoderLayer | DecoderLayer]", here.layers), strict=True):
        _self_attention(spec.self_attention, layer.self_attention, layer.self_residual.norm)
        _feed_forward(spec.ffn, layer.feed_forward, layer.feed_residual.norm)


def _table(positions: AtInput, options: TransformerOptions) -> Tensor:
    """What a stack adds to its embeddings, position by position: TD. Nought for kinds that act elsewhere, or nowhere.

    Without a table, CTranslate2 would add sinusoids of its own.
    """
    rows = options.positions.longest() or POSITIONS
    with torch.inference_mode():
        table: Tensor = positions(torch.zeros(1, rows, options.width), 0, rows)[0]
    return table.clone()


def _self_attention(there: Any, here: SelfAttention, norm: nn.Module) -> None:
    _norm(there.layer_norm, norm)
    _linear(there.linear[0], here.project)
    _linear(there.linear[1], here.out)
    if isinstance(here.attend, RelativeAttend):
        there.relative_position_keys = here.attend.key_NK
        there.relative_position_values = here.attend.value_NK


def _cross_attention(there: Any, here: CrossAttention, norm: nn.Module) -> None:
    _norm(there.layer_norm, norm)
    for spec, linear in zip(there.linear, (here.query, here.remember, here.out), strict=True):
        _linear(spec, linear)


def _feed_forward(there: Any, here: FeedForward, norm: nn.Module) -> None:
    _norm(there.layer_norm, norm)
    _linear(there.linear_1, here.out)
    if here.gated:
        for spec, part in ((there.linear_0, 0), (there.linear_0_noact, 1)):
            spec.weight, spec.bias = here.inner.weight.chunk(2)[part], here.inner.bias.chunk(2)[part]
    else:
        _linear(there.linear_0, here.inner)


def _linear(there: Any, here: nn.Linear) -> None:
    there.weight, there.bias = here.weight, here.bias


def _norm(there: Any, here: nn.Module) -> None:
    there.gamma = here.weight
    if (bias := getattr(here, "bias", None)) is not None:
        there.beta = bias
