"""Pieces: how a vocabulary fits a text."""

from collections.abc import Iterator

from nmtk.data.doctor.findings import Fault, Hit, Severity, shown
from nmtk.data.doctor.reading import Portion
from nmtk.vocabulary.vocabulary import Vocabularies

UNKNOWN = Fault(
    "unknown", "characters without a piece in the {side}", Severity.NOTE, "a vocabulary of this text", many=0.01
)


class Pieces:
    """Counts pieces, finds what has none, and what is too long in pieces."""

    def __init__(self, vocabularies: Vocabularies, longest: int) -> None:
        self.vocabularies = vocabularies
        self.longest = longest
        self.pieces = [0, 0]
        """Of all sources, and of all targets."""
        self.long = Fault("pieces", f"the {{side}} has over {longest} pieces: training drops the pair", Severity.NOTE)

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, (texts, vocabulary) in enumerate(zip(portion.sides, self.vocabularies, strict=True)):
            for index, ids in enumerate(vocabulary.encode(texts, threads=1)):
                self.pieces[side] += len(ids)
                if len(ids) > self.longest:
                    yield Hit(self.long, index, side)
                if not vocabulary.knows(ids):
                    strange = "".join(dict.fromkeys(vocabulary.unknown_symbols(texts[index])))
                    yield Hit(UNKNOWN, index, side, f"{shown(strange)} in: {shown(texts[index])}")
