"""The model against independent implementations: PyTorch's own layers, numpy, the papers' formulas."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nmtk.model.attention import attention_weights
from nmtk.model.options import TransformerOptions
from nmtk.model.transformer import Transformer

SIZE = 23


def model_of(**fields: object) -> Transformer:
    torch.manual_seed(0)
    document = {"preset": "tiny", "width": 16, "heads": 4, "inner": 24, "encoder_layers": 2, "decoder_layers": 2}
    model = Transformer(TransformerOptions.parse(document | fields, "test"), SIZE, SIZE)
    with torch.no_grad():  # so that norms and biases count
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def batch() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    keep_BS = torch.arange(7) < torch.tensor([7, 4, 1])[:, None]
    return torch.randint(SIZE, (3, 7)), keep_BS, torch.randint(SIZE, (3, 6))


def copy(pairs: list[tuple[nn.Module, nn.Module]]) -> None:
    for theirs, ours in pairs:
        theirs.load_state_dict(ours.state_dict())


def fill(theirs: nn.MultiheadAttention, weights: list[Tensor], biases: list[Tensor], out: nn.Linear) -> None:
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat(weights))
        theirs.in_proj_bias.copy_(torch.cat(biases))
    theirs.out_proj.load_state_dict(out.state_dict())


@pytest.mark.filterwarnings("ignore:.*nested_tensor.*")
@pytest.mark.parametrize("order", ["post", "pre"])
def test_same_weights_same_output_as_pytorch(order: str) -> None:
    model = model_of(norm_order=order)
    options = model.options
    shape = (options.width, options.heads, options.inner, 0.0)
    how = {"batch_first": True, "norm_first": order == "pre"}
    final = [nn.LayerNorm(options.width) if order == "pre" else None for _ in range(2)]
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(*shape, **how), 2, final[0], enable_nested_tensor=False
    ).eval()
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(*shape, **how), 2, final[1]).eval()
    layers = [*encoder.layers, *decoder.layers], [*model.encoder.layers, *model.decoder.layers]
    for theirs, ours in zip(*layers, strict=True):
        project = ours.self_attention.project
        fill(theirs.self_attn, [project.weight], [project.bias], ours.self_attention.out)
        norms = [ours.self_residual.norm, ours.feed_residual.norm]
        if hasattr(ours, "cross_attention"):
            cross = ours.cross_attention
            halves = [cross.query.weight, cross.remember.weight], [cross.query.bias, cross.remember.bias]
            fill(theirs.multihead_attn, *halves, cross.out)
            norms.insert(1, ours.cross_residual.norm)
        copy([(getattr(theirs, f"norm{number}"), norm) for number, norm in enumerate(norms, 1)])
        copy([(theirs.linear1, ours.feed_forward.inner), (theirs.linear2, ours.feed_forward.out)])
    if order == "pre":
        copy([(encoder.norm, model.encoder.norm), (decoder.norm, model.decoder.norm)])

    source_BS, keep_BS, target_BT = batch()
    positions = torch.tensor(table(7, options.width)).float()
    embedded = model.source_embedding.weight[source_BS] * math.sqrt(options.width) + positions
    memory = encoder(embedded, src_key_padding_mask=~keep_BS)
    so_far = model.output_weight_VD[target_BT] * math.sqrt(options.width) + positions[:6]
    causal = nn.Transformer.generate_square_subsequent_mask(6).isinf()
    hidden = decoder(so_far, memory, tgt_mask=causal, memory_key_padding_mask=~keep_BS)
    ours_BSD = model.encode(source_BS, keep_BS)
    torch.testing.assert_close(ours_BSD[keep_BS], memory[keep_BS], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        model(source_BS, keep_BS, target_BT), hidden @ model.output_weight_VD.T, atol=1e-4, rtol=1e-5
    )


def table(length: int, width: int) -> list[list[float]]:
    """Vaswani et al. 2017, section 3.5, letter by letter."""
    return [
        [
            math.sin(at / 10000 ** (i / width)) if i % 2 == 0 else math.cos(at / 10000 ** ((i - 1) / width))
            for i in range(width)
        ]
        for at in range(length)
    ]


def timing_signal_1d(length: int, width: int) -> list[list[float]]:
    """Tensor2Tensor's layout: all sines, then all cosines, timescales 1 to 10,000 with both ends met."""
    half = width // 2
    scales = [math.exp(-i * math.log(10000) / max(1, half - 1)) for i in range(half)]
    return [[math.sin(at * s) for s in scales] + [math.cos(at * s) for s in scales] for at in range(length)]


@pytest.mark.parametrize(("layout", "formula"), [("interleaved", table), ("concatenated", timing_signal_1d)])
def test_sinusoids_are_their_formulas(layout: str, formula: object) -> None:
    plain = model_of(positions={"kind": "none"})
    with_positions = model_of(positions={"kind": "sinusoid", "layout": layout})
    seen: list[Tensor] = []
    for model in (plain, with_positions):
        first = model.encoder.layers[0]
        hook = first.register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0]))
        model.encode(torch.zeros(1, 40, dtype=torch.int64), None)
        hook.remove()
    added = (seen[1] - seen[0])[0]
    torch.testing.assert_close(added, torch.tensor(formula(40, 16)).float(), atol=2e-5, rtol=0)  # type: ignore[operator]


def numpy_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, keep: np.ndarray) -> np.ndarray:
    out = np.zeros_like(q)
    for b, h, t in np.ndindex(q.shape[:3]):
        scores = np.array([q[b, h, t] @ k[b, h, s] / math.sqrt(q.shape[-1]) for s in range(k.shape[2])])
        scores[~keep[b]] = -np.inf
        weights = np.exp(scores - scores.max())
        out[b, h, t] = (weights / weights.sum()) @ v[b, h]
    return out


def test_attention_is_numpys() -> None:
    from nmtk.model.attention import Attend

    torch.manual_seed(2)
    q, k, v = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 6, 4), torch.randn(2, 3, 6, 4)
    keep = torch.arange(6) < torch.tensor([6, 2])[:, None]
    wanted = numpy_attention(q.numpy(), k.numpy(), v.numpy(), keep.numpy())
    for gradients in (False, True):  # both ways that Attend computes it
        found = Attend()(q.requires_grad_(gradients), k, v, keep[:, None, None], False)
        np.testing.assert_allclose(found.detach().numpy(), wanted, atol=1e-5)


def test_the_worked_example_of_the_illustrated_transformer() -> None:
    """Scores 112 and 96, divided by the root of the key width 64: 14 and 12; softmax 0.88 and 0.12."""
    q = torch.zeros(1, 1, 1, 64)
    q[..., 0] = 1.0
    k = torch.zeros(1, 1, 2, 64)
    k[0, 0, 0, 0], k[0, 0, 1, 0] = 112.0, 96.0
    weights = attention_weights(q, k, None, False)
    assert [round(weight, 2) for weight in weights.flatten().tolist()] == [0.88, 0.12]


POSITIONS = [
    {"kind": "sinusoid"},
    {"kind": "sinusoid", "layout": "concatenated"},
    {"kind": "learned"},
    {"kind": "relative"},
    {"kind": "rotary"},
    {"kind": "none"},
]


@pytest.mark.parametrize("order", ["post", "pre"])
@pytest.mark.parametrize("positions", POSITIONS, ids=str)
def test_cached_steps_equal_the_full_pass(positions: dict[str, object], order: str) -> None:
    model = model_of(positions=positions, norm_order=order)
    source_BS, keep_BS, _ = batch()
    width, steps = 2, 6
    with torch.no_grad():
        memory_BSD = model.encode(source_BS, keep_BS)
        cache = model.start(memory_BSD, keep_BS, width, steps)
        rows = torch.empty(6, 0, dtype=torch.int64)
        sentences = torch.arange(3)
        for step in range(steps):
            token_R = torch.randint(SIZE, (len(sentences) * width,))
            rows = torch.cat([rows, token_R[:, None]], 1)
            found_RV = model.step(token_R, cache)
            at = sentences.repeat_interleave(width)
            wanted_RV = model(source_BS[at], keep_BS[at], rows)[:, -1].log_softmax(-1)
            torch.testing.assert_close(found_RV, wanted_RV, atol=2e-5, rtol=1e-4)
            if step == 2:  # beams change places within their sentence
                order_R = torch.tensor([1, 0, 3, 3, 4, 4])
                cache.reorder(order_R)
                rows = rows[order_R]
            if step == 3:  # the sentence in the middle has finished
                stay = torch.tensor([0, 2])
                cache.keep(stay)
                rows = rows.view(3, width, -1)[stay].flatten(0, 1)
                sentences = sentences[stay]


@pytest.mark.parametrize("positions", POSITIONS, ids=str)
def test_padding_and_the_future_never_change_the_answer(positions: dict[str, object]) -> None:
    model = model_of(positions=positions)
    source_BS, keep_BS, target_BT = batch()
    whole = model(source_BS, keep_BS, target_BT)
    for row, length in enumerate([7, 4, 1]):
        alone = model(source_BS[row : row + 1, :length], None, target_BT[row : row + 1, :3])
        torch.testing.assert_close(whole[row, :3], alone[0], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("tying", ["none", "decoder", "three-way"])
@pytest.mark.parametrize("activation", ["relu", "gelu", "swish", "swiglu", "geglu"])
def test_gradients_reach_every_parameter(tying: str, activation: str) -> None:
    model = model_of(tying=tying, activation=activation, norm="rms")
    model(*batch()).logsumexp(-1).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize(("preset", "millions"), [("base", 63), ("big", 214)])
def test_presets_have_the_papers_sizes(preset: str, millions: int) -> None:
    """Vaswani et al. 2017, table 3, with 37,000 pieces: 65 and 213 million."""
    with torch.device("meta"):
        model = Transformer(TransformerOptions.parse({"preset": preset}, "test"), 37_000, 37_000)
    assert round(model.parameter_count / 1e6) == pytest.approx(millions, abs=1)


def test_a_preset_gives_way_to_any_field() -> None:
    options = TransformerOptions.parse({"preset": "big", "dropout": 0.2, "decoder_layers": 1}, "test")
    assert (options.width, options.heads, options.dropout, options.decoder_layers) == (1024, 16, 0.2, 1)


def test_a_hook_reads_the_weights_of_every_head() -> None:
    model, seen = model_of(), []
    attend = model.decoder.layers[0].cross_attention.attend
    attend.register_forward_hook(
        lambda module, arguments, output: seen.append(
            (module.weights(*arguments[:2], *arguments[3:]), arguments[2], output)
        )
    )
    source_BS, keep_BS, target_BT = batch()
    model(source_BS, keep_BS, target_BT)
    ((weights_BHTS, v_BHSK, output_BHTK),) = seen
    torch.testing.assert_close(weights_BHTS.sum(-1), torch.ones(3, 4, 6))
    assert not weights_BHTS[~keep_BS[:, None, None].expand_as(weights_BHTS)].any()
    torch.testing.assert_close(weights_BHTS @ v_BHSK, output_BHTK, atol=1e-5, rtol=1e-5)
