"""Jury: whose word puts translations in order, and what it is worth, as the command line says it.

    own=W               the log-probability that the translation was found with
    length=W            its tokens
    forward=RUN:W       its log-probability by another model
    backward=RUN:W      the source's, given the translation, by a model of the other direction

Nothing heavy is imported here, so that wrong usage is told at once.
"""

import math
from pathlib import Path
from typing import NamedTuple

from nmtk.errors import OptionsError
from nmtk.options import nearest

JUDGES = {"own": "own=W", "length": "length=W", "forward": "forward=RUN:W", "backward": "backward=RUN:W"}
"""How each is written."""


class Seat(NamedTuple):
    """One judge."""

    name: str
    weight: float
    model: Path | None = None
    """Whose word it is, where it is not that of the model which translates."""


def parse_jury(text: str) -> list[Seat]:
    """The judges, parted by commas. Raises OptionsError for what is none, and for one that says the same twice."""
    seats = [_parse(part) for part in text.split(",")]
    for seat in seats:
        if [one[::2] for one in seats].count(seat[::2]) > 1:
            raise OptionsError(f"found {seat.name} twice{f' of {seat.model}' * bool(seat.model)}, wanted it once")
    return seats


def _parse(text: str) -> Seat:
    name, _, value = text.partition("=")
    if name not in JUDGES:
        raise OptionsError(f"found {text!r}, wanted {', '.join(JUDGES.values())}{nearest(name, list(JUDGES))}")
    model, _, weight = value.rpartition(":")
    try:
        seat = Seat(name, float(weight), Path(model) if model else None)
    except ValueError:
        raise OptionsError(f"found {text!r}, wanted {JUDGES[name]}, W a number") from None
    if not math.isfinite(seat.weight) or bool(model) != ("RUN" in JUDGES[name]):
        raise OptionsError(f"found {text!r}, wanted {JUDGES[name]}, W a finite number")
    return seat
