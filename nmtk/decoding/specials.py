"""The special pieces of a target vocabulary, as search sees them."""

from typing import NamedTuple


class Specials(NamedTuple):
    """The target ids that search must know: what begins a sentence, what ends it, what never stands in it."""

    bos: int
    eos: int
    never: tuple[int, ...] = ()
