"""Forbidden phrases: text that never stands in a translation, however it is cut into pieces.

There are many ways to spell a phrase in pieces, and a list of them forbids only those that are on it. So the phrase
is looked for in what the pieces spell, in bytes of UTF-8, which pieces for single bytes spell too. Where a hypothesis
ends with the first k bytes of a phrase, no piece may follow that begins with the rest of it; and never may a piece
that holds the whole.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from nmtk.decoding.living import Living

_NEVER_IN_A_LINE = bytes.maketrans(b"\n\r\0", b"   ")


class Ban:
    """One phrase, and the pieces of a vocabulary that have to do with it."""

    def __init__(self, phrase: bytes, spelling: "Spelling"):
        self.whole = [piece for piece, text in enumerate(spelling.texts) if phrase in text]
        """Pieces that hold all of it."""
        heads = [(phrase[:at], spelling.beginning_with(phrase[at:])) for at in range(1, len(phrase))]
        self.halves = [(head, pieces) for head, pieces in heads if pieces]
        """Where a text ends with the first, none of the second may follow."""
        ends = tuple(head for head, _ in heads)
        self.near = [piece for piece, text in enumerate(spelling.texts) if text.endswith(ends) or text in phrase]
        """Pieces after which a text can end with the beginning of it."""


class Spelling:
    """What the pieces of a vocabulary spell; it remembers each phrase that was looked up."""

    def __init__(self, texts: Sequence[bytes]):
        self.texts = [text.translate(_NEVER_IN_A_LINE) for text in texts]
        self._bans: dict[bytes, Ban] = {}

    def ban(self, phrase: bytes) -> Ban:
        """The pieces that have to do with a phrase."""
        if phrase not in self._bans:
            self._bans[phrase] = Ban(phrase, self)
        return self._bans[phrase]

    def beginning_with(self, text: bytes) -> list[int]:
        """The pieces that begin with this text, or are it."""
        texts, pieces = self._sorted
        first = last = bisect_left(texts, text)
        while last < len(texts) and texts[last].startswith(text):
            last += 1
        return pieces[first:last]

    def agreeing_with(self, text: bytes) -> list[int]:
        """The pieces that begin with this text, and those that it begins with."""
        shorter = (self._exact.get(text[:end]) for end in range(1, len(text)))
        return [*self.beginning_with(text), *(piece for piece in shorter if piece is not None)]

    def spell(self, text: bytes) -> tuple[int, ...] | None:
        """Pieces that spell this text with no space before it, each the longest that fits; None if that is no way."""
        pieces, at = [], 0
        while at < len(text):
            for end in range(min(len(text), at + self._longest), at, -1):
                if (piece := self._exact.get(text[at:end])) is not None:
                    break
            else:
                return None
            pieces.append(piece)
            at = end
        return tuple(pieces)

    @cached_property
    def _exact(self) -> dict[bytes, int]:
        # Of equals the last: SentencePiece puts those for single bytes first, of which a model has hardly seen any.
        return {text: piece for piece, text in enumerate(self.texts)}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.texts))

    @cached_property
    def _sorted(self) -> tuple[list[bytes], list[int]]:
        pieces = sorted(range(len(self.texts)), key=self.texts.__getitem__)
        return [self.texts[piece] for piece in pieces], pieces


class Forbidden:
    """The phrases of each sentence never stand in what its pieces spell."""

    def __init__(self, phrases: Sequence[Sequence[bytes]], spelling: Spelling, device: torch.device):
        self.texts, size = spelling.texts, len(spelling.texts)
        self.bans = [[spelling.ban(phrase) for phrase in wanted] for wanted in phrases]
        self.longest = [max(map(len, wanted), default=0) for wanted in phrases]
        kinds = sorted({tuple(wanted) for wanted in phrases})
        self.kind_N = torch.tensor([kinds.index(tuple(wanted)) for wanted in phrases], device=device)
        self.whole_KV = torch.zeros(len(kinds), size, dtype=torch.bool)
        self.near_KV = torch.zeros_like(self.whole_KV)
        for kind, wanted in enumerate(kinds):
            for ban in map(spelling.ban, wanted):
                self.whole_KV[kind, ban.whole] = True
                self.near_KV[kind, ban.near] = True
        self.whole_KV, self.near_KV = self.whole_KV.to(device), self.near_KV.to(device)

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Forbid what would complete a phrase; only hypotheses whose last piece may be part of one are looked at."""
        kind_B = self.kind_N[living.sentence_B]
        next_BWV.masked_fill_(self.whole_KV[kind_B][:, None], -torch.inf)
        if living.step == 1:
            return
        near_BW = self.near_KV[kind_B[:, None], living.token_BWT[:, :, -1]] & (living.logp_BW > -torch.inf)
        rows, tokens = [], []
        for b, w in near_BW.nonzero().tolist():
            number = int(living.sentence_B[b])
            tail = self._tail(living.token_BWT[b, w].tolist(), self.longest[number])
            for ban in self.bans[number]:
                for head, pieces in ban.halves:
                    if tail.endswith(head):
                        rows += [b * next_BWV.shape[1] + w] * len(pieces)
                        tokens += pieces
        if rows:
            next_BWV.flatten(0, 1)[rows, tokens] = -torch.inf

    def _tail(self, ids: Sequence[int], longest: int) -> bytes:
        """The end of what the pieces spell: as long as a phrase or longer, if there is so much."""
        tail = b""
        for piece in reversed(ids):
            tail = self.texts[piece] + tail
            if len(tail) >= longest:
                break
        return tail
