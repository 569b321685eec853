"""Alignment: which source words a translation's words come from, by the decoder's attention to the source."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from nmtk.bundle import Bundle
from nmtk.data.batches import flatten, pad
from nmtk.decoding.batching import by_length, source_batch
from nmtk.decoding.splitting import split_text
from nmtk.model.attention import Attend
from nmtk.vocabulary.proto import Span

_WORD = re.compile(r"\S+")


class Part(NamedTuple):
    """A source sentence and its translation as pieces, both without `</s>`."""

    source: Sequence[int]
    target: Sequence[int]


class Aligned(NamedTuple):
    """A line, its translation, and the parts that it was translated in: as a rule one, none of an empty line."""

    source: str
    target: str
    parts: Sequence[Part]


class Aligner:
    """A model that says which source words each word of a translation comes from.

    The translation is given to the decoder (forced decoding), and the weights are read with which one of its layers
    attends to the source, averaged over heads: those of the step that predicts a piece are the piece's. The layer is
    the last but one, the best of six in Garg et al. 2019; of a decoder of one or two, the last: the first of two knows
    too little of the source yet, and its alignments are by far the worse ones.
    """

    def __init__(
        self,
        bundle: Bundle,
        layer: int | None = None,
        batch_tokens: int = 4096,
        longest: int | None = None,
        language: str = "en",
        paragraphs: bool = False,
    ):
        """layer: of the decoder, from 0.

        longest, language, paragraphs: how the translator splits lines, see `split`; where longest is None, not at all.
        """
        self.bundle = bundle
        self.batch_tokens = batch_tokens
        self.longest, self.language, self.paragraphs = longest, language, paragraphs
        layers = bundle.model.decoder.layers
        usual = len(layers) - 2 if len(layers) > 2 else len(layers) - 1
        self.attend: Attend = layers[usual if layer is None else layer].cross_attention.attend
        self.device = next(bundle.model.parameters()).device

    def weights(self, parts: Sequence[Part]) -> list[Tensor]:
        """How much each target piece attends to each source piece: weights_TS of each part, float32.

        A row sums to less than one by what goes to the source's `</s>`, which has no column.
        """
        found: list[Tensor] = [torch.empty(0)] * len(parts)
        for places in by_length([1 + max(map(len, part)) for part in parts], self.batch_tokens):
            weights_BTS = self._batch([parts[place] for place in places])
            for place, weights_TS in zip(places, weights_BTS, strict=True):
                source, target = parts[place]
                found[place] = weights_TS[: len(target), : len(source)].clone()
        return found

    def align(self, lines: Sequence[Aligned]) -> list[list[tuple[int, int]]]:
        """For each line the pairs of source word and target word, in the order of the target; see `align_words`."""
        weights = iter(self.weights([part for line in lines for part in line.parts]))
        return [self._align(line, [next(weights) for _ in line.parts]) for line in lines]

    @torch.inference_mode()
    def _batch(self, parts: Sequence[Part]) -> Tensor:
        (one, other), model = self.bundle.vocabularies, self.bundle.model
        source_BS, keep_BS = source_batch([part.source for part in parts], one.eos, one.pad, self.device)
        target_BT = pad(flatten([part.target for part in parts]), other.bos, None, other.pad).to(self.device)
        seen: list[Tensor] = []

        def look(attend: Attend, given: tuple[Tensor, Tensor, Tensor, Tensor | None, bool], _: Tensor) -> None:
            q_BHTK, k_BHSK, _, keep_B11S, causal = given
            seen.append(attend.weights(q_BHTK, k_BHSK, keep_B11S, causal).float().mean(1))

        hook = self.attend.register_forward_hook(look)
        try:
            model.decode(target_BT, model.encode(source_BS, keep_BS), keep_BS)
        finally:
            hook.remove()
        [weights_BTS] = seen
        return weights_BTS.cpu()

    def _align(self, line: Aligned, weights: Sequence[Tensor]) -> list[tuple[int, int]]:
        if not weights:
            return []
        weights_TS = torch.block_diag(*weights)  # type: ignore[no-untyped-call]
        target_spans = self._target_spans([part.target for part in line.parts])
        return align_words(line.source, line.target, self._source_spans(line.source), target_spans, weights_TS)

    def _source_spans(self, text: str) -> list[Span]:
        """Where the pieces of all parts of a line stand in it: only white space is between the parts."""
        vocabulary, spans, at = self.bundle.vocabularies.source, [], 0
        parts = [text]
        if self.longest:
            found = split_text(text, vocabulary.encode, self.longest, self.language, self.paragraphs)
            parts = [part for part, _ in found]
        for part in map(str.encode, parts):
            at = text.encode().index(part, at)
            spans += [(at + begin, at + end) for begin, end in vocabulary.spans(part.decode())]
            at += len(part)
        return spans

    def _target_spans(self, parts: Sequence[Sequence[int]]) -> list[Span]:
        """Where the pieces of all parts stand in a translation, in which a space joins the parts."""
        vocabulary, spans, at = self.bundle.vocabularies.target, [], 0
        for ids, text in zip(parts, vocabulary.decode(parts), strict=True):
            spans += [(at + begin, at + end) for begin, end in vocabulary.decoded_spans(ids)]
            at += len(text.encode()) + 1
        return spans


def align_words(
    source: str, target: str, source_spans: Sequence[Span], target_spans: Sequence[Span], weights_TS: Tensor
) -> list[tuple[int, int]]:
    """The pairs of source word and target word, each counted from 0, in the order of the target.

    A word is what white space parts, as in `str.split`. Each target word goes with the one source word that its pieces
    attend to most, all of them together; of equals, with the first. Spans say where in the texts the pieces stand.
    """
    source_SN, target_TN = _words(source, source_spans), _words(target, target_spans)
    if not source_SN.numel() or not target_TN.numel():
        return []
    best_N: list[int] = (target_TN.T @ weights_TS @ source_SN).argmax(1).tolist()
    return [(best, word) for word, best in enumerate(best_N)]


def _words(text: str, spans: Sequence[Span]) -> Tensor:
    """Which words each piece belongs to: PN, each row summing to one. A piece of no word goes to the next one."""
    words = [match.span() for match in _WORD.finditer(text)]
    at = [0, *accumulate(len(character.encode()) for character in text)]
    starts, ends = [at[start] for start, _ in words], [at[end] for _, end in words]
    belongs_PN = torch.zeros(len(spans), len(words))
    for piece, (begin, end) in enumerate(spans if words else ()):
        first, last = bisect_right(ends, begin), bisect_left(starts, end)
        if first >= last:
            first = min(first, len(words) - 1)
            last = first + 1
        belongs_PN[piece, first:last] = 1 / (last - first)
    return belongs_PN
