"""Scoring: how probable a model finds translations that are given (forced decoding)."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

from nmtk.data.batches import flatten, pad
from nmtk.decoding.batching import blocks, by_length, source_batch
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.memory import naming_the_batch
from nmtk.decoding.translator import BUFFER
from nmtk.devices import attention_kernels
from nmtk.errors import DataError, ModelError

ROWS = 2048
"""Target positions projected to the vocabulary at once: what bounds the memory."""

LONG = 2048
"""Tokens of a side from which attention takes most of the time, which then grows with their square."""


class Score(NamedTuple):
    """What the model gives one pair."""

    logp: float
    """Natural log-probability of the target, its `</s>` included."""
    token_logps: list[float]
    """That of each piece and, last, of `</s>`."""
    ids: list[int]
    """Target pieces, without `</s>`."""

    @property
    def tokens(self) -> int:
        """Target tokens scored, `</s>` included."""
        return len(self.token_logps)

    @property
    def perplexity(self) -> float:
        """exp(-logp / tokens): among how many tokens, equally likely, the model had as hard a choice."""
        return perplexity(self.logp, self.tokens)


class Scorer:
    """A model that scores pairs, in batches of at most `batch_tokens` tokens of either side, padding included."""

    def __init__(
        self,
        bundle: Loaded,
        batch_tokens: int = 4096,
        told: Callable[[str], None] = lambda _: None,
        origins: tuple[str, str] = ("source", "target"),
    ):
        """told: of what will take long, before it does. origins: where the two sides come from, for messages."""
        self.bundle, self.told, self.origins = bundle, told, origins
        self.batch_tokens = batch_tokens
        self.device = next(bundle.model.parameters()).device

    def score(self, sources: Iterable[str], targets: Iterable[str], buffer: int = BUFFER) -> Iterator[Score]:
        """Yield the score of each pair, in order; see `score_pairs`. Raises DataError when one side ends first."""
        return self.score_pairs(_side_by_side(sources, targets), buffer)

    def score_pairs(self, pairs: Iterable[tuple[str, str]], buffer: int = BUFFER) -> Iterator[Score]:
        """Yield the score of each pair of source and target, in order.

        Nothing is split, since a translation of several sentences does not say where they part: a long pair is scored
        as it is, though the model may have seen no such length. An empty line is scored as any other.

        Raises DataError for a line that is longer than the positions that the model has learned, ModelError when the
        model gives numbers that are no probabilities.
        """
        for number, block in enumerate(blocks(pairs, buffer)):
            yield from self._block(block, number * buffer + 1)

    def _block(self, texts: Sequence[tuple[str, str]], first: int) -> list[Score]:
        one, other = self.bundle.vocabularies
        sources, targets = zip(*texts, strict=True)
        pairs = list(zip(one.encode(sources), other.encode(targets), strict=True))
        self._check(pairs, first)
        scores: list[Score] = [Score(0.0, [], [])] * len(pairs)
        lengths = [1 + max(map(len, pair)) for pair in pairs]
        if (longest := max(lengths)) > LONG:
            self.told(
                f"line {first + lengths.index(longest):,} has {longest:,} tokens: nothing is split, so it is scored as "
                f"one sentence, in time that grows with the square of its length"
            )
        for places in by_length(lengths, self.batch_tokens):
            ids = [pairs[place][1] for place in places]
            for place, target, parts in zip(places, ids, self._batch([pairs[p] for p in places]), strict=True):
                scores[place] = Score(sum(parts), parts, target)
        if not all(math.isfinite(score.logp) for score in scores):
            raise ModelError("the model's scores are not finite: its weights are damaged, or its precision too low")
        return scores

    def _check(self, pairs: Sequence[tuple[list[int], list[int]]], first: int) -> None:
        longest = self.bundle.model.longest
        if longest is None:
            return
        for line, pair in enumerate(pairs, first):
            for origin, ids in zip(self.origins, pair, strict=True):
                if len(ids) >= longest:
                    found = f"{origin}:{line}: found {len(ids) + 1:,} tokens, </s> among them"
                    raise DataError(f"{found}; the model has {longest:,} positions: score the line in parts")

    @torch.inference_mode()
    def _batch(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[list[float]]:
        """The log-probability of each target token of each pair."""
        (one, other), model = self.bundle.vocabularies, self.bundle.model
        targets = [target for _, target in pairs]
        source_BS, keep_BS = source_batch([source for source, _ in pairs], one.eos, one.pad, self.device)
        target_BT = pad(flatten(targets), other.bos, None, other.pad).to(self.device)
        gold_BT = pad(flatten(targets), None, other.eos, other.pad).to(self.device)
        lengths = [len(target) + 1 for target in targets]
        real_BT = (torch.arange(gold_BT.shape[1]) < torch.tensor(lengths)[:, None]).to(self.device)

        remedies = f"a smaller batch_tokens than {self.batch_tokens:,}, or shorter lines"
        with attention_kernels(self.device), naming_the_batch(source_BS, remedies):
            hidden_BTD = model.decode(target_BT, model.encode(source_BS, keep_BS), keep_BS)
            chunks = zip(torch.split(hidden_BTD[real_BT], ROWS), torch.split(gold_BT[real_BT], ROWS), strict=True)
            logps = torch.cat([_of_gold(model.project(hidden_ND), gold_N) for hidden_ND, gold_N in chunks])
        return [part.tolist() for part in torch.split(logps.cpu(), lengths)]


def perplexity(logp: float, tokens: int) -> float:
    """exp(-logp / tokens); infinite where no floating-point number is so great."""
    try:
        return math.exp(-logp / tokens)
    except OverflowError:
        return math.inf


def _side_by_side(sources: Iterable[str], targets: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line, (source, target) in enumerate(zip_longest(sources, targets)):
        if source is None or target is None:
            side = "source" if source is None else "target"
            raise DataError(f"the {side} side ends after line {line}, the other goes on")
        yield source, target


def _of_gold(logits_NV: Tensor, gold_N: Tensor) -> Tensor:
    return torch.log_softmax(logits_NV, -1, dtype=torch.float32).gather(1, gold_N[:, None]).squeeze(1)
