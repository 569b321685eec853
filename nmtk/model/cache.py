"""What decoding remembers between steps, so that a step costs one position and not all of them.

The W beams of a sentence share everything. The source's keys and values are there once for a sentence, and its beams
are the query axis. So with the target's: the keys and values of all beams at all positions so far stand side by side
in one tensor, and a mask says which of them are a beam's own history. When search reorders the beams, only that mask
moves; keys and values are written once and never copied.

That is dear where the beams are many and never swap places, as with samples: each would be compared with what all the
others said. Such beams stand apart: each has its own keys and values, as if it were a sentence.
"""

from typing import NamedTuple

import torch
from torch import Tensor

HIDDEN = -1e4
"""Added to the score of a key that is not to be seen: small in float16 too, and e to that power is nought."""


class Memory(NamedTuple):
    """What cross-attention needs of a source: its keys and values in one layer, and which of them are no padding.

    `keep` is a mask, or in decoding the numbers to be added to the scores: see `attention_weights`.
    """

    k_BHSK: Tensor
    v_BHSK: Tensor
    keep_B11S: Tensor | None


class Past(NamedTuple):
    """One layer's view of the cache during one step; where beams stand apart, of B * W sentences with one beam each."""

    k_BHNK: Tensor
    v_BHNK: Tensor
    length: int
    width: int
    keep_B1WS: Tensor | None

    def extend(self, k_BHWK: Tensor, v_BHWK: Tensor) -> tuple[Tensor, Tensor]:
        """Write the keys and values of this step; all up to it: BHSK, where S is (length + 1) * W."""
        first, last = self.length * self.width, (self.length + 1) * self.width
        self.k_BHNK[:, :, first:last] = k_BHWK
        self.v_BHNK[:, :, first:last] = v_BHWK
        return self.k_BHNK[:, :, :last], self.v_BHNK[:, :, :last]


class Cache:
    """Keys and values of B sentences with W beams each; `length` target positions are filled.

    Rows R = B * W are ordered by sentence. The room for `longest` positions is taken at once, and doubled when more
    are needed. With `apart`, each row keeps its own past.
    """

    def __init__(self, memories: list[Memory], width: int, longest: int, apart: bool = False) -> None:
        keep_B11S = memories[0].keep_B11S
        hide_B11S = None if keep_B11S is None else (~keep_B11S).to(memories[0].k_BHSK.dtype).mul_(HIDDEN)
        # As every step wants them: a product would copy them into this order each time.
        self.memories = [Memory(k.contiguous(), v.contiguous(), hide_B11S) for k, v, _ in memories]
        self.width = width
        self.length = 0
        self.apart = apart
        self.scores: Tensor | None = None
        sentences, heads, _, head_width = memories[0].k_BHSK.shape
        rows, beams = (sentences * width, 1) if apart else (sentences, width)
        shape = (rows, heads, max(longest, 1) * beams, head_width)
        self.beams = beams
        self.keys = [memory.k_BHSK.new_empty(shape) for memory in self.memories]
        self.values = [memory.v_BHSK.new_empty(shape) for memory in self.memories]
        # hide_BWN[b, w, t * W + v]: nought if beam w's history had at position t what was beam v then, else HIDDEN.
        self.hide_BWN = self.keys[0].new_empty(rows, beams, shape[2])
        self.others_WW = self.hide_BWN.new_full((beams, beams), HIDDEN).fill_diagonal_(0.0)

    def begin(self) -> list[Past]:
        """The layers' views for the step at position `length`; the caller then adds 1 to `length`."""
        first, last = self.length * self.beams, (self.length + 1) * self.beams
        if last > self.hide_BWN.size(-1):
            self._grow()
        keep_B1WS = None
        if self.beams > 1:
            self.hide_BWN[:, :, first:last] = self.others_WW
            keep_B1WS = self.hide_BWN[:, None, :, :last]
        return [
            Past(k_BHNK, v_BHNK, self.length, self.beams, keep_B1WS)
            for k_BHNK, v_BHNK in zip(self.keys, self.values, strict=True)
        ]

    def room(self, rows: int, size: int) -> Tensor:
        """Memory for as many rows of so many numbers, float32: the same at every step, since rows only become fewer."""
        if self.scores is None or len(self.scores) < rows:
            self.scores = torch.empty(rows, size, device=self.keys[0].device)
        return self.scores[:rows]

    def reorder(self, rows_R: Tensor) -> None:
        """Row r goes on from the history of row `rows_R[r]`, which must be of the same sentence."""
        if self.apart:
            self._take(rows_R)
        elif self.beams > 1:
            beam_BW1 = (rows_R % self.width).view(-1, self.width, 1)
            filled = self.length * self.width
            hide_BWN = self.hide_BWN[:, :, :filled]
            self.hide_BWN[:, :, :filled] = hide_BWN.gather(1, beam_BW1.expand(-1, -1, filled))

    def keep(self, sentences: Tensor) -> None:
        """Only these sentences (their numbers now, in this order) stay, with all their beams."""
        keep_B11S = self.memories[0].keep_B11S
        keep_B11S = None if keep_B11S is None else keep_B11S[sentences]
        self.memories = [
            Memory(memory.k_BHSK[sentences], memory.v_BHSK[sentences], keep_B11S) for memory in self.memories
        ]
        if self.apart:
            beam_W = torch.arange(self.width, device=sentences.device)
            self._take((sentences[:, None] * self.width + beam_W).flatten())
        else:
            self._take(sentences)

    def _take(self, rows: Tensor) -> None:
        filled = self.length * self.beams

        def take(x: Tensor, axis: int) -> Tensor:
            """These rows, of which only what is filled is copied."""
            taken = x.new_empty(len(rows), *x.shape[1:])
            taken.narrow(axis, 0, filled).copy_(x.narrow(axis, 0, filled)[rows])
            return taken

        self.keys = [take(k_BHNK, 2) for k_BHNK in self.keys]
        self.values = [take(v_BHNK, 2) for v_BHNK in self.values]
        self.hide_BWN = take(self.hide_BWN, 2)

    def _grow(self) -> None:
        def double(x: Tensor, axis: int) -> Tensor:
            return torch.cat([x, torch.zeros_like(x)], axis)

        self.keys = [double(k_BHNK, 2) for k_BHNK in self.keys]
        self.values = [double(v_BHNK, 2) for v_BHNK in self.values]
        self.hide_BWN = double(self.hide_BWN, 2)
