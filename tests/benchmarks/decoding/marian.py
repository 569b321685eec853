"""A model of nmtk's as one of Hugging Face's Marian: the same weights under other names.

The signal of the positions is kept beside them, since Marian's own is another; the peer puts it in place.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from nmtk.bundle import Bundle

POSITIONS = 1024


def write(bundle: Bundle, folder: Path) -> None:
    """Write config.json, model.safetensors, positions.safetensors and pieces.json into a new folder.

    The model must be what Marian can be: post-norm with LayerNorm, joint vocabulary, three-way tying, sinusoids.
    """
    options, vocabulary = bundle.model.options, bundle.vocabularies.target
    found = options.norm_order, options.norm, options.tying, options.positions.kind, options.output_bias
    assert found == ("post", "layer", "three-way", "sinusoid", False)
    assert options.scale_embeddings
    folder.mkdir(parents=True)
    weights: dict[str, Tensor] = dict(bundle.model.named_parameters())
    state = {"model.shared.weight": weights["source_embedding.weight"]}
    for side, layers in (("encoder", options.encoder_layers), ("decoder", options.decoder_layers)):
        for layer in range(layers):
            ours, theirs = f"{side}.layers.{layer}", f"model.{side}.layers.{layer}"
            state |= _layer(weights, ours, theirs)
    state["final_logits_bias"] = torch.zeros(1, len(vocabulary))
    tensors = {name: value.detach().clone().contiguous() for name, value in state.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    table = bundle.model.encoder.positions(torch.zeros(1, POSITIONS, options.width), 0, POSITIONS)[0]
    save_file({"positions": table.contiguous()}, folder / "positions.safetensors")
    (folder / "pieces.json").write_text(json.dumps(vocabulary.pieces(range(len(vocabulary)))))
    config = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "vocab_size": len(vocabulary),
        "d_model": options.width,
        "encoder_layers": options.encoder_layers,
        "decoder_layers": options.decoder_layers,
        "encoder_attention_heads": options.heads,
        "decoder_attention_heads": options.heads,
        "encoder_ffn_dim": options.inner,
        "decoder_ffn_dim": options.inner,
        "activation_function": options.activation,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "max_position_embeddings": POSITIONS,
        "pad_token_id": vocabulary.pad,
        "bos_token_id": vocabulary.bos,
        "eos_token_id": vocabulary.eos,
        "unk_token_id": vocabulary.unk,
        "decoder_start_token_id": vocabulary.bos,
        "forced_eos_token_id": None,
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def _layer(weights: dict[str, Tensor], ours: str, theirs: str) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for kind in ("weight", "bias"):

        def put(name: str, value: Tensor, kind: str = kind) -> None:
            found[f"{theirs}.{name}.{kind}"] = value

        for part, value in zip("qkv", weights[f"{ours}.self_attention.project.{kind}"].chunk(3), strict=True):
            put(f"self_attn.{part}_proj", value)
        put("self_attn.out_proj", weights[f"{ours}.self_attention.out.{kind}"])
        put("self_attn_layer_norm", weights[f"{ours}.self_residual.norm.{kind}"])
        if f"{ours}.cross_attention.query.{kind}" in weights:
            put("encoder_attn.q_proj", weights[f"{ours}.cross_attention.query.{kind}"])
            for part, value in zip("kv", weights[f"{ours}.cross_attention.remember.{kind}"].chunk(2), strict=True):
                put(f"encoder_attn.{part}_proj", value)
            put("encoder_attn.out_proj", weights[f"{ours}.cross_attention.out.{kind}"])
            put("encoder_attn_layer_norm", weights[f"{ours}.cross_residual.norm.{kind}"])
        put("fc1", weights[f"{ours}.feed_forward.inner.{kind}"])
        put("fc2", weights[f"{ours}.feed_forward.out.{kind}"])
        put("final_layer_norm", weights[f"{ours}.feed_residual.norm.{kind}"])
    return found
