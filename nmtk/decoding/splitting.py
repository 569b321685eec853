"""Splitting lines that are too long for the model, where it hurts least."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

Encode = Callable[[Sequence[str]], list[list[int]]]

_CLOSERS = "[\"'»”’)\\]」』）]*"
_NO_END = r"(?<!\b[^\W\d_]\.)(?<!\d\.)"
_SENTENCE = re.compile(rf"[.!?…]{_NO_END}{_CLOSERS}\s+|[。！？]{_CLOSERS}\s*")
_CLAUSE = re.compile(rf"[,;:]{_CLOSERS}\s+|\s+(?=[–—])|[、，；：]\s*")
_SPACE = re.compile(r"\s+")


def split(text: str, encode: Encode, longest: int) -> list[list[int]]:
    """The pieces of a text, in parts of at most `longest` pieces; one part, if the text is no longer.

    A longer text is cut at every sentence end; a sentence that is still too long in two at the clause mark nearest its
    middle, else at white space, and so on. What has no such place, like a script without spaces, is cut between pieces,
    evenly. White space at a cut belongs to no part; nothing else is lost.
    """
    return [ids for _, pieces in split_text(text, encode, longest) for ids in _evenly(pieces, longest)]


def split_text(text: str, encode: Encode, longest: int) -> list[tuple[str, list[int]]]:
    """The same before anything is cut between pieces: parts of the text, in its order, and the pieces of each."""
    [pieces] = encode([text])
    if len(pieces) <= longest:
        return [(text, pieces)]
    parts = sentences(text)
    found = zip(parts, encode(parts), strict=True)
    return [half for part, pieces in found for half in _halve(part, pieces, encode, longest)]


def sentences(text: str) -> list[str]:
    """The sentences of a text: cut behind an end mark, its closing quotes and brackets, and white space.

    There is no cut before a small letter, nor behind the full stop of a single letter or a number, as in `J. S. Bach`
    or German `3. Oktober`. Chinese and Japanese end marks need no space.
    """
    ends = [match.end() for match in _SENTENCE.finditer(text) if not text[match.end() : match.end() + 1].islower()]
    return [part for part in (text[a:b].strip() for a, b in pairwise([0, *ends, len(text)])) if part]


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
