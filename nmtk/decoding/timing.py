"""Timing: how fast a model searches."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nmtk.decoding.batching import by_length, source_batch
from nmtk.decoding.search import search
from nmtk.decoding.specials import Specials
from nmtk.decoding.strategies import Strategy
from nmtk.model.transformer import Transformer


class Question(NamedTuple):
    """A source sentence as pieces, and the longest that its translation may be, both without `</s>`."""

    source: Sequence[int]
    limit: int


class Searched(NamedTuple):
    """Some sentences, translated against the clock. Tokens count `</s>`."""

    seconds: float
    source_lengths: list[int]
    target_lengths: list[int]


def time_search(
    model: Transformer,
    questions: Sequence[Question],
    eos: int,
    pad: int,
    specials: Specials,
    strategy: Strategy,
    batch_tokens: int,
    seconds: float,
) -> Searched:
    """Translate batches of similar length, in random order, for so long or until all are done; the first is not timed.

    A model that was not trained never ends a sentence by itself, so there each translation is as long as its limit.
    """
    device = model.output_weight_VD.device
    batches = list(by_length([len(question.source) + 1 for question in questions], batch_tokens))
    order = np.random.default_rng(0).permutation(len(batches))
    found = Searched(0.0, [], [])

    def translate(places: Sequence[int]) -> tuple[list[int], list[int]]:
        batch = [questions[place] for place in places]
        source_BS, keep_BS = source_batch([question.source for question in batch], eos, pad, device)
        limits = [question.limit + 1 for question in batch]
        best = search(model, source_BS, keep_BS, limits, strategy, specials)
        return [len(question.source) + 1 for question in batch], [len(one[0].token_logps) for one in best]

    translate(batches[order[0]])
    began = time.perf_counter()
    for number in order:
        source, target = translate(batches[number])
        found.source_lengths.extend(source)
        found.target_lengths.extend(target)
        if (took := time.perf_counter() - began) >= seconds:  # the results are here, so nothing is still under way
            break
    return found._replace(seconds=took)
