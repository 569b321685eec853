"""What is asked of a translation: a line as the user gives it, and a sentence as search takes it."""

from collections.abc import Sequence
from typing import NamedTuple

from nmtk.errors import DataError


class Request(NamedTuple):
    """A line to translate, and what its translation must keep to.

    A phrase is text, in its own case, normalised as the target vocabulary does it. It stands in a translation where
    it is part of the text, inside a word too.
    """

    text: str
    prefix: str = ""
    """How the translation begins; what is searched for goes on from there, be it in the middle of a word."""
    required: tuple[str, ...] = ()
    """Phrases that must stand in the translation, each at the beginning of a word."""
    forbidden: tuple[str, ...] = ()
    """Phrases that must not stand in it, not even inside a word."""

    def beside(self, always: "Request") -> "Request":
        """With what is asked of all lines, whose text is of no account; a prefix of its own stands before theirs.

        An empty line stays empty, so that it is asked for nothing more.
        """
        if not self.text.strip():
            return self
        required, forbidden = (dict.fromkeys([*one, *other]) for one, other in zip(self[2:], always[2:], strict=True))
        return Request(self.text, self.prefix or always.prefix, (*required,), (*forbidden,))


class LineError(DataError):
    """A line that asks for what no translation can be."""

    def __init__(self, line: int, fault: str):
        """line: its number, from 1."""
        super().__init__(line, fault)  # all of it, so that it comes whole out of another process
        self.line, self.fault = line, fault

    def __str__(self) -> str:
        return f"line {self.line}: {self.fault}"


class Sentence(NamedTuple):
    """A source sentence as pieces, without `</s>`, and what its translation must keep to."""

    pieces: Sequence[int]
    key: int = 0
    """Its name for random numbers: they are the same for the same key, in whatever batch it stands."""
    prefix: tuple[int, ...] = ()
    """The first target pieces."""
    begun: bytes = b""
    """In UTF-8, how the text goes on behind them, in whatever pieces: a word that may not be whole."""
    required: tuple[tuple[tuple[int, ...], ...], ...] = ()
    """Phrases, each as the ways to spell it in target pieces: one of them is enough."""
    forbidden: tuple[bytes, ...] = ()
    """Phrases in UTF-8: they are looked for in what the pieces spell, however it is cut into pieces."""
