"""The special pieces of a target vocabulary, as search sees them."""

from typing import NamedTuple, Self

from nmtk.vocabulary.vocabulary import Vocabulary


class Specials(NamedTuple):
    """The target ids that search must know: what begins a sentence, what ends it, what never stands in it."""

    bos: int
    eos: int
    never: tuple[int, ...] = ()

    @classmethod
    def of(cls, target: Vocabulary, unknown: bool) -> Self:
        """Those of a vocabulary; unknown: whether its unknown piece may stand in a sentence."""
        return cls(target.bos, target.eos, (target.pad, target.bos, *(() if unknown else (target.unk,))))
