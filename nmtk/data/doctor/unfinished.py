"""Unfinished: text that was made ready for another system: cut into pieces, tokenised, or without its case."""

import re
from collections.abc import Callable, Iterator
from typing import ClassVar

from nmtk.data.doctor.findings import Fault, Hit, Severity
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Portion

NOTICEABLE = 0.03
"""The share of lines from which on tokens or a missing case are told of: a corpus has some such lines by chance."""


class Unfinished:
    """Lines that look like what a tool made of text, not like text. What is cut into pieces here is cut again."""

    PIECES: ClassVar = tuple(
        (
            re.compile(pattern),
            Fault(f"pieces {name}", f"the {{side}} is cut into pieces ({name})", Severity.WARNING, mend),
        )
        for name, pattern, mend in (
            ("@@", r"[^\W_]@@(?: |$)", "join them, as sed 's/@@ //g' does"),
            ("▁", "▁", "decode them with their SentencePiece model"),
            ("##", r"[^\W_] ##[^\W_]", "join them, as sed 's/ ##//g' does"),
            ("￭", "￭", "join them, as sed 's/ \\?￭ \\?//g' does"),
        )
    )
    TOKENS: ClassVar = Fault(
        "tokenised",
        "the {side} is tokenised",
        Severity.NOTE,
        "detokenise it, unless all that is to be translated is tokenised too",
        least=NOTICEABLE,
    )
    LOWER: ClassVar = Fault(
        "lower case",
        "the {side} has no capital letter",
        Severity.NOTE,
        "translations will have none, or no sense of them",
        least=NOTICEABLE,
    )
    SPACED: ClassVar = re.compile(r"(?<=[^\W_]) [.,](?: |$)| @-@ |&(?:apos|quot|#91|#93|#124);")
    SENTENCE: ClassVar = 4
    """Words of a line that has no capital letter by chance no more, if it ends as a sentence."""
    END: ClassVar = re.compile(r"[.!?]['\"”’»]?\s*$")

    def __init__(self, _profile: Profile) -> None: ...

    def look(self, portion: Portion) -> Iterator[Hit]:
        for side, texts in enumerate(portion.sides):
            whole = "\n".join(texts)
            for pattern, fault in self.PIECES:
                if pattern.search(whole):
                    yield from _hits(fault, side, texts, pattern.search)
            yield from _hits(self.TOKENS, side, texts, self.SPACED.search)
            yield from _hits(self.LOWER, side, texts, self._lower)

    def _lower(self, text: str) -> bool:
        return text == text.lower() != text.upper() and bool(self.END.search(text)) and text.count(" ") >= self.SENTENCE


def _hits(fault: Fault, side: int, texts: list[str], shows: Callable[[str], object]) -> Iterator[Hit]:
    return (Hit(fault, index, side) for index, text in enumerate(texts) if shows(text))
