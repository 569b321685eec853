"""Ensembles: several models that answer as one, with the mean of their probabilities."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nmtk.bundle import Bundle
from nmtk.decoding.loaded import Loaded
from nmtk.documents import Document
from nmtk.errors import ModelError, OptionsError
from nmtk.model.cache import Cache
from nmtk.model.transformer import Transformer
from nmtk.vocabulary.vocabulary import Vocabularies


class Ensemble:
    """Models as one model, whose probability of a token is the weighted mean of theirs.

    It is the mean of probabilities, not of log-probabilities: a token that one model is sure of stays likely. Scores
    are log-probabilities, float32. The models share their vocabularies, and may differ in all else; hidden states of
    different widths lie side by side.
    """

    def __init__(self, models: Sequence[Transformer], weights: Sequence[float] | None = None) -> None:
        """Weights are relative to one another, equal if there are none. Raises OptionsError for such as cannot be."""
        weights = [1.0] * len(models) if weights is None else weights
        if len(weights) != len(models):
            raise OptionsError(f"weights: found {len(weights)} for {len(models)} models, wanted one for each")
        if not all(0 < weight < math.inf for weight in weights):
            raise OptionsError(f"weights: found {', '.join(f'{w:g}' for w in weights)}, wanted numbers greater than 0")
        self.models = models
        self.log_weights = [math.log(weight / math.fsum(weights)) for weight in weights]

    @property
    def longest(self) -> int | None:
        """The most pieces that every model can take."""
        return min((model.longest for model in self.models if model.longest is not None), default=None)

    def parameters(self) -> Iterator[nn.Parameter]:
        """Those of all models."""
        for model in self.models:
            yield from model.parameters()

    def encode(self, source_BS: Tensor, keep_BS: Tensor | None) -> list[Any]:
        """What each model makes of the source."""
        return [model.encode(source_BS, keep_BS) for model in self.models]

    def start(
        self, memory_BSD: list[Any], keep_BS: Tensor | None, width: int, longest: int, apart: bool = False
    ) -> "Caches":
        """The caches of all models."""
        pairs = zip(self.models, memory_BSD, strict=True)
        return Caches([model.start(memory, keep_BS, width, longest, apart) for model, memory in pairs])

    def step(self, token_R: Tensor, cache: "Caches") -> Tensor:
        """Log-probabilities of the next token: [R, V]."""
        return self._mean(model.step(token_R, own) for model, own in zip(self.models, cache.caches, strict=True))

    def decode(self, target_BT: Tensor, memory_BSD: list[Any], keep_BS: Tensor | None) -> Tensor:
        """The hidden states of all models, side by side."""
        pairs = zip(self.models, memory_BSD, strict=True)
        return torch.cat([model.decode(target_BT, memory, keep_BS) for model, memory in pairs], -1)

    def project(self, hidden: Tensor) -> Tensor:
        """Log-probabilities of the next token: [..., D] to [..., V]."""
        parts = torch.split(hidden, [model.options.width for model in self.models], -1)
        return self._mean(model.project(part) for model, part in zip(self.models, parts, strict=True))

    def _mean(self, logits: Iterator[Tensor]) -> Tensor:
        """The logarithm of the weighted mean of the probabilities."""
        found: Tensor | None = None
        for logit, log_weight in zip(logits, self.log_weights, strict=True):
            logp = torch.log_softmax(logit, -1, dtype=torch.float32) + log_weight
            found = logp if found is None else torch.logaddexp(found, logp)
        assert found is not None
        return found


class Caches(NamedTuple):
    """The caches of several models, which move together."""

    caches: list[Cache]

    def reorder(self, rows_R: Tensor) -> None:
        """In every cache."""
        for cache in self.caches:
            cache.reorder(rows_R)

    def keep(self, sentences: Tensor) -> None:
        """In every cache."""
        for cache in self.caches:
            cache.keep(sentences)


class Committee(NamedTuple):
    """An ensemble that was loaded, with the vocabularies that its models share; the first tells the rest."""

    model: Ensemble
    vocabularies: Vocabularies
    decoding: Document
    card: Document


def load_ensemble(
    paths: Sequence[Path],
    weights: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    packed: bool = True,
) -> Committee:
    """Load several model folders as one model, laid out for translating (see `Bundle.load`) unless `packed` is False.

    Raises ModelError when one is missing or damaged, or when two have different vocabularies: they must number their
    pieces alike. Raises OptionsError for weights that do not fit.
    """
    if not paths:
        raise OptionsError("an ensemble of no models: wanted one model folder or more")
    bundles = [Bundle.load(path, device, dtype, packed) for path in paths]
    for path, bundle in zip(paths, bundles, strict=True):
        for side in ("source", "target"):
            if getattr(bundle.vocabularies, side).digest != getattr(bundles[0].vocabularies, side).digest:
                raise ModelError(
                    f"{path}: its {side} vocabulary is not that of {paths[0]}: "
                    "wanted models that were trained with the same vocabularies"
                )
    model = Ensemble([bundle.model for bundle in bundles], weights)
    return Committee(model, *bundles[0][1:])


def load_models(
    paths: Sequence[Path],
    weights: Sequence[float] | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    packed: bool = True,
) -> Loaded:
    """Load one model folder by itself, several as an ensemble; see `load_ensemble`."""
    if len(paths) == 1 and weights is None:
        return Bundle.load(paths[0], device, dtype, packed)
    return load_ensemble(paths, weights, device, dtype, packed)
