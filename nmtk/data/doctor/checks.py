"""Checks: each looks for one family of faults in pairs. A new one is a class here and its name in `CHECKS`."""

import math
import re
from collections.abc import Iterator
from typing import ClassVar, Protocol

from nmtk.data.doctor.alignment import Alignment
from nmtk.data.doctor.characters import Characters, Scripts
from nmtk.data.doctor.encodings import Encodings
from nmtk.data.doctor.findings import Fault, Hit, Severity
from nmtk.data.doctor.language import Language, Mixture
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Portion
from nmtk.data.doctor.repeats import Repeats
from nmtk.data.doctor.unfinished import Unfinished


class Check(Protocol):
    """Looks at one portion after another, and may remember what it saw."""

    def look(self, portion: Portion) -> Iterator[Hit]:
        """The faults of a portion."""


class Empty:
    """Pairs of which a side has no text."""

    ONE: ClassVar = Fault(
        "empty", "the {side} is empty", Severity.WARNING, "the files may be shifted from here on", many=0.1
    )
    BOTH: ClassVar = Fault("both empty", "both sides are empty", Severity.NOTE, many=0.01)
    BLANK: ClassVar = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u2060\ufeff]*$")
    """Spaces, and what has no width."""

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for index, (source, target) in enumerate(zip(*portion.sides, strict=True)):
            empty = bool(self.BLANK.match(source)), bool(self.BLANK.match(target))
            if any(empty):
                yield Hit(self.BOTH, index) if all(empty) else Hit(self.ONE, index, int(empty[1]))


class Identical:
    """Pairs with one and the same text: names and numbers, or lines that nobody translated."""

    FAULT: ClassVar = Fault(
        "identical",
        "source and target are the same",
        Severity.NOTE,
        "filters.drop_identical drops them",
        0.02,
        ruin=0.5,
    )

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for index, (source, target) in enumerate(zip(*portion.sides, strict=True)):
            if source.strip() == target.strip() != "":
                yield Hit(self.FAULT, index)


class Ratio:
    """Pairs of which one side is far longer than the corpus's other pairs have it: most are misaligned."""

    BOUND: ClassVar = 3.0
    OVER: ClassVar = 60
    """Characters that the longer side must have: a word may well need a phrase."""

    def __init__(self, profile: Profile) -> None:
        self.usual = profile.ratio
        self.fault = Fault(
            "length ratio",
            f"one side has over {self.BOUND:g} times the characters that the other makes likely (usual: "
            f"{self.usual or 1:.2f} of the target for one of the source)",
            Severity.WARNING,
            many=0.1,
        )

    def look(self, portion: Portion) -> Iterator[Hit]:
        if not self.usual:
            return
        bound = math.log(self.BOUND)
        for index, (source, target) in enumerate(zip(*portion.sides, strict=True)):
            here, there = len(source.strip()), len(target.strip())
            if max(here, there) > self.OVER and min(here, there) and abs(math.log(there / (here * self.usual))) > bound:
                yield Hit(self.fault, index)


class Long:
    """Lines that are no sentence: too long to train on in pieces, and a sign of lost line ends."""

    WORDS: ClassVar = 200
    CHARACTERS: ClassVar = 1500
    FAULT: ClassVar = Fault(
        "long", f"the {{side}} has over {WORDS} words or {CHARACTERS:,} characters", Severity.WARNING, "split it"
    )

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, texts in enumerate(portion.sides):
            for index, text in enumerate(texts):
                if len(text) > self.CHARACTERS or (len(text) > 2 * self.WORDS and len(text.split()) > self.WORDS):
                    yield Hit(self.FAULT, index, side)


class Markup:
    """What was left of a web page."""

    SIGNS: ClassVar = (
        (re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>"), Fault("tags", "tags in the {side}", Severity.WARNING)),
        (
            re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]{2,8}\d{0,2});"),
            Fault("entities", "HTML entities in the {side}", Severity.WARNING, "decode them, as html.unescape does"),
        ),
        (
            re.compile(r"^\s*(?:(?:https?://|ftp://|www\.)\S+|\S+@\S+\.\w+)\s*$", re.MULTILINE),
            Fault("address", "the {side} is a URL or an address alone", Severity.NOTE, many=0.02),
        ),
    )

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, texts in enumerate(portion.sides):
            whole = "\n".join(texts)
            for sign, fault in self.SIGNS:
                if sign.search(whole):  # nearly always it has none, which is found at once
                    yield from (Hit(fault, index, side) for index, text in enumerate(texts) if sign.search(text))


CHECKS = (
    Empty,
    Identical,
    Ratio,
    Long,
    Markup,
    Characters,
    Encodings,
    Scripts,
    Language,
    Mixture,
    Unfinished,
    Alignment,
    Repeats,
)
