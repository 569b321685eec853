"""Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.model.cache import Memory, Past
from nmtk.model.dropout import Dropout
from nmtk.model.linear import Linear

PLAIN_SIZE = 64 * 64
"""In training on a CPU, attention over at most this many pairs of query and key is written out as plain products.

There the fused kernel gains little from threads: up to this size, in float32, the plain form takes 0.5 to 1.0 times
its time, forward and backward, with two threads, and as long with one. Beyond, and without gradients, the fused kernel
is ahead.
"""


STEP = 16
"""On a CPU, without gradients, attention of fewer queries than this is written out too: the steps of decoding.

Five beams over 16 and over 50 keys, 64 sentences of 4 heads, one thread: the plain form takes 0.7 and 0.3 times the
time of the fused kernel in float32, 0.4 and 0.5 times in bfloat16.
"""


def causal_mask(queries: int, keys: int, device: torch.device) -> Tensor:
    """keep_TS: the queries are the last T of the S positions, and none sees a later one."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


def attention_weights(
    q_BHTK: Tensor, k_BHSK: Tensor, keep_BHTS: Tensor | None, causal: bool, bias_BHTS: Tensor | None = None
) -> Tensor:
    """softmax(q k' / sqrt(K) + bias) over the positions that are kept: the weights that `Attend` mixes values with.

    Each row sums to one, or to nought where nothing is kept. `keep` broadcasts to BHTS; with `causal`, the
    queries are the last T of the S positions. Instead of a mask, `keep` may be numbers to be added to the scores, far
    below nought where nothing is to be kept, for rows that always keep something: a mask that is made once for all
    layers and steps.
    """
    # In place: the product's gradient needs its factors only, and adding a constant has no backward pass.
    scores_BHTS = torch.matmul(q_BHTK, k_BHSK.transpose(-1, -2)).mul_(1 / math.sqrt(q_BHTK.size(-1)))
    if bias_BHTS is not None:
        scores_BHTS.add_(bias_BHTS)
    never_empty = keep_BHTS is None
    if keep_BHTS is not None and keep_BHTS.dtype != torch.bool:
        scores_BHTS.add_(keep_BHTS)
        never_empty, keep_BHTS = True, None
    if causal and scores_BHTS.size(-2) > 1:
        causal_TS = causal_mask(scores_BHTS.size(-2), scores_BHTS.size(-1), scores_BHTS.device)
        keep_BHTS = causal_TS if keep_BHTS is None else keep_BHTS & causal_TS
    if keep_BHTS is not None:
        # A finite number, since a row of -inf would give NaN; half the least, which float16 would round to -inf with
        # a negative score.
        scores_BHTS.add_((~keep_BHTS).to(scores_BHTS.dtype), alpha=torch.finfo(scores_BHTS.dtype).min / 2)
    weights_BHTS = _softmax(scores_BHTS)
    return weights_BHTS if never_empty or keep_BHTS is None else weights_BHTS * keep_BHTS


_VECTOR = 16
"""Numbers in the widest vector of a CPU. PyTorch's softmax takes shorter rows one number at a time."""


def _softmax(scores_BHTS: Tensor) -> Tensor:
    """Softmax over the last axis, in float32 or better inside; the type stays.

    On a CPU, forward and backward together, float32 takes a third of the time of bfloat16 for the rows of some twenty
    numbers that sentences have, and rows that are filled up to a vector a third of the time of shorter ones.
    """
    inner = scores_BHTS.to(torch.promote_types(scores_BHTS.dtype, torch.float32))
    keys = inner.size(-1)
    if 0 < keys < _VECTOR and inner.device.type == "cpu":
        inner = F.pad(inner, (0, _VECTOR - keys), value=-math.inf)
    return inner.softmax(-1)[..., :keys].to(scores_BHTS.dtype)


class Attend(nn.Module):
    """The part of attention without weights: mixes values by how well queries and keys agree.

    All attention passes through a module of this class, and its arguments are positional: a forward hook on it
    sees queries, keys, values and masks of every head, and `weights(q, k, keep, causal, beams)` with those arguments
    gives the weights. Position kinds that act inside self-attention override `turn` or `forward` and `weights`.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)

    def turn(self, x_BHTK: Tensor, start: int, stop: int) -> Tensor:
        """Queries or keys at positions start..stop-1 (or all at one), before they are compared or cached."""
        return x_BHTK

    def weights(self, q_BHTK: Tensor, k_BHSK: Tensor, keep_BHTS: Tensor | None, causal: bool, beams: int = 1) -> Tensor:
        """The weights that `forward` gives to each value, before dropout; see `attention_weights`."""
        return attention_weights(q_BHTK, k_BHSK, keep_BHTS, causal)

    def forward(
        self,
        q_BHTK: Tensor,
        k_BHSK: Tensor,
        v_BHSK: Tensor,
        keep_BHTS: Tensor | None,
        causal: bool,
        beams: int = 1,
    ) -> Tensor:
        """Mix values: BHTK. Nought where nothing is kept.

        With `causal`, the queries are the last T of the S positions. `beams` (W) says that the key axis holds W
        entries for each position, and the query axis too: entry i is at position i // W.
        """
        queries, keys = q_BHTK.size(-2), k_BHSK.size(-2)
        if q_BHTK.device.type == "cpu" and self._pays_plain(queries, keys, q_BHTK.requires_grad):
            return torch.matmul(self.dropout(self.weights(q_BHTK, k_BHSK, keep_BHTS, causal, beams)), v_BHSK)
        if queries == 1:
            causal = False
        if causal and (keep_BHTS is not None or queries != keys):
            causal_TS = causal_mask(queries, keys, q_BHTK.device)
            keep_BHTS, causal = causal_TS if keep_BHTS is None else keep_BHTS & causal_TS, False
        rate = self.dropout.rate if self.training else 0.0
        return F.scaled_dot_product_attention(q_BHTK, k_BHSK, v_BHSK, keep_BHTS, dropout_p=rate, is_causal=causal)

    def _pays_plain(self, queries: int, keys: int, gradients: bool) -> bool:
        """Whether plain products are faster than the fused kernel, on a CPU."""
        if not gradients:
            return queries < STEP
        return queries * keys <= PLAIN_SIZE or self.dropout.active


def _split(x_BTN: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """Cut fused projections into `parts` tensors BHTK."""
    x_BTPHK = x_BTN.view(*x_BTN.shape[:2], parts, heads, x_BTN.size(-1) // (parts * heads))
    if x_BTN.device.type == "cpu" and x_BTN.requires_grad:
        # One copy here, or one for each part in each product of `attention_weights`.
        return torch.unbind(x_BTPHK.permute(2, 0, 3, 1, 4).contiguous())
    # Cut first: the parts' gradients then come together in the order that the projection wants, in one copy.
    return tuple(x_BTHK.transpose(1, 2) for x_BTHK in x_BTPHK.unbind(2))


def _join(x_BHTK: Tensor) -> Tensor:
    return x_BHTK.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """A sequence attends to itself; queries, keys and values come from one matrix of 3D rows, in this order."""

    def __init__(self, width: int, heads: int, attend: Attend) -> None:
        super().__init__()
        self.heads = heads
        self.project = Linear(width, 3 * width)
        self.attend = attend
        self.out = Linear(width, width)

    def forward(self, x_BTD: Tensor, keep_B11T: Tensor | None, causal: bool) -> Tensor:
        """All positions at once: BTD."""
        q_BHTK, k_BHTK, v_BHTK = _split(self.project(x_BTD), 3, self.heads)
        length = x_BTD.size(1)
        q_BHTK, k_BHTK = self.attend.turn(q_BHTK, 0, length), self.attend.turn(k_BHTK, 0, length)
        out_BTD: Tensor = self.out(_join(self.attend(q_BHTK, k_BHTK, v_BHTK, keep_B11T, causal)))
        return out_BTD

    def step(self, x_BWD: Tensor, past: Past) -> Tensor:
        """The next position of each of the W beams of a sentence, which is added to their past: BWD."""
        beams_BWD = x_BWD.reshape(len(past.k_BHNK), past.width, -1)  # another B and W where beams stand apart
        q_BHWK, k_BHWK, v_BHWK = _split(self.project(beams_BWD), 3, self.heads)
        at = past.length
        q_BHWK, k_BHWK = self.attend.turn(q_BHWK, at, at + 1), self.attend.turn(k_BHWK, at, at + 1)
        k_BHSK, v_BHSK = past.extend(k_BHWK, v_BHWK)
        mixed_BHWK = self.attend(q_BHWK, k_BHSK, v_BHSK, past.keep_B1WS, False, past.width)
        out_BWD: Tensor = self.out(_join(mixed_BHWK))
        return out_BWD.view(x_BWD.shape)


class CrossAttention(nn.Module):
    """Target positions attend to the encoded source; keys and values come from one matrix of 2D rows."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.query = Linear(width, width)
        self.remember = Linear(width, 2 * width)
        self.attend = Attend(dropout)
        self.out = Linear(width, width)

    def memory(self, memory_BSD: Tensor, keep_B11S: Tensor | None) -> Memory:
        """Keys and values of the source: the same at every target position, so made once."""
        k_BHSK, v_BHSK = _split(self.remember(memory_BSD), 2, self.heads)
        return Memory(k_BHSK, v_BHSK, keep_B11S)

    def forward(self, x_BTD: Tensor, memory: Memory) -> Tensor:
        """Mix the source for each target position: BTD. T may as well be the W beams of a sentence."""
        (q_BHTK,) = _split(self.query(x_BTD), 1, self.heads)
        mixed_BHTK = self.attend(q_BHTK, memory.k_BHSK, memory.v_BHSK, memory.keep_B11S, False)
        out_BTD: Tensor = self.out(_join(mixed_BHTK))
        return out_BTD
