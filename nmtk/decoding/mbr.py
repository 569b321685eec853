"""Minimum Bayes risk: of many samples the one that is most like the others (Eikema & Aziz 2020).

A metric wants every pair of samples: 4,096 figures of a sentence with 64. What two texts share is the sum, over all
n-grams, of the smaller of two counts. The k-th occurrence of an n-gram is taken for a thing of its own; then it is the
number of things in both, for all pairs at once a product of matrices of zeros and ones.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from nmtk.decoding.hypotheses import Hypothesis

Utility: TypeAlias = Literal["chrf", "bleu"]
"""How like two translations are: sentence chrF2, or sentence BLEU, as sacreBLEU measures them. 0 to 100."""

BETA = 2.0
"""How much more recall counts than precision, in chrF2."""

Array: TypeAlias = npt.NDArray[Any]


def decide(hypotheses: Sequence[Hypothesis], texts: Sequence[str], metric: Utility) -> list[Hypothesis]:
    """The samples of one sentence by their expected utility, which becomes their score, the best first.

    The expectation is over the other samples, each as often as it was drawn. Samples of the same text are one
    hypothesis of the result, the first of them; of equals the first comes first.
    """
    first = list(dict.fromkeys(texts))
    places = {text: place for place, text in enumerate(first)}
    count_U = np.bincount([places[text] for text in texts])
    utility_UU = utilities(first, metric)
    others = max(1, len(texts) - 1)
    expected_U = (utility_UU @ count_U - utility_UU.diagonal()) / others
    return [
        hypotheses[texts.index(first[place])]._replace(score=float(expected_U[place]))
        for place in np.argsort(-expected_U, kind="stable")
    ]


def utilities(texts: Sequence[str], metric: Utility) -> Array:
    """The metric's figure for each text, by row, with each text as its one reference, by column: utility_UU."""
    return _chrf(texts) if metric == "chrf" else _bleu(texts)


def _chrf(texts: Sequence[str]) -> Array:
    """F-score of the mean precision and the mean recall, over the lengths that both texts have n-grams of."""
    match_NUU, count_NU = shared([[ord(letter) for letter in "".join(text.split())] for text in texts], 6)
    said_NU1, wanted_N1U = count_NU[:, :, None], count_NU[:, None, :]
    orders_UU = ((said_NU1 > 0) & (wanted_N1U > 0)).sum(0)
    # Where a text has no n-grams nothing matches, so the other divisor does not matter.
    precision_UU = (match_NUU / said_NU1.clip(1)).sum(0) / orders_UU.clip(1)
    recall_UU = (match_NUU / wanted_N1U.clip(1)).sum(0) / orders_UU.clip(1)
    below_UU = BETA**2 * precision_UU + recall_UU
    figure_UU: Array = 100 * (1 + BETA**2) * precision_UU * recall_UU / np.where(below_UU > 0, below_UU, 1)
    return figure_UU


def _bleu(texts: Sequence[str]) -> Array:
    """With exponential smoothing (Chen & Cherry 2014, method 3), over the lengths that the text has n-grams of."""
    words: dict[str, int] = {}
    tokenize = _tokenizer()
    lines = [[words.setdefault(w, len(words)) for w in tokenize(text.rstrip()).split()] for text in texts]
    match_NUU, count_NU = shared(lines, 4)
    said_NU1 = count_NU[:, :, None]
    misses_NUU = np.cumsum((match_NUU == 0) & (said_NU1 > 0), axis=0)
    part_NUU = np.where(match_NUU > 0, match_NUU, 0.5**misses_NUU)
    logs_NUU = np.where(said_NU1 > 0, np.log(part_NUU / said_NU1.clip(1)), 0)
    mean_UU = logs_NUU.sum(0) / (said_NU1 > 0).sum(0).clip(1)
    length_U = count_NU[0]
    brevity_UU = np.minimum(0, 1 - length_U[None, :] / length_U[:, None].clip(1))
    figure_UU: Array = 100 * np.exp(mean_UU + brevity_UU) * (match_NUU[0] > 0)
    return figure_UU


@cache
def _tokenizer() -> Callable[[str], str]:
    """How BLEU finds words: 13a, the usual way. Imported late: only those who ask for BLEU wait for it."""
    from sacrebleu.metrics.bleu import BLEU

    tokenize: Callable[[str], str] = BLEU(tokenize="13a").tokenizer
    return tokenize


def shared(lines: Sequence[Sequence[int]], longest: int) -> tuple[Array, Array]:
    """Of n-grams of each length, 1 to `longest`: how many each two lines share, match_NUU, and each has, count_NU."""
    lengths_U = np.array([len(line) for line in lines], np.int64)
    symbol_E = np.fromiter(chain.from_iterable(lines), np.int64, int(lengths_U.sum()))
    line_E = np.repeat(np.arange(len(lines)), lengths_U)
    left_E = np.repeat(lengths_U.cumsum(), lengths_U) - np.arange(len(symbol_E))  # symbols from here to the line's end
    alphabet, symbol_E = np.unique(symbol_E, return_inverse=True)
    match_NUU = np.zeros((longest, len(lines), len(lines)))
    count_NU = np.zeros((longest, len(lines)))
    start_G, gram_G = np.arange(len(symbol_E)), np.zeros(len(symbol_E), np.int64)
    for n in range(longest):
        there_G = left_E[start_G] > n
        start_G, gram_G = start_G[there_G], gram_G[there_G]
        gram_G = np.unique(gram_G * len(alphabet) + symbol_E[start_G + n], return_inverse=True)[1]
        line_G = line_E[start_G]
        count_NU[n] = np.bincount(line_G, minlength=len(lines))
        match_NUU[n] = _in_both(gram_G, line_G, len(lines))
    return match_NUU, count_NU


def _in_both(gram_G: Array, line_G: Array, lines: int) -> Array:
    """How many n-grams two lines share, for each two: UU."""
    key_G = gram_G * lines + line_G
    order_G = np.argsort(key_G, kind="stable")
    sorted_G = key_G[order_G]
    first_G = np.searchsorted(sorted_G, sorted_G)
    nth_G = np.arange(len(key_G)) - first_G  # how often the n-gram has stood in its line before
    thing_G = sorted_G // lines * (nth_G.max(initial=0) + 1) + nth_G
    things, thing_G = np.unique(thing_G, return_inverse=True)
    has_UF = np.zeros((lines, len(things)), np.float32)  # exact: no count comes near 2^24
    has_UF[line_G[order_G], thing_G] = 1
    return has_UF @ has_UF.T
