"""Robustness: what people write and a test set seldom holds, made of a test set's own sentences.

Each perturbation is a function of sentences and of drawn numbers. It also says what becomes of their references: a
text that was added stands in them too, two lines become one. The plain translations, changed as the references are,
are what a model would make of it that takes no harm; so both have a score, and the two can be compared.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from pydantic import NonNegativeInt

from nmtk.options import Options

Below: TypeAlias = Callable[[int], int]
"""Draws a whole number from 0 to the given one, less 1."""

WORDS_PER_TYPO = 8
MOST_WORDS, MOST_CHARACTERS = 4, 40
"""A single word's translation is no longer than this."""
SHORT = f"at most {MOST_WORDS} words and {MOST_CHARACTERS} characters"

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOURS = {key: row[at - 1 : at] + row[at + 1 : at + 2] for row in _ROWS for at, key in enumerate(row)}
"""The keys beside each letter's; other letters have none."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_FINAL = re.compile(r"\s*[.!?…。！？।؟]+\s*$")


class RobustnessOptions(Options):
    """Recipe key `robustness`: the card that is made after training."""

    lines: NonNegativeInt = 100
    """So many lines of the first test set, from its beginning; 0: no card is made."""
    seed: NonNegativeInt = 1


class Perturbed(NamedTuple):
    """Sentences that were changed, and how their translations are judged."""

    sources: Sequence[str]
    become: Callable[[Sequence[str]], Sequence[str]] = list
    """What the plain text's references become."""
    read: Callable[[str], str] = str
    """What of a translation is judged, and of its reference."""
    lowercase: bool = False
    """Whether it is judged without case."""
    copied: Sequence[str] = ()
    """What must stand in each translation."""


def upper_case(lines: Sequence[str], below: Below) -> Perturbed:
    """ALL IN CAPITALS."""
    return Perturbed([line.upper() for line in lines], lowercase=True)


def title_case(lines: Sequence[str], below: Below) -> Perturbed:
    """Each Word With A Capital."""
    raised = (re.sub(r"\S+", lambda word: word[0][0].upper() + word[0][1:], line) for line in lines)
    return Perturbed([*raised], lowercase=True)


def typos(lines: Sequence[str], below: Below) -> Perturbed:
    """A slip of the keyboard in one of eight words, and in one at least (after Belinkov & Bisk 2018, section 3.2)."""
    return Perturbed([_mistyped(line, below) for line in lines])


def no_final_mark(lines: Sequence[str], below: Below) -> Perturbed:
    """Nothing ends the sentence; whether a mark ends its translation does not count."""
    return Perturbed([*map(_unmarked, lines)], read=_unmarked)


def two_in_a_line(lines: Sequence[str], below: Below) -> Perturbed:
    """Each line is two that follow each other; of an odd number the last is left out."""
    return Perturbed(_joined(lines), become=_joined)


def numbers(lines: Sequence[str], below: Below) -> Perturbed:
    """A number in brackets (4711)."""
    drawn = [_new(line, lambda: str(100 + below(9900))) for line in lines]

    def become(texts: Sequence[str]) -> Sequence[str]:
        return [_before_the_mark(text, f" ({number})") for text, number in zip(texts, drawn, strict=True)]

    return Perturbed(become(lines), become=become, copied=drawn)


def urls(lines: Sequence[str], below: Below) -> Perturbed:
    """An address of the web behind it. https://example.org/kwmz/4711"""
    letters = "abcdefghijklmnopqrstuvwxyz"
    drawn = [
        f"https://example.org/{''.join(letters[below(len(letters))] for _ in range(4))}/{100 + below(9900)}"
        for _ in lines
    ]

    def become(texts: Sequence[str]) -> Sequence[str]:
        return [f"{text} {address}" for text, address in zip(texts, drawn, strict=True)]

    return Perturbed(become(lines), become=become, copied=drawn)


PERTURBATIONS: Mapping[str, Callable[[Sequence[str], Below], Perturbed]] = {
    "upper-case": upper_case,
    "title-case": title_case,
    "typos": typos,
    "no-final-mark": no_final_mark,
    "two-in-a-line": two_in_a_line,
    "numbers": numbers,
    "urls": urls,
}
"""Each kind by its name."""


def single_words(lines: Sequence[str], below: Below) -> list[str]:
    """A word of each line, none twice, as long as there are new ones: text that has no reference."""
    found: dict[str, None] = {}
    for line in lines:
        if words := [word for word in _WORD.findall(line) if word not in found]:
            found[words[below(len(words))]] = None
    return [*found]


def is_short(translation: str) -> bool:
    """Whether it may be the translation of a word: not empty, and SHORT."""
    return 0 < len(translation.split()) <= MOST_WORDS and len(translation) <= MOST_CHARACTERS


def is_copied(wanted: str, translation: str) -> bool:
    """Whether the wanted text stands in the translation, as it is and by itself: 12 is not copied in 3,128."""
    return re.search(rf"(?<![\w/.,]){re.escape(wanted)}(?![\w/]|[.,]\w)", translation) is not None


def drawing(seed: int, kind: str) -> Below:
    """The numbers that one kind of perturbation is drawn with: the same on every machine, in whatever order."""
    chance = random.Random(f"{seed} {kind}")  # noqa: S311 (no secret)
    return lambda limit: int(chance.random() * limit)  # the one method of which Python promises that it never changes


def _mistyped(line: str, below: Below) -> str:
    words = re.split(r"(\s+)", line)
    places = [place for place, word in enumerate(words) if _WORD.search(word)]
    for _ in range(max(1, round(len(line.split()) / WORDS_PER_TYPO))):
        if not places:
            break
        place = places.pop(below(len(places)))
        words[place] = _slipped(words[place], below)
    return "".join(words)


def _slipped(word: str, below: Below) -> str:
    """The word with two letters swapped, one dropped or doubled, or the key beside it hit."""
    places = [at for at in range(1, len(word)) if word[at - 1 : at + 1].isalpha()]
    at = places[below(len(places))]
    head, before, letter, rest = word[: at - 1], word[at - 1], word[at], word[at + 1 :]
    slips = [head + before + rest, head + before + letter + letter + rest]
    if letter != before:
        slips.append(head + letter + before + rest)
    if keys := NEIGHBOURS.get(letter.lower()):
        key = keys[below(len(keys))]
        slips.append(head + before + (key.upper() if letter.isupper() else key) + rest)
    return slips[below(len(slips))]


def _unmarked(line: str) -> str:
    return _FINAL.sub("", line) or line


def _joined(lines: Sequence[str]) -> list[str]:
    return [f"{one} {other}" for one, other in zip(lines[::2], lines[1::2], strict=False)]


def _before_the_mark(line: str, text: str) -> str:
    mark = _FINAL.search(line)
    at = mark.start() if mark else len(line)
    return line[:at] + text + line[at:]


def _new(line: str, draw: Callable[[], str]) -> str:
    """What is drawn first that does not stand in the line anyway."""
    while (found := draw()) in line:
        pass
    return found
