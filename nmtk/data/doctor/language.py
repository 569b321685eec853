"""Language: lines that look like the other side's, told by the words that the corpus itself has on one side only."""

from collections.abc import Iterator
from typing import ClassVar

from nmtk.data.doctor.findings import Fault, Hit, Severity
from nmtk.data.doctor.markers import words
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Portion


class Language:
    """Swapped pairs, and sides that were left untranslated.

    A side is taken for the other's language when it has several of its telling words, such as `the` and `of`, and
    none of its own: a title that is quoted, or a name, stands among words of the side's own. Both sides may be the
    same: names and numbers are in no language.
    """

    SWAPPED: ClassVar = Fault("swapped", "source and target look swapped", Severity.WARNING, "swap them", many=0.05)
    FOREIGN: ClassVar = Fault("language", "the {side} looks like the other side's language", Severity.WARNING, many=0.1)
    LEAST: ClassVar = 3
    """Telling words of the other side that it takes, of which two must differ."""

    EVEN: ClassVar = 0.4
    """The share of turned pairs from which on it is not plain which way is the right one."""

    def __init__(self, profile: Profile) -> None:
        self.markers = profile.markers
        even = "about as many are one way as the other: see which is right, and swap those that are not"
        self.swapped = self.SWAPPED._replace(mend=even) if profile.markers.turned > self.EVEN else self.SWAPPED

    def look(self, portion: Portion) -> Iterator[Hit]:
        own, other, _ = self.markers
        if not own or not other:
            return
        for index, (source, target) in enumerate(zip(*portion.sides, strict=True)):
            here, there = self._foreign(source, own, other), self._foreign(target, other, own)
            if here and there:
                yield Hit(self.swapped, index)
            elif here or there:
                yield Hit(self.FOREIGN, index, int(there))

    def _foreign(self, text: str, own: frozenset[str], other: frozenset[str]) -> bool:
        found = words(text)
        strange = [word for word in found if word in other]
        return len(strange) >= self.LEAST and len(set(strange)) > 1 and own.isdisjoint(found)


class Mixture:
    """Lines that are in another language than most of their side, which is not the other side's."""

    FAULT: ClassVar = Fault(
        "mixed languages",
        "the {side} is in another language than most",
        Severity.WARNING,
        "drop the pair, unless several languages are meant",
    )
    LEAST: ClassVar = 3
    """Telling words of the other language that a line has, beside none of the usual one's."""

    def __init__(self, profile: Profile) -> None:
        self.tongues = profile.tongues

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, (usual, other) in enumerate(self.tongues):
            for index, text in enumerate(portion.sides[side] if other else ()):
                found = words(text)
                if usual.isdisjoint(found) and sum(word in other for word in found) >= self.LEAST:
                    yield Hit(self.FAULT, index, side)
