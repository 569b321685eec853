"""Splitting lines into sentences, and what is too long for the model where it hurts least."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from sentencex import segment

from nmtk.languages import base_language

Encode = Callable[[Sequence[str]], list[list[int]]]

_CLOSERS = "[\"'»”’)\\]」』）]*"
_CLAUSE = re.compile(rf"[,;:]{_CLOSERS}\s+|(?<!\s)\s+(?=[–—])|[、，；：]\s*")
_SPACE = re.compile(r"\s+")
_SPACED_END = re.compile(rf"[.!?…]{_CLOSERS}$")
_INITIAL = re.compile(r"(?<!\S)[^\W\d_]\.\s*$")


def split(text: str, encode: Encode, longest: int, language: str = "en", always: bool = False) -> list[list[int]]:
    """The pieces of a text, in parts of at most `longest` pieces; one part, if the text is no longer and not `always`.

    The text is cut at every sentence end; a sentence that is still too long in two at the clause mark nearest its
    middle, else at white space, and so on. What has no such place, like a script without spaces, is cut between pieces,
    evenly. White space at a cut belongs to no part; nothing else is lost.
    """
    parts = split_text(text, encode, longest, language, always)
    return [ids for _, pieces in parts for ids in _evenly(pieces, longest)]


def split_text(
    text: str, encode: Encode, longest: int, language: str = "en", always: bool = False
) -> list[tuple[str, list[int]]]:
    """The same before anything is cut between pieces: parts of the text, in its order, and the pieces of each."""
    [pieces] = encode([text])
    if len(pieces) <= longest and not always:
        return [(text, pieces)]
    parts = sentences(text, language)
    found = zip(parts, encode(parts), strict=True)
    return [half for part, pieces in found for half in _halve(part, pieces, encode, longest)]


def sentences(text: str, language: str = "en") -> list[str]:
    """The sentences of a text, by the rules and abbreviations that sentencex has for its language (`de`, `pt-BR`).

    For a language that it does not know it uses those of a similar one, else of English.
    """
    found: list[list[str]] = []
    last, worded = "", False
    for part in segment(base_language(language), text):
        has_word = any(character.isalpha() for character in part)
        if found and (not worded or _goes_on(last, part)):
            found[-1].append(part)
            last, worded = last[-2:] + part, worded or has_word  # two characters tell an initial from a word's end
        else:
            found.append([part])
            last, worded = part, has_word
    return [sentence for parts in found if (sentence := "".join(parts).strip())]


def _goes_on(before: str, after: str) -> bool:
    """Whether sentencex has cut where no sentence ends. To translate two as one costs little, half of one much.

    It cuts before small letters (`etc. and`), behind initials that its lists lack (`M. Dupont`), behind full stops
    without a space (`Node.JS`), and cuts off what has no word in it: a list's number, or marks that close. `before` is
    the last of its pieces alone, and a sentence without a word goes on in any case: see `sentences`.
    """
    return (
        after.lstrip()[:1].islower()
        or bool(_INITIAL.search(before))
        or bool(_SPACED_END.search(before))
        or not any(character.isalnum() for character in after)
    )


def _halve(text: str, pieces: list[int], encode: Encode, longest: int) -> Iterator[tuple[str, list[int]]]:
    if len(pieces) > longest and (cut := _cut(text)):
        halves = [text[:cut].rstrip(), text[cut:]]
        for half, ids in zip(halves, encode(halves), strict=True):
            yield from _halve(half, ids, encode, longest)
    elif pieces:
        yield text, pieces


def _evenly(pieces: list[int], longest: int) -> list[list[int]]:
    count = max(1, -(-len(pieces) // longest))
    bounds = [len(pieces) * n // count for n in range(count + 1)]
    return [pieces[a:b] for a, b in pairwise(bounds)]


def _cut(text: str) -> int:
    """Where to cut in two; 0 if there is no place. A clause mark near an end would leave a scrap, so none is taken."""
    middle = len(text) / 2
    clauses = [match.end() for match in _CLAUSE.finditer(text) if abs(match.end() - middle) <= middle / 2]
    spaces = [match.end() for match in _SPACE.finditer(text) if match.start() and match.end() < len(text)]
    return min(clauses or spaces, key=lambda place: abs(place - middle), default=0)
