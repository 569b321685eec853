"""The recipe's `decoding`: how a model translates unless it is told otherwise; kept in the model folder."""

import math
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from nmtk.decoding.bounds import MOST_FACTOR, MOST_TOKENS
from nmtk.decoding.strategies import Beam, Strategy
from nmtk.options import COUNT, Options

Ratio = Annotated[float, Field(ge=0, le=MOST_FACTOR)]
Most = Annotated[int, Field(ge=1, le=MOST_TOKENS), COUNT]
Least = Annotated[int, Field(ge=0, le=MOST_TOKENS)]


class DecodingOptions(Options):
    """Strategy, batches, the lengths allowed, and what is done about repetition."""

    strategy: Strategy = Beam()
    batch_tokens: Annotated[PositiveInt, COUNT] = 2048
    """The most source tokens of one batch, padding included; a single sentence may be longer.

    A strategy with more than 8 hypotheses of a sentence gets fewer tokens, as 8 stand to its own.
    """
    max_ratio: Ratio = 2.0
    max_extra: Least = 20
    """A translation has at most max_ratio * source tokens + max_extra tokens, `</s>` counted on both sides."""
    longest: Most = 512
    """No translation has more tokens than this, whatever its source."""
    longest_input: Most = 200
    """A line of more source pieces is split, and its parts are translated one by one."""
    min_length: Least = 0
    min_ratio: Ratio = 0.0
    """A translation has at least min_length pieces and min_ratio * source pieces, if its longest length allows that."""
    no_repeat_ngram: NonNegativeInt = 0
    """No n-gram of so many pieces stands twice in a translation; 0 forbids nothing."""
    repetition_penalty: Annotated[float, Field(gt=0, le=MOST_FACTOR)] = 1.0
    """What the log-probability of a piece that was said before is multiplied by; above 1 it is less likely again."""
    loop_guard: bool = True
    """Whether a translation that goes round in circles is made to stop: see guard.py."""
    split: Literal["long", "sentences"] = "long"
    """Which lines are split into their sentences: those that are too long, or all, as paragraphs."""
    source_language: str | None = None
    """By whose rules sentences end, as de or pt-BR; None: the language that the model was trained on, else English."""
    unknown: bool = False
    """Whether a translation may contain the unknown piece."""

    def least(self, pieces: int) -> int:
        """The shortest translation, in pieces, of a source of so many pieces; `</s>` counts on neither side."""
        return max(self.min_length, math.ceil(self.min_ratio * pieces))

    def limit(self, pieces: int) -> int:
        """The longest translation, in tokens, of a source of so many pieces, its `</s>` not among them."""
        return max(1, min(math.ceil(self.max_ratio * (pieces + 1)) + self.max_extra, self.longest))
