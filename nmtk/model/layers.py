"""Residual wiring, and the layers of encoder and decoder (Vaswani et al. 2017, figure 1)."""

from collections.abc import Callable

from torch import Tensor, nn

from nmtk.model.attention import CrossAttention, SelfAttention
from nmtk.model.cache import Memory, Past
from nmtk.model.dropout import Dropout
from nmtk.model.feedforward import FeedForward
from nmtk.model.norms import NormOrder, make_norm
from nmtk.model.options import TransformerOptions


class Residual(nn.Module):
    """What stands around each sub-layer f: its norm and its dropout."""

    def __init__(self, norm: nn.Module, dropout: float) -> None:
        super().__init__()
        self.norm = norm
        self.dropout = Dropout(dropout)


class PostNorm(Residual):
    """norm(x + dropout(f(x))): the paper's order (Vaswani et al. 2017, section 5.4)."""

    def forward(self, x_BTD: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        out_BTD: Tensor = self.norm(x_BTD + self.dropout(function(x_BTD)))
        return out_BTD


class PreNorm(Residual):
    """x + dropout(f(norm(x))): the residual stream is never normalised, so a stack ends with a norm of its own.

    Trains without warm-up and to greater depth (Wang et al. 2019, Xiong et al. 2020).
    """

    def forward(self, x_BTD: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        out_BTD: Tensor = x_BTD + self.dropout(function(self.norm(x_BTD)))
        return out_BTD


def make_residual(options: TransformerOptions) -> Residual:
    """The wiring of one sub-layer."""
    orders: dict[NormOrder, type[Residual]] = {"post": PostNorm, "pre": PreNorm}
    return orders[options.norm_order](make_norm(options.norm, options.width), options.dropout)


def make_final_norm(options: TransformerOptions) -> nn.Module:
    """What ends a stack: a norm for pre-norm, nothing for post-norm, whose last layer ended with one."""
    return make_norm(options.norm, options.width) if options.norm_order == "pre" else nn.Identity()


def _self_attention(options: TransformerOptions) -> SelfAttention:
    attend = options.positions.attend(options.width // options.heads, options.attention_dropout)
    return SelfAttention(options.width, options.heads, attend)


def _feed_forward(options: TransformerOptions) -> FeedForward:
    return FeedForward(options.width, options.inner, options.activation, options.feedforward_dropout)


class EncoderLayer(nn.Module):
    """Self-attention over the source, then the feed-forward network."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        self.self_attention = _self_attention(options)
        self.self_residual = make_residual(options)
        self.feed_forward = _feed_forward(options)
        self.feed_residual = make_residual(options)

    def forward(self, x_BSD: Tensor, keep_B11S: Tensor | None) -> Tensor:
        x_BSD = self.self_residual(x_BSD, lambda z_BSD: self.self_attention(z_BSD, keep_B11S, False))
        out_BSD: Tensor = self.feed_residual(x_BSD, self.feed_forward)
        return out_BSD


class DecoderLayer(nn.Module):
    """Causal self-attention over the target so far, cross-attention to the source, the feed-forward network."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        self.self_attention = _self_attention(options)
        self.self_residual = make_residual(options)
        self.cross_attention = CrossAttention(options.width, options.heads, options.attention_dropout)
        self.cross_residual = make_residual(options)
        self.feed_forward = _feed_forward(options)
        self.feed_residual = make_residual(options)

    def forward(self, x_BTD: Tensor, memory_BSD: Tensor, keep_B11S: Tensor | None) -> Tensor:
        """All target positions at once: BTD. Padding needs no mask: it is on the right, hidden by the causal one."""
        memory = self.cross_attention.memory(memory_BSD, keep_B11S)
        return self._wire(x_BTD, lambda z_BTD: self.self_attention(z_BTD, None, True), memory)

    def step(self, x_BWD: Tensor, memory: Memory, past: Past) -> Tensor:
        """The next position of the W beams of each sentence: BWD."""
        return self._wire(x_BWD, lambda z_BWD: self.self_attention.step(z_BWD, past), memory)

    def _wire(self, x_BTD: Tensor, attend_to_target: Callable[[Tensor], Tensor], memory: Memory) -> Tensor:
        x_BTD = self.self_residual(x_BTD, attend_to_target)
        x_BTD = self.cross_residual(x_BTD, lambda z_BTD: self.cross_attention(z_BTD, memory))
        out_BTD: Tensor = self.feed_residual(x_BTD, self.feed_forward)
        return out_BTD
