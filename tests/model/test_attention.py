import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from nmtk.model.attention import PLAIN_SIZE, Attend, CrossAttention, SelfAttention, attention_weights
from nmtk.model.transformer import Transformer


def by_hand(q: np.ndarray, k: np.ndarray, v: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Scaled dot-product attention of one head, one query at a time."""
    mixed = np.zeros((len(q), v.shape[1]))
    for t, query in enumerate(q):
        kept = np.flatnonzero(keep[t])
        if len(kept) == 0:
            continue
        scores = np.array([query @ k[s] / math.sqrt(len(query)) for s in kept])
        weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        mixed[t] = sum(weight * v[s] for weight, s in zip(weights, kept, strict=True))
    return mixed


def random_heads(sentences: int, length: int, grad: bool) -> Tensor:
    """BHTK as attention meets it: a view of a tensor in the order BTHK."""
    return torch.randn(sentences, length, 2, 4).requires_grad_(grad).transpose(1, 2)


def lengths_mask(*lengths: int, longest: int) -> Tensor:
    return (torch.arange(longest) < torch.tensor(lengths)[:, None])[:, None, None]


@pytest.mark.parametrize("grad", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("queries", [1, 3, 5])
def test_attention_is_the_formula(queries: int, padded: bool, causal: bool, grad: bool) -> None:
    torch.manual_seed(0)
    q, k, v = random_heads(3, queries, grad), random_heads(3, 5, grad), random_heads(3, 5, grad)
    keep = lengths_mask(5, 2, 0, longest=5) if padded else None
    mixed = Attend()(q, k, v, keep, causal)
    allowed = np.ones((3, queries, 5), dtype=bool) if keep is None else keep.expand(3, 1, queries, 5)[:, 0].numpy()
    if causal:
        allowed = allowed & (np.arange(5) <= np.arange(5 - queries, 5)[:, None])
    for b in range(3):
        for h in range(2):
            heads = [x[b, h].detach().double().numpy() for x in (q, k, v)]
            np.testing.assert_allclose(mixed[b, h].detach().numpy(), by_hand(*heads, allowed[b]), atol=1e-6)


def test_the_worked_example_of_the_illustrated_transformer() -> None:
    q = torch.ones(1, 1, 1, 64)
    k = torch.stack([torch.full((64,), 112 / 64), torch.full((64,), 96 / 64)])[None, None]
    scores = (q @ k.mT).flatten()
    assert scores.tolist() == [112, 96]
    assert (scores / math.sqrt(64)).tolist() == [14, 12]
    weights = attention_weights(q, k, None, causal=False)
    assert [round(weight, 2) for weight in weights.flatten().tolist()] == [0.88, 0.12]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_plain_products_and_the_fused_kernel_agree_with_gradients(padded: bool, causal: bool) -> None:
    torch.manual_seed(0)
    keep = lengths_mask(9, 4, 0, longest=9) if padded else None
    leaves = [torch.randn(3, 2, 9, 8, requires_grad=True) for _ in range(3)]
    plain = Attend()(*leaves, keep, causal)
    plain_grads = torch.autograd.grad(plain.square().sum(), leaves)
    if causal and keep is not None:
        keep, causal = keep & torch.ones(9, 9, dtype=torch.bool).tril(), False
    fused = torch.nn.functional.scaled_dot_product_attention(*leaves, keep, is_causal=causal)
    fused_grads = torch.autograd.grad(fused.square().sum(), leaves)
    torch.testing.assert_close(plain, fused, atol=1e-6, rtol=1e-5)
    for ours, theirs in zip(plain_grads, fused_grads, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_long_sequences_get_the_same_answer_from_either_form() -> None:
    torch.manual_seed(0)
    length = math.isqrt(PLAIN_SIZE) + 1
    q, k, v = (random_heads(2, length, True) for _ in range(3))
    keep = lengths_mask(length, 3, longest=length)
    plain = attention_weights(q, k, keep, False) @ v
    torch.testing.assert_close(Attend()(q, k, v, keep, False), plain, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("keys", [0, 4])
def test_with_nothing_to_attend_to_the_mix_is_nought(keys: int, grad: bool) -> None:
    q, k, v = random_heads(2, 3, grad), random_heads(2, keys, grad), random_heads(2, keys, grad)
    mixed = Attend()(q, k, v, lengths_mask(0, 0, longest=keys), False)
    assert mixed.shape == q.shape
    assert not mixed.any()
    if grad:
        assert all(
            g.isfinite().all() for g in torch.autograd.grad(mixed.sum(), [q, k, v], allow_unused=True) if g is not None
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("score", [-200.0, 200.0])
def test_what_is_not_kept_has_no_weight_in_any_precision(dtype: torch.dtype, score: float) -> None:
    """A strong score must not carry the mask out of the range of float16, where a row of -inf gives NaN."""
    q = torch.full((2, 1, 1, 4), 10.0, dtype=dtype)
    k = torch.full((2, 1, 3, 4), score / 20, dtype=dtype)
    weights = attention_weights(q, k, lengths_mask(0, 2, longest=3), False)
    assert weights.flatten().tolist() == [0, 0, 0, 0.5, 0.5, 0]


def test_attention_dropout_leaves_out_whole_weights_in_training_only() -> None:
    torch.manual_seed(0)
    attend = Attend(dropout=0.5)
    q, k = random_heads(8, 20, True), random_heads(8, 20, True)
    v = torch.eye(20).expand(8, 2, 20, 20)  # the mix is then the weights themselves
    weights = attend.weights(q, k, None, False)
    dropped = attend.train()(q, k, v, None, False)
    kept = dropped != 0
    assert 0.45 < kept.float().mean() < 0.55
    torch.testing.assert_close(dropped[kept], weights[kept] * 2)
    torch.testing.assert_close(attend.eval()(q, k, v, None, False), weights)


def test_heads_attend_apart() -> None:
    """Multi-head attention is each head's attention on its own rows of the projections (Vaswani et al., 3.2.2)."""
    torch.manual_seed(0)
    attention = SelfAttention(8, 2, Attend())
    x = torch.randn(1, 5, 8)
    q, k, v = (
        x[0] @ w.T + b for w, b in zip(attention.project.weight.chunk(3), attention.project.bias.chunk(3), strict=True)
    )
    everything = np.ones((5, 5), dtype=bool)
    heads = [
        by_hand(*(part[:, h * 4 : h * 4 + 4].detach().numpy() for part in (q, k, v)), everything) for h in range(2)
    ]
    wanted = attention.out(torch.tensor(np.concatenate(heads, axis=1), dtype=torch.float32))
    torch.testing.assert_close(attention(x, None, False)[0], wanted, atol=1e-6, rtol=1e-5)


def test_cross_attention_to_the_sequence_itself_is_self_attention() -> None:
    torch.manual_seed(0)
    own, cross = SelfAttention(8, 2, Attend()), CrossAttention(8, 2)
    with torch.no_grad():
        for ours, theirs in ((own.project.weight, "weight"), (own.project.bias, "bias")):
            getattr(cross.query, theirs).copy_(ours[:8])
            getattr(cross.remember, theirs).copy_(ours[8:])
            getattr(cross.out, theirs).copy_(getattr(own.out, theirs))
    x, keep = torch.randn(3, 5, 8), lengths_mask(5, 3, 1, longest=5)
    torch.testing.assert_close(cross(x, cross.memory(x, keep)), own(x, keep, False))


def test_a_hook_sees_every_head_and_can_tell_its_weights(
    make_model: Callable[..., Transformer], positions: str
) -> None:
    model = make_model(positions=positions)
    seen = []
    for module in model.modules():
        if isinstance(module, Attend):
            module.register_forward_hook(lambda attend, given, mixed: seen.append((attend, given, mixed)))
    source, keep = torch.randint(23, (3, 6)), lengths_mask(6, 4, 1, longest=6)[:, 0, 0]
    with torch.no_grad():
        model(source, keep, torch.randint(23, (3, 5)))
        cache = model.start(model.encode(source, keep), keep, 2, 4)
        for _ in range(3):
            model.step(torch.randint(23, (6,)), cache)
    assert len(seen) == 2 + 4 + 2 + 3 * 4
    for attend, (q, k, v, *masks), mixed in seen:
        weights = attend.weights(q, k, *masks)
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        if type(attend).forward is Attend.forward:
            torch.testing.assert_close(weights @ v, mixed, atol=1e-6, rtol=1e-5)
