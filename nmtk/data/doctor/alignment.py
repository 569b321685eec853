"""Alignment: whether the sides of pairs belong together, suspected by their lengths and told by their words.

Lengths cost next to nothing, but swapped pairs, or languages that are mixed, have odd ones too. So where they are odd,
what the lines are about decides (`nmtk.data.doctor.content`), line by line.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from nmtk.data.doctor.content import Content, Likeness
from nmtk.data.doctor.findings import Fault, Hit, Severity, shown
from nmtk.data.doctor.lengths import doubtful, strangers
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Portion

MANY = 0.001
"""The share of pairs from which on it is an error: a large corpus has a document or two in which a line is missing."""


class Alignment:
    """Stretches of pairs of which the sides do not belong together.

    Nothing is said of lines of one length, or whose words come but once. Names and numbers that are on both sides of
    pairs hold a stretch to be aligned, whatever else it is.
    """

    STRANGERS: ClassVar = Fault(
        "not aligned",
        "pairs whose sides do not belong together",
        Severity.WARNING,
        "the files are shuffled there, or not of the same text",
        many=MANY,
    )
    FEWEST: ClassVar = 50
    """Pairs in which anything can be told."""
    FURTHEST: ClassVar = 10
    """Lines by which a shift is looked for."""
    ALIKE: ClassVar = 2.0
    """How much more alike than by chance, in standard deviations, the sides of a pair are: most are to 4 or 5,
    strangers to 0, neighbours in a document to 1."""
    LEAST, MOST = -2.0, 3.0
    """Within which what a pair weighs is kept."""
    CHANGE: ClassVar = 12.0
    """What weighs against each beginning and end of a stretch: a shift is seen from some six lines on."""
    TOLD, PART = 2.5, 1000
    """How alike on average targets are to the sources so many lines from them when most belong there. Where they are
    not to any, which these are is looked for in so many lines."""
    STRANGE, ALONE = 30, 100
    """Pairs of strangers that are told of: in a stretch, when so many others belong together; and when none do."""
    COPIES: ClassVar = 10
    """Pairs with the same name or number on both sides that hold a stretch to be aligned, when there are three times
    fewer of them some lines away."""

    def __init__(self, _profile: Profile) -> None:
        self._base = 0

    def look(self, portion: Portion) -> Iterator[Hit]:
        if len(portion.numbers) < self.FEWEST or not doubtful(*portion.sides):
            self._base = 0
            return
        scores = self._scores(portion.sides)
        path = _likeliest(scores, self.CHANGE).tolist()
        alone = len(scores) - 1
        belong = sum(state != alone for state in path)
        least = self.STRANGE if belong >= self.ALONE else self.ALONE
        ends = [at for at in range(1, len(path)) if path[at] != path[at - 1]]
        for first, last in zip([0, *ends], [*ends, len(path)], strict=True):
            by = path[first] - self.FURTHEST
            stretch = [side[first:last] for side in portion.sides]
            if path[first] == alone:
                if last - first >= least and strangers(*stretch) and not self._copies(*stretch):
                    yield from (Hit(self.STRANGERS, index) for index in range(first, last))
            elif by:
                yield from _shifted(portion, first, last, by)
        self._base = 0 if path[-1] == alone else path[-1] - self.FURTHEST

    def _scores(self, sides: Sequence[Sequence[str]]) -> Likeness:
        """What speaks for each target's belonging to the source so far below it, and last to none, [states, lines]."""
        content = Content(sides)
        alike, informed = content.alike(self.FURTHEST, self._base)
        if _told(alike) < self.TOLD:  # the pairs that all are compared to are no pairs
            middle = len(sides[0]) // 2
            part = Content([side[max(0, middle - self.PART // 2) : middle + self.PART // 2] for side in sides])
            shifts = range(-self.FURTHEST, self.FURTHEST + 1)
            best = max(shifts, key=lambda base: _told(part.alike(self.FURTHEST, base)[0]))
            most = int(alike.mean(axis=1).argmax()) - self.FURTHEST
            tried = [content.alike(self.FURTHEST, base) for base in (best, most)]
            alike, informed = max(tried, key=lambda one: _told(one[0]))
        scores = np.clip(alike - self.ALIKE, np.where(informed, self.LEAST, 0), self.MOST) * (alike != 0)
        scores[self.FURTHEST] += 1e-3  # where nothing is told, lines stand where they belong
        return np.vstack((scores, np.zeros((1, alike.shape[1]), np.float32)))

    def _copies(self, sources: Sequence[str], targets: Sequence[str]) -> bool:
        """Whether names and numbers are on both sides of pairs by more than chance."""
        here, there = ([_names(text) for text in side] for side in (sources, targets))
        away = self.FURTHEST + 1  # names go through a document, and would be on both sides of neighbours too
        copies = sum(not one.isdisjoint(other) for one, other in zip(here, there, strict=True))
        chance = sum(not one.isdisjoint(other) for one, other in zip(here, there[away:] + there[:away], strict=True))
        return copies >= self.COPIES and copies >= 3 * chance


def _shifted(portion: Portion, first: int, last: int, by: int) -> Iterator[Hit]:
    """The targets of a stretch, which belong to sources so far below them."""
    lines = f"{abs(by)} line{'s' * (abs(by) > 1)}"
    lacking, other = ("target", "source") if by > 0 else ("source", "target")
    fault = Fault(
        "shifted",
        f"targets that belong to the source {lines} {'below' if by > 0 else 'above'}",
        Severity.WARNING,
        f"just before the first of them the {lacking} lacks {lines}, or the {other} has so many too many",
        MANY,
    )
    for index in range(first, last):
        detail = shown(portion.sides[1][index])
        if 0 <= index + by < len(portion.numbers):
            file, line, text = portion.example(index + by, 0, shown(portion.sides[0][index + by]))
            detail += f" belongs to {file}:{line}: {text}"
        yield Hit(fault, index, 1, detail)


def _told(alike: Likeness) -> float:
    return float(alike.mean(axis=1).max())


def _likeliest(scores: Likeness, change: float) -> npt.NDArray[np.int_]:
    """The state of each line for which scores, less what changes weigh, are most (Viterbi 1967)."""
    states, lines = scores.shape
    total = scores[:, 0].copy()
    came = np.empty((lines, states), np.int64)
    stay = np.arange(states)
    for line in range(1, lines):
        top = int(total.argmax())
        moved = total[top] - change
        came[line] = np.where(moved > total, top, stay)
        total = np.maximum(total, moved) + scores[:, line]
    path = np.empty(lines, np.int64)
    path[-1] = total.argmax()
    for line in range(lines - 1, 0, -1):
        path[line - 1] = came[line, path[line]]
    return path


def _names(text: str) -> set[str]:
    """Words within a text with a capital letter or a digit."""
    return {word for word in text.split()[1:] if word[0].isupper() or any(map(str.isdigit, word))}
