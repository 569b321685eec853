"""Overlap: pairs of which a side stands in a validation or test set too, or nearly so."""

from collections.abc import Iterable, Iterator

from nmtk.data.doctor.findings import Example, Fault, Hit, Severity, shown
from nmtk.data.doctor.near import SHORTEST, Near
from nmtk.data.doctor.reading import Portion
from nmtk.data.held_out import bare


class Overlap:
    """The pairs of one validation or test set, to which the others are compared.

    What is equal is what training leaves out (`HeldOut`): the same letters and digits on either side. What is near
    it trains on.
    """

    def __init__(self, name: str, pairs: Iterable[Portion], dropped: bool, training: bool) -> None:
        """dropped: whether training leaves out what is equal. training: whether training text is compared to it."""
        self._places: tuple[dict[str, Example], dict[str, Example]] = ({}, {})
        for portion in pairs:
            for side, places in enumerate(self._places):
                for index, text in enumerate(portion.sides[side]):
                    places.setdefault(bare(text), portion.example(index, side, text))
        self._sides = tuple(Near(list(places)) for places in self._places)
        self.equal = Fault(
            "overlap",
            f"a side stands in {name} too",
            Severity.NOTE if dropped else Severity.WARNING,
            "training leaves the pair out" if dropped else "leave the pair out",
            ruin=2.0 if training else 0.5,
        )
        self.turned = Fault(
            "turned overlap",
            f"a side stands on the other side of {name}",
            Severity.WARNING,
            "leave the pair out, or swap its sides if they are swapped",
        )
        self.near = Fault("near overlap", f"a side is nearly one of {name}, or holds it", Severity.NOTE, many=0.1)

    def look(self, portion: Portion) -> Iterator[Hit]:
        found: dict[int, Hit] = {}
        for side, near in enumerate(self._sides):
            places, others = self._places[side], self._places[1 - side]
            texts = [bare(text) for text in portion.sides[side]]
            for index, text in enumerate(texts):
                if len(text) >= SHORTEST and text in others and text not in places:
                    file, line, _ = others[text]
                    found.setdefault(
                        index, Hit(self.turned, index, side, f"{shown(portion.sides[side][index])} = {file}:{line}")
                    )
            for index, nearest, equal in near.find(texts):
                if index in found and (not equal or found[index].fault == self.equal):
                    continue
                file, line, text = places[near.texts[nearest]]
                mine = shown(portion.sides[side][index])
                detail = f"{mine} = {file}:{line}" if equal else f"{mine} ~ {file}:{line}: {shown(text)}"
                found[index] = Hit(self.equal if equal else self.near, index, side, detail)
        yield from (found[index] for index in sorted(found))
