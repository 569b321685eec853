"""Phrases: the text that a request asks for, as search takes it, in the pieces and bytes of the target vocabulary."""

from itertools import accumulate
from typing import NamedTuple

from nmtk.decoding.forbidden import Spelling
from nmtk.decoding.sentences import Request
from nmtk.errors import DataError
from nmtk.vocabulary.sampling import SPACE
from nmtk.vocabulary.vocabulary import Vocabulary
from nmtk.writing import is_spaced

NEVER_IN_A_LINE = str.maketrans("\n\r\0", "   ")
"""What pieces for single bytes could spell, but no line of text holds."""


class Wanted(NamedTuple):
    """What a request asks for, as `Sentence` has it."""

    prefix: tuple[int, ...]
    begun: bytes
    required: tuple[tuple[tuple[int, ...], ...], ...]
    forbidden: tuple[bytes, ...]


class Phrases:
    """Reads the phrases of requests. Raises DataError for what no translation can hold."""

    def __init__(self, vocabulary: Vocabulary, unknown: bool):
        self.vocabulary, self.unknown = vocabulary, unknown
        self.spelling = Spelling(vocabulary.spelled)

    def read(self, request: Request) -> Wanted:
        """All that a request asks for; what contradicts itself is an error."""
        wanted = Wanted(
            *self.prefix(request.prefix),
            tuple(map(self.required, request.required)),
            tuple(map(self.forbidden, request.forbidden)),
        )
        asked = {"prefix": (request.prefix,), "required phrase": request.required}
        for what, text in ((what, text) for what, texts in asked.items() for text in texts):
            for phrase in request.forbidden:
                if self.text(phrase) in self.text(text):
                    raise DataError(
                        f"the {what} {text!r} holds the forbidden phrase {phrase!r}: wanted one or the other"
                    )
        return wanted

    def text(self, phrase: str) -> str:
        """The phrase as it would stand in a translation: normalised, without white space at its ends."""
        [text] = self.vocabulary.normalise([phrase])
        return text.replace(SPACE, " ").translate(NEVER_IN_A_LINE).strip()

    def prefix(self, text: str) -> tuple[tuple[int, ...], bytes]:
        """The pieces that a translation begins with, and the text that goes on behind them, in whatever pieces.

        That is the last word, which may only be begun: its own pieces may not be those of the whole word. White space
        at the end says that it is whole.
        """
        pieces = self._pieces("prefix", text)
        if not text or text[-1].isspace():
            return pieces, b""
        texts = [self.spelling.texts[piece] for piece in pieces]
        room = b"".join(texts).rfind(b" ")
        whole = sum(end <= room for end in accumulate(map(len, texts)))
        return pieces[:whole], b"".join(texts[whole:])

    def required(self, phrase: str) -> tuple[tuple[int, ...], ...]:
        """The ways in which a translation may spell a phrase.

        That is at the beginning of a word, since short phrases would else be met inside any word. Where nothing parts
        words, in scripts without spaces and before punctuation, it is also with no space before.
        """
        spellings = {self._pieces("required phrase", phrase)}
        text = self.text(phrase)
        if not text:
            raise DataError("a required phrase is empty: wanted text, or none")
        if not is_spaced(text[0]) and (inside := self.spelling.spell(text.encode())):
            spellings.add(inside)
        return tuple(sorted(spellings))

    def forbidden(self, phrase: str) -> bytes:
        """The text that no translation may spell."""
        if not (text := self.text(phrase)):
            raise DataError("a forbidden phrase is empty: wanted text, or none")
        return text.encode()

    def _pieces(self, what: str, text: str) -> tuple[int, ...]:
        [ids] = self.vocabulary.encode([text])
        if self.vocabulary.unk in ids and not self.unknown:
            raise DataError(f"the {what} {text!r} holds characters that the target vocabulary cannot spell")
        return tuple(ids)
