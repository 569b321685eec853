from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from nmtk.model.dropout import Dropout
from nmtk.model.transformer import Transformer

B, S, T = 3, 7, 6
KEEP = torch.arange(S) < torch.tensor([7, 4, 1])[:, None]


def draw(*shape: int) -> Tensor:
    return torch.randint(23, shape, generator=torch.Generator().manual_seed(2))


def same(left: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(left, right, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("mode", ["training", "inference"])
def test_padding_never_changes_the_answer(
    make_model: Callable[..., Transformer], positions: str, norm_order: str, mode: str
) -> None:
    model = make_model(positions=positions, norm_order=norm_order)
    source, target = draw(B, S), draw(B, T)
    with torch.set_grad_enabled(mode == "training"):
        logits = model(source, KEEP, target)
        same(model(source.masked_fill(~KEEP, 5), KEEP, target), logits)
        wider = torch.cat([source, draw(B, 4)], 1), torch.nn.functional.pad(KEEP, (0, 4))
        same(model(*wider, torch.cat([target, draw(B, 3)], 1))[:, :T], logits)
        for b, length in enumerate(KEEP.sum(1)):
            same(model(source[b : b + 1, :length], None, target[b : b + 1]), logits[b : b + 1])


def test_no_position_sees_a_later_one(make_model: Callable[..., Transformer], positions: str) -> None:
    model = make_model(positions=positions)
    source, target = draw(B, S), draw(B, T)
    logits = model(source, KEEP, target)
    for t in range(T):
        changed = target.clone()
        changed[:, t] = (changed[:, t] + 1) % 23
        other = model(source, KEEP, changed)
        same(other[:, :t], logits[:, :t])
        assert ((other - logits)[:, t:].abs().amax(-1) > 1e-3).all()


@pytest.mark.parametrize("mode", ["training", "inference"])
def test_an_empty_source_has_an_answer_that_its_padding_does_not_change(
    make_model: Callable[..., Transformer], positions: str, mode: str
) -> None:
    model = make_model(positions=positions)
    source, target = draw(2, S), draw(2, T)
    keep = torch.tensor([[True] * S, [False] * S])
    with torch.set_grad_enabled(mode == "training"):
        logits = model(source, keep, target)
        assert logits.isfinite().all()
        same(model(source[:, :0], keep[:, :0], target)[1], logits[1])
    if mode == "training":
        logits.sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_gradients_reach_every_parameter(
    make_model: Callable[..., Transformer], positions: str, norm_order: str, tying: str
) -> None:
    model = make_model(positions=positions, norm_order=norm_order, tying=tying, output_bias=True)
    model(draw(B, S), KEEP, draw(B, T)).logsumexp(-1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_every_combination_of_leaves_runs(
    make_model: Callable[..., Transformer], activation: str, norm: str, norm_order: str
) -> None:
    model = make_model(activation=activation, norm=norm, norm_order=norm_order)
    logits = model(draw(B, S), KEEP, draw(B, T))
    assert logits.shape == (B, T, 23)
    assert logits.isfinite().all()


def test_tying_decides_which_matrices_there_are(make_model: Callable[..., Transformer], tying: str) -> None:
    sizes = (23, 23) if tying == "three-way" else (23, 31)
    model = make_model(sizes, tying=tying)
    matrices = [name for name, p in model.named_parameters() if p.size(0) in sizes and p.dim() == 2 and p.size(1) == 16]
    assert len(matrices) == {"three-way": 1, "decoder": 2, "none": 3}[tying]
    assert model.output_weight_VD.shape == (sizes[1], 16)
    assert {name for name, _ in model.named_parameters()} == set(model.state_dict())
    storages = [value.data_ptr() for value in model.state_dict().values()]
    assert len(set(storages)) == len(storages)
    assert model(draw(B, S), KEEP, draw(B, T)).shape == (B, T, sizes[1])


def test_forward_is_encode_decode_project(make_model: Callable[..., Transformer]) -> None:
    model = make_model(output_bias=True)
    source, target = draw(B, S), draw(B, T)
    hidden = model.decode(target, model.encode(source, KEEP), KEEP)
    bias = model.output_bias_V
    assert bias is not None
    same(model(source, KEEP, target), hidden @ model.output_weight_VD.T + bias)


def test_a_new_model_is_near_uniform_and_its_fused_projections_are_as_if_apart(
    make_model: Callable[..., Transformer],
) -> None:
    torch.manual_seed(0)
    options = make_model(width=64, inner=256).options
    model = Transformer(options, 500, 500).eval()
    logp = model(draw(B, S), KEEP, draw(B, T)).log_softmax(-1)
    assert -logp.mean() < torch.log(torch.tensor(500.0)) + 1.5
    bound = (6 / (64 + 64)) ** 0.5
    attention = model.encoder.layers[0].self_attention
    for part in attention.project.weight.chunk(3):
        assert 0.95 * bound < part.abs().max() <= bound


@pytest.mark.parametrize("way", ["autocast", "weights"])
def test_bfloat16(make_model: Callable[..., Transformer], positions: str, way: str) -> None:
    model = make_model(positions=positions)
    source, target = draw(B, S), draw(B, T)
    with torch.no_grad():
        exact = model(source, KEEP, target)
    if way == "weights":
        model = model.to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=way == "autocast"):
        logits = model(source, KEEP, target)
        logits.float().logsumexp(-1).sum().backward()
        with torch.no_grad():
            cache = model.start(model.encode(source, KEEP), KEEP, 1, T)
            steps = torch.stack([model.step(target[:, t], cache).clone() for t in range(T)], 1)
    spread = exact.std()
    assert (logits.float() - exact).abs().max() < 0.2 * spread
    assert (steps - exact.log_softmax(-1)).abs().max() < 0.2 * spread
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.slow
def test_the_graph_is_whole_for_the_compiler(make_model: Callable[..., Transformer], positions: str) -> None:
    model = make_model(positions=positions)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    for length in (T, T - 2):
        given = draw(B, S), KEEP, draw(B, length)
        same(compiled(*given), model(*given))


def test_every_dropout_acts_once_at_its_own_rate(make_model: Callable[..., Transformer], positions: str) -> None:
    model = make_model(positions=positions, dropout=0.3, attention_dropout=0.2, feedforward_dropout=0.1).train()
    rates = {name: module.rate for name, module in model.named_modules() if isinstance(module, Dropout)}
    used: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, Dropout):
            module.register_forward_hook(lambda *_, name=name: used.append(name))
    model(draw(B, S), KEEP, draw(B, T))
    assert sorted(used) == sorted(rates)
    wanted = {"attend": 0.2, "feed_forward": 0.1}  # all others: residual sub-layers, and the sums of embeddings
    assert all(rate == wanted.get(name.split(".")[-2], 0.3) for name, rate in rates.items())
    assert len(rates) == 2 + 2 * (2 + 1 + 1) + 2 * (3 + 2 + 1)


def test_training_with_dropout_repeats_from_its_seed(make_model: Callable[..., Transformer]) -> None:
    model = make_model(dropout=0.3, attention_dropout=0.2, feedforward_dropout=0.1).train()
    given = draw(B, S), KEEP, draw(B, T)
    logits = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        logits.append(model(*given))
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])
