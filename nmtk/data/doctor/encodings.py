"""Encodings: UTF-8 that was read as something else (Ã¤ for ä), and letters that an encoding could not hold (f?r).

Text in UTF-8 that was read in another encoding is that encoding's characters for the bytes 0xC2 to 0xF4, each with one
to three of those for 0x80 to 0xBF behind it. What these bytes decode to must be likely too: such pairs come by chance,
as in `É»`, or in `Её`.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from nmtk.data.doctor.findings import Fault, Hit, Severity, shown
from nmtk.data.doctor.profile import COMMON, Profile, script
from nmtk.data.doctor.reading import Portion

SINGLE = (
    *("cp1252", "latin-1", "cp1250", "iso8859-2", "cp1254", "cp1257", "cp1251", "koi8-r", "cp866", "cp1253"),
    *("mac-roman", "cp437", "cp850"),
)
DOUBLE = ("gbk", "cp932")
RUN = 6
"""Characters of Chinese or Japanese that must be bytes of UTF-8 throughout, since some few are by chance."""
SEQUENCES = 3
"""Letters other than Latin ones that must be in a row for the same reason."""

_ODD = re.compile(r"[^\x00-\x7f]{2}")
_WIDE = re.compile(rf"[\u3040-\u30ff\u3400-\u9fff\uff61-\uff9f\ue000-\uf8ff]{{{RUN},}}")
_CLOSING = frozenset("“”‘’…–—»›•\xa0")
"""What may follow a capital letter, and also stands for the second byte of a letter."""
_ALWAYS = re.compile("^[\u2010-\u2044\u20ac\u2122\ufeff\U0001f000-\U0001faff]+$")
_LATIN = re.compile("^[\xa0-\u017f\u2010-\u2044\u20ac\u2122\ufeff]+$")


class Encodings:
    """Lines that were read in another encoding than they were written in."""

    LOST: ClassVar = Fault(
        "lost letters", "? for a letter in the {side}", Severity.NOTE, "convert the text to UTF-8 again", many=0.0005
    )
    QUESTION: ClassVar = re.compile(
        r"(?:^|[\s\"'(„“«])[^\W\d_]+\?[^\W\d_A-Z]+(?=$|[\s.,;:!?\"')”“»])|^[\s.,!]*(?:\?[\s.,!]*){4,}$"
    )
    """A `?` within a word; or a line of nothing else."""

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, texts in enumerate(portion.sides):
            for index, text in enumerate(texts):
                if "?" in text and self.QUESTION.search(text):
                    yield Hit(self.LOST, index, side)
            if not _ODD.search("\n".join(texts)):  # as mostly, which is found at once
                continue
            for index, text in enumerate(texts):
                if found := misread(text):
                    encoding, wrong, right = found
                    yield Hit(_fault(encoding), index, side, f"{shown(wrong)} for {shown(right)} in: {shown(text)}")


def misread(text: str) -> tuple[str, str, str] | None:
    """The encoding that a text in UTF-8 was read in, something that it made, and what that was; None for sound text."""
    if not _ODD.search(text):
        return None
    best: tuple[int, str, str, str] | None = None
    for encoding in SINGLE:
        pattern, back = _sequences(encoding)
        found = [(match[0], right) for match in pattern.finditer(text) if (right := _right(match, text, back))]
        covered = sum(len(wrong) for wrong, _ in found)
        if found and (best is None or covered > best[0]):
            best = covered, encoding, *found[0]
    for encoding in DOUBLE:
        for run in _WIDE.findall(text):
            if (best is None or len(run) > best[0]) and (wide := _wide(run, encoding)):
                best = len(run), encoding, run, wide
    return best[1:] if best else None


@cache
def _fault(encoding: str) -> Fault:
    return Fault(
        "mojibake",
        f"UTF-8 that was read as {encoding} in the {{side}}",
        Severity.WARNING,
        f"write it as {encoding} and read that as UTF-8, as ftfy does",
    )


@cache
def _sequences(encoding: str) -> tuple[re.Pattern[str], dict[str, int]]:
    """What finds characters that are UTF-8 by their bytes, and the byte of each; those of no character are C1's."""
    characters = {byte: bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in range(0x80, 0xF5)}

    def some(first: int, last: int) -> str:
        return "[" + "".join(re.escape(characters[byte]) for byte in range(first, last + 1)) + "]"

    rest = some(0x80, 0xBF)
    two, three, four = some(0xC2, 0xDF) + rest, some(0xE0, 0xEF) + rest * 2, some(0xF0, 0xF4) + rest * 3
    back = {character: byte for byte, character in characters.items()}
    return re.compile(f"(?:{two}|{three}|{four})+"), back


def _right(match: re.Match[str], text: str, back: dict[str, int]) -> str | None:
    """What a match was before, if that is likely."""
    try:
        right = bytes(back[character] for character in match[0]).decode()
    except UnicodeDecodeError:
        return None
    if _ALWAYS.match(right):
        return right
    before = text[match.start() - 1 : match.start()]
    if _LATIN.match(right):
        lead, rest = match[0][0], match[0][1]
        plain = len(right) > 1 or not lead.isalpha() or (before.islower() and lead.isupper())
        return right if plain or not (rest.isalpha() or rest in _CLOSING or before.isupper()) else None
    letters = [letter for letter in right if letter.isalpha()]
    scripts = {script(letter) for letter in letters} - {"latin", COMMON}
    likely = len(letters) >= SEQUENCES and len(scripts) == 1 and len(set(match[0][1::2])) > 1
    return right if likely and 2 * len(letters) > len(right) else None


def _wide(run: str, encoding: str) -> str | None:
    """What a run of Chinese or Japanese characters was before, if it was UTF-8; its last letter may be cut."""
    try:
        data = run.encode(encoding)
        right = data.decode(errors="ignore")
    except UnicodeError:
        return None
    return right if len(data) - len(right.encode()) <= 2 and data.startswith(right.encode()) else None
