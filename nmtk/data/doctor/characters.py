"""Odd characters: what is seldom meant, each kind with a pattern; and letters of a script that is not the side's."""

import re
from collections.abc import Iterator
from typing import ClassVar

from nmtk.data.doctor.findings import Fault, Hit, Severity
from nmtk.data.doctor.profile import COMMON, Profile, script
from nmtk.data.doctor.reading import Portion

_FULL = r"[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"
_JOINED = r"[A-Za-z\u00c0-\u04ff\s]"
"""Letters and spaces between which no joiner has a meaning, as it has in Persian, Hindi and emoji."""


def _fault(name: str, says: str, severity: Severity, mend: str = "", many: float = 1.0) -> Fault:
    return Fault(name, f"{says} in the {{side}}", severity, mend, many)


class Characters:
    """Characters that text seldom means, and that a vocabulary would spend pieces on."""

    SIGNS: ClassVar = (
        (
            re.compile(r"[\x01-\x08\x0b-\x1f\x7f\u2028\u2029]"),
            _fault("control", "control characters", Severity.WARNING, "delete them"),
        ),
        (
            re.compile("[\x80-\x9f]"),
            _fault(
                "control",
                "C1 control characters, which mostly are of text that was read as latin-1,",
                Severity.WARNING,
                "write it as latin-1, and read that as UTF-8, or if it is none as cp1252",
            ),
        ),
        (
            re.compile(
                r"[\u200b\u2060\ufeff\u180e\u00ad]"
                rf"|(?<={_JOINED})[\u200c\u200d]|[\u200c\u200d](?={_JOINED})|^[\u200c\u200d]|[\u200c\u200d]$"
            ),
            _fault("zero-width", "characters without width", Severity.WARNING, "delete them"),
        ),
        (
            re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
            _fault("direction", "marks of writing direction", Severity.NOTE),
        ),
        (
            re.compile("\ufffd"),
            _fault("replacement", "U+FFFD, for what once could not be decoded,", Severity.WARNING, "drop the pair"),
        ),
        (
            re.compile("[\ufdd0-\ufdef\ufffe\uffff" + "".join(map(chr, range(0x1FFFE, 0x110000, 0x10000))) + "]"),
            _fault("non-character", "code points that are no characters (U+FFFF)", Severity.WARNING, "delete them"),
        ),
        (
            re.compile(rf"[A-Za-z0-9] ?{_FULL}|{_FULL} ?[A-Za-z0-9]"),
            _fault("width", "full-width letters or digits beside usual ones", Severity.NOTE, "NFKC unites them"),
        ),
        (
            re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]"),
            _fault("private use", "characters for private use", Severity.WARNING, "they mean nothing elsewhere"),
        ),
    )

    ANY: ClassVar = re.compile(
        r"[\x01-\x08\x0b-\x1f\x7f-\x9f\xad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069"
        r"\ufdd0-\ufdef\ufe00-\uffff\ue000-\uf8ff\U0001fffe-\U0010ffff]"
    )
    """All characters that the signs have, and some more: mostly there are none, which is found at once."""

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, texts in enumerate(portion.sides):
            whole = "\n".join(texts)
            if not self.ANY.search("".join({*whole})):
                continue
            for sign, fault in self.SIGNS:
                if sign.search(whole):  # nearly always it has none, which is found at once
                    yield from (Hit(fault, index, side) for index, text in enumerate(texts) if sign.search(text))


class Scripts:
    """Lines in another script than the side's, and words that mix scripts with letters of the same looks."""

    OTHER: ClassVar = Fault("script", "the {side} is in another script than usual", Severity.WARNING)
    MIXED: ClassVar = Fault(
        "mixed script", "words of Latin and look-alike letters in the {side}", Severity.WARNING, "respell them"
    )
    ALIKE: ClassVar = frozenset({"latin", "cyrillic", "greek", "armenian", "cherokee"})
    SHORTEST: ClassVar = 4
    """Letters that a word must have: `μm` and `πr` are units and formulas."""
    WORD: ClassVar = re.compile(r"[^\W\d_]+")

    def __init__(self, profile: Profile) -> None:
        self.usual = profile.scripts

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, (texts, usual) in enumerate(zip(portion.sides, self.usual, strict=True)):
            odd = {
                letter
                for letter in set("".join(texts))
                if not letter.isascii() and letter.isalpha() and script(letter) not in {COMMON, *(usual or {"latin"})}
            }
            if usual and "latin" not in usual:
                odd.update("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
            if not odd:
                continue
            for index, text in enumerate(texts):
                if odd.isdisjoint(text):
                    continue
                found = sum(letter in odd for letter in text)
                if usual and 2 * found > sum(map(str.isalpha, text)):
                    yield Hit(self.OTHER, index, side)
                elif any(map(self._mixed, self.WORD.findall(text))):
                    yield Hit(self.MIXED, index, side)

    def _mixed(self, word: str) -> bool:
        return len(word) >= self.SHORTEST and not word.isascii() and len(self.ALIKE & set(map(script, word))) > 1
