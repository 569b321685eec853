"""Alignment: which source words a translation's words come from, by the decoder's attention to the source."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

import torch
from torch import Tensor

from nmtk.bundle import Bundle
from nmtk.data.batches import flatten, pad
from nmtk.decoding.batching import by_length, source_batch
from nmtk.decoding.memory import naming_the_batch
from nmtk.decoding.splitting import split_text
from nmtk.model.attention import Attend
from nmtk.vocabulary.proto import Span

BATCH_TOKENS = 4096
"""Pieces of a batch, by the longer side of each part."""

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
        longest: int | None = None,
        language: str = "en",
        paragraphs: bool = False,
    ):
        """How the translator splits lines, see `split`; where longest is None, not at all."""
        self.bundle = bundle
        self.longest, self.language, self.paragraphs = longest, language, paragraphs
        layers = bundle.model.decoder.layers
        usual = len(layers) - 2 if len(layers) > 2 else len(layers) - 1
        self.attend: Attend = layers[usual].cross_attention.attend
        self.device = next(bundle.model.parameters()).device

    def weights(self, parts: Sequence[Part]) -> list[Tensor]:
        """How much each target piece attends to each source piece: weights_TS of each part, float32.

        A row sums to less than one by what goes to the source's `</s>`, which has no column.
        """
        found: list[Tensor] = [torch.empty(0)] * len(parts)
        for places in by_length([1 + max(map(len, part)) for part in parts], BATCH_TOKENS):
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
            with naming_the_batch(source_BS, "shorter lines, or no alignments"):
                model.decode(target_BT, model.encode(source_BS, keep_BS), keep_BS)
        finally:
            hook.remove()
        [weights_BTS] = seen
        return weights_BTS.cpu()

    def _align(self, line: Aligned, weights: Sequence[Tensor]) -> list[tuple[int, int]]:
        if not weights:
            return []
        target_spans = self._target_spans([part.target for part in line.parts])
        return align_words(line.source, line.target, self._source_spans(line.source), target_spans, weights)

    def _source_spans(self, text: str) -> list[Span]:
        """Where the pieces of all parts of a line stand in it: only white space is between the parts."""
        vocabulary, spans, at = self.bundle.vocabularies.source, [], 0
        parts = [text]
        if self.longest:
            found = split_text(text, vocabulary.encode, self.longest, self.language, self.paragraphs)
            parts = [part for part, _ in found]
        whole = text.encode()
        for part in map(str.encode, parts):
            at = whole.index(part, at)
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
    source: str,
    target: str,
    source_spans: Sequence[Span],
    target_spans: Sequence[Span],
    weights: Sequence[Tensor],
) -> list[tuple[int, int]]:
    """The pairs of source word and target word, each counted from 0, in the order of the target.

    A word is what white space parts, as in `str.split`. Each target word goes with the one source word that its pieces
    attend to most, all of them together; of equals, with the first. Spans say where in the texts the pieces stand, and
    `weights` holds the weights_TS of each part, whose pieces lie one after the other. A part is matched with its own
    words alone: memory grows with the line, not with its square.
    """
    source_words, target_words = _words(source), _words(target)
    if not source_words or not target_words:
        return []
    best, most = [0] * len(target_words), [0.0] * len(target_words)
    source_at = target_at = 0
    for weights_TS in weights:
        count_T, count_S = weights_TS.shape
        first_M, source_SM = _belonging(source_words, source_spans[source_at : source_at + count_S])
        first_N, target_TN = _belonging(target_words, target_spans[target_at : target_at + count_T])
        source_at, target_at = source_at + count_S, target_at + count_T
        if not source_SM.numel() or not target_TN.numel():
            continue
        score_NM = target_TN.T @ weights_TS @ source_SM
        place_N = score_NM.argmax(1)
        found = zip(place_N.tolist(), score_NM.gather(1, place_N[:, None]).squeeze(1).tolist(), strict=True)
        for word, (place, score) in enumerate(found, first_N):
            if score > most[word]:
                best[word], most[word] = first_M + place, score
    return [(source_word, word) for word, source_word in enumerate(best)]


def _words(text: str) -> list[Span]:
    """Where the words of a text stand, in bytes."""
    at = [0, *accumulate(len(character.encode()) for character in text)]
    return [(at[start], at[end]) for start, end in (match.span() for match in _WORD.finditer(text))]


def _belonging(words: Sequence[Span], spans: Sequence[Span]) -> tuple[int, Tensor]:
    """The first word that pieces belong to, and which of it and those after it each belongs to: PN.

    Each row sums to one. A piece of no word goes to the next one.
    """
    places: list[tuple[int, int]] = []
    for begin, end in spans:
        first, last = bisect_right(words, begin, key=itemgetter(1)), bisect_left(words, end, key=itemgetter(0))
        if first >= last:
            first = min(first, len(words) - 1)
            last = first + 1
        places.append((first, last))
    lowest, highest = min((first for first, _ in places), default=0), max((last for _, last in places), default=0)
    belongs_PN = torch.zeros(len(spans), highest - lowest)
    for piece, (first, last) in enumerate(places):
        belongs_PN[piece, first - lowest : last - lowest] = 1 / (last - first)
    return lowest, belongs_PN
