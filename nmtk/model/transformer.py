"""The whole model: embeddings, encoder, decoder, output."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmtk.errors import OptionsError
from nmtk.model.attention import CrossAttention, SelfAttention
from nmtk.model.cache import Cache
from nmtk.model.decoder import Decoder
from nmtk.model.embeddings import Embedding
from nmtk.model.encoder import Encoder
from nmtk.model.feedforward import FeedForward
from nmtk.model.options import TransformerOptions

NEAR = 1 << 18
"""On a CPU, logits are made and normalised so many at a time: they stay in its cache, and take half as long."""


class Transformer(nn.Module):
    """Source ids to scores of target ids (Vaswani et al. 2017, figure 1).

    Sizes are those of the two vocabularies, in pieces. A tied matrix exists once, under the name of its first use
    (`source_embedding`, `target_embedding`, `output_weight`), so a state dict holds no weight twice.

    Raises OptionsError when three-way tying is wanted for vocabularies of different size.
    """

    def __init__(self, options: TransformerOptions, source_size: int, target_size: int) -> None:
        super().__init__()
        if options.tying == "three-way" and source_size != target_size:
            raise OptionsError(
                f"model.tying: three-way needs one vocabulary for both sides, found {source_size} source and "
                f"{target_size} target pieces; make the vocabulary joint, or set tying to decoder"
            )
        self.options = options
        width = options.width
        self.source_embedding = Embedding(source_size, width, options.scale_embeddings)
        self.target_embedding = (
            None if options.tying == "three-way" else Embedding(target_size, width, options.scale_embeddings)
        )
        self.encoder = Encoder(options)
        self.decoder = Decoder(options)
        self.output_weight = nn.Parameter(torch.empty(target_size, width)) if options.tying == "none" else None
        self.output_bias = nn.Parameter(torch.zeros(target_size)) if options.output_bias else None
        self.own_output: nn.Module | None = None  # in the place of the output matrix: see `replace_matrices`
        self._initialise()

    def _initialise(self) -> None:
        """Xavier uniform for every projection (Glorot and Bengio 2010), each part of a fused one by itself; no bias."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
            if isinstance(module, SelfAttention):
                _xavier(module.project, 3)
                _xavier(module.out)
            elif isinstance(module, CrossAttention):
                _xavier(module.query)
                _xavier(module.remember, 2)
                _xavier(module.out)
            elif isinstance(module, FeedForward):
                _xavier(module.inner, 2 if module.gated else 1)
                _xavier(module.out)
        if self.output_weight is not None:
            nn.init.normal_(self.output_weight, std=self.options.width**-0.5)

    @property
    def output_weight_VD(self) -> Tensor:
        """The matrix of the final projection, tied or not."""
        if self.output_weight is not None:
            return self.output_weight
        return self._target_embedding.weight

    @property
    def output_bias_V(self) -> Tensor | None:
        """The bias of the final projection, if the options want one."""
        return self.output_bias

    @property
    def parameter_count(self) -> int:
        """Trained numbers; a tied matrix counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def longest(self) -> int | None:
        """The most pieces that a sequence may have on either side; None when there is no such limit."""
        return self.options.positions.longest()

    @property
    def _target_embedding(self) -> Embedding:
        return self.source_embedding if self.target_embedding is None else self.target_embedding

    def replace_matrices(self, make: Callable[[Tensor, Tensor | None], nn.Module]) -> None:
        """Put modules made of weight_NK and bias_N in the place of every layer's matrices and of the output's.

        Embeddings, norms and an output matrix that is not tied stay beside them. For inference alone.
        """
        for module in list(self.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.Linear):
                    setattr(module, name, make(child.weight, child.bias))
        self.own_output = make(self.output_weight_VD, self.output_bias_V)

    def encode(self, source_BS: Tensor, keep_BS: Tensor | None, known_BS: Tensor | None = None) -> Tensor:
        """The source as the decoder sees it: memory_BSD. `keep` is False at padding; None when there is none.

        Where `known` is False, nothing is seen of a token but that it is there.
        """
        memory_BSD: Tensor = self.encoder(self.source_embedding(source_BS, known_BS), keep_BS)
        return memory_BSD

    def decode(
        self, target_BT: Tensor, memory_BSD: Tensor, keep_BS: Tensor | None, known_BT: Tensor | None = None
    ) -> Tensor:
        """Hidden states of all target positions (teacher forcing): hidden_BTD. Position t sees positions up to t."""
        hidden_BTD: Tensor = self.decoder(self._target_embedding(target_BT, known_BT), memory_BSD, keep_BS)
        return hidden_BTD

    def project(self, hidden: Tensor) -> Tensor:
        """Logits of the next piece: [..., D] to [..., V]."""
        if self.own_output is not None:
            logits: Tensor = self.own_output(hidden)
            return logits
        return F.linear(hidden, self.output_weight_VD, self.output_bias_V)

    def forward(self, source_BS: Tensor, keep_BS: Tensor | None, target_BT: Tensor) -> Tensor:
        """Logits of the piece after each target position: logits_BTV."""
        return self.project(self.decode(target_BT, self.encode(source_BS, keep_BS), keep_BS))

    def start(self, memory_BSD: Tensor, keep_BS: Tensor | None, width: int, longest: int, apart: bool = False) -> Cache:
        """An empty past for W beams of each sentence (R = B * W rows), with room for `longest` target positions.

        `apart` is for beams that never take each other's place: a past of its own for each, not one for all.
        """
        return self.decoder.start(memory_BSD, keep_BS, width, longest, apart)

    def step(self, token_R: Tensor, cache: Cache) -> Tensor:
        """Log-probabilities of the piece after the next position of each row, where `token_R` stands: logp_RV.

        In float32. The result is the caller's to change, until the next step.
        """
        token_BW = token_R.view(-1, cache.width)
        hidden_RD = self.decoder.step(self._target_embedding(token_BW), cache).flatten(0, 1)
        logp_RV = cache.room(len(hidden_RD), len(self.output_weight_VD))
        rows = len(hidden_RD) if hidden_RD.device.type != "cpu" else max(16, NEAR // logp_RV.shape[1])
        for hidden, logp in zip(torch.split(hidden_RD, rows), torch.split(logp_RV, rows), strict=True):
            torch.log_softmax(self.project(hidden), -1, dtype=torch.float32, out=logp)
        return logp_RV


def _xavier(linear: nn.Linear, parts: int = 1) -> None:
    for part in linear.weight.chunk(parts):
        nn.init.xavier_uniform_(part)
