"""How well a vocabulary fits a text: how finely it cuts words, and what it cannot spell with pieces of its own."""

from collections.abc import Sequence
from typing import NamedTuple

from nmtk.vocabulary.sampling import SPACE
from nmtk.vocabulary.vocabulary import Vocabulary

_BLOCK = 10_000  # lines encoded at a time


class Fit(NamedTuple):
    """What was counted in some lines of text. Words are what spaces part; characters are those after normalisation."""

    lines: int
    words: int
    pieces: int
    characters: int
    covered: int

    @property
    def pieces_per_word(self) -> float:
        return self.pieces / max(1, self.words)

    @property
    def pieces_per_line(self) -> float:
        return self.pieces / max(1, self.lines)

    @property
    def coverage(self) -> float:
        """Share of the characters that are encoded without <unk> or byte pieces; 1.0 when there are none."""
        return self.covered / self.characters if self.characters else 1.0


def measure(vocabulary: Vocabulary, lines: Sequence[str]) -> Fit:
    """Encode the lines and count."""
    words = pieces = characters = covered = 0
    for first in range(0, len(lines), _BLOCK):
        block = lines[first : first + _BLOCK]
        words += sum(len(line.split()) for line in block)
        characters += sum(len(text) - text.count(SPACE) for text in vocabulary.normalise(block))
        for ids in vocabulary.encode(block):
            pieces += len(ids)
            covered += int(vocabulary.widths[ids].sum()) if ids else 0
    return Fit(len(lines), words, pieces, characters, covered)
