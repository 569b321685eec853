"""What translating and scoring ask of what was loaded: a model folder's Bundle is one, an Ensemble's another."""

from collections.abc import Iterator
from typing import Any, Protocol

from torch import Tensor, nn

from nmtk.decoding.search import Decoder
from nmtk.documents import Document
from nmtk.vocabulary.vocabulary import Vocabularies


class Model(Decoder, Protocol):
    """A model that search can ask, and that scores targets which are given."""

    @property
    def longest(self) -> int | None:
        """The most pieces that a sequence may have on either side; None when there is no such limit."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights, which say on what device it is."""

    def decode(self, target_BT: Tensor, memory_BSD: Any, keep_BS: Tensor | None) -> Tensor:
        """Hidden states of all target positions at once: hidden_BTD."""

    def project(self, hidden: Tensor) -> Tensor:
        """Logits of the next piece: [..., D] to [..., V]."""


class Loaded(Protocol):
    """A model with its vocabularies and its defaults for decoding."""

    @property
    def model(self) -> Model: ...

    @property
    def vocabularies(self) -> Vocabularies: ...

    @property
    def decoding(self) -> Document: ...

    @property
    def card(self) -> Document: ...
