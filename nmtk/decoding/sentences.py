"""What is asked of a translation: a line as the user gives it, and a sentence as search takes it."""

from collections.abc import Sequence
from typing import NamedTuple


class Request(NamedTuple):
    """A line to translate, and what its translation must keep to."""

    text: str
    prefix: str = ""
    """How the translation begins; what is searched for goes on from there."""
    required: tuple[str, ...] = ()
    """Phrases that must stand in the translation."""
    forbidden: tuple[str, ...] = ()
    """Phrases that must not."""


class Sentence(NamedTuple):
    """A source sentence as pieces, without `</s>`, and the same of its translation as target pieces."""

    pieces: Sequence[int]
    key: int = 0
    """Its name for random numbers: they are the same for the same key, in whatever batch it stands."""
    prefix: tuple[int, ...] = ()
    required: tuple[tuple[int, ...], ...] = ()
    forbidden: tuple[tuple[int, ...], ...] = ()
