"""Reranking: the best translations of one model, put in order by what several models think of them."""

import math
from collections.abc import Callable, Sequence
from operator import mul
from pathlib import Path
from typing import NamedTuple, Protocol

from nmtk.decoding.jury import Seat
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.scoring import Scorer
from nmtk.decoding.translator import Translation
from nmtk.documents import Document
from nmtk.errors import OptionsError
from nmtk.languages import base_language


class Judge(Protocol):
    """Gives translations a figure, of which more is better."""

    def judge(self, sources: Sequence[str], found: Sequence[Translation]) -> list[float]:
        """The figure of each translation of the source beside it."""


class Own:
    """The log-probability that the translation was found with."""

    def judge(self, sources: Sequence[str], found: Sequence[Translation]) -> list[float]:
        """Nothing has to be scored again."""
        return [one.logp for one in found]


class Forward(NamedTuple):
    """The log-probability of the translation, its source given, by another model: a larger one, or an ensemble."""

    scorer: Scorer

    def judge(self, sources: Sequence[str], found: Sequence[Translation]) -> list[float]:
        """By forced decoding."""
        return [score.logp for score in self.scorer.score(sources, [one.text for one in found])]


class Backward(NamedTuple):
    """The log-probability of the source, the translation given, by a model of the other direction."""

    scorer: Scorer

    def judge(self, sources: Sequence[str], found: Sequence[Translation]) -> list[float]:
        """By forced decoding. A translation that leaves something out does not explain all of its source."""
        return [score.logp for score in self.scorer.score([one.text for one in found], sources)]


class Length:
    """The target tokens, `</s>` included: what makes up for log-probabilities that only fall with length."""

    def judge(self, sources: Sequence[str], found: Sequence[Translation]) -> list[float]:
        """As the model that found them counts."""
        return [float(len(one.token_logps)) for one in found]


class Reranker:
    """Judges, and what the word of each is worth: a translation's score is the weighted sum of its figures.

    With `Own`, `Backward` and `Length` it is the noisy channel (Yee et al. 2019, section 3): p(target | source), by
    which the candidates were found, times p(source | target) to a power. Weights are tuned on held-out text.
    """

    def __init__(self, judges: Sequence[Judge], weights: Sequence[float]):
        """Raises OptionsError unless there is one finite weight for each judge."""
        if len(weights) != len(judges):
            raise OptionsError(f"weights: found {len(weights)} for {len(judges)} judges, wanted one for each")
        if not all(map(math.isfinite, weights)):
            raise OptionsError(f"weights: found {', '.join(f'{w:g}' for w in weights)}, wanted finite numbers")
        self.judges = judges
        self.weights = weights

    def rerank(self, sources: Sequence[str], found: Sequence[Sequence[Translation]]) -> list[list[Translation]]:
        """The translations of each source by their new scores, the best first; equals stay in their order.

        All are judged together, however many a source has. An empty line keeps its empty translation as it is.
        """
        lines = [text for text, some in zip(sources, found, strict=True) for one in some if one.parts]
        judged = [one for some in found for one in some if one.parts]
        figures = [judge.judge(lines, judged) for judge in self.judges]
        sums = iter([math.fsum(map(mul, self.weights, row)) for row in zip(*figures, strict=True)])
        scored = [[one._replace(score=next(sums)) if one.parts else one for one in some] for some in found]
        return [sorted(some, key=lambda one: -one.score) for some in scored]


def seated(jury: Sequence[Seat], load: Callable[[Path], Loaded], card: Document) -> Reranker:
    """The reranker of a jury, whose models are loaded so, for translations of the model with this card.

    Raises what loading raises, and OptionsError for a model of another direction than its seat's.
    """
    judges: list[Judge] = []
    for seat in jury:
        if seat.model is None:
            judges.append(Own() if seat.name == "own" else Length())
        else:
            bundle = load(seat.model)
            _check_direction(seat, bundle.card, card)
            scorer = Scorer(bundle)
            judges.append(Forward(scorer) if seat.name == "forward" else Backward(scorer))
    return Reranker(judges, [seat.weight for seat in jury])


def _check_direction(seat: Seat, found: Document, card: Document) -> None:
    """A card may as well not say what languages its model translates: then nothing is known against it."""
    sides, wanted = ([str(one.get(side) or "") for side in ("source", "target")] for one in (found, card))
    if seat.name == "backward":
        wanted.reverse()
    if all([*sides, *wanted]) and [*map(base_language, sides)] != [*map(base_language, wanted)]:
        raise OptionsError(
            f"--rerank: {seat.name}={seat.model} translates {' to '.join(sides)}: "
            f"wanted a model of {' to '.join(wanted)}"
        )
