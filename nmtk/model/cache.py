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


class Memory(NamedTuple):
    """What cross-attention needs of a source: its keys and values in one layer, and which of them are no padding."""

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
        self.memories = memories
        self.width = width
        self.length = 0
        self.apart = apart
        sentences, heads, _, head_width = memories[0].k_BHSK.shape
        rows, beams = (sentences * width, 1) if apart else (sentences, width)
        shape = (rows, heads, max(longest, 1) * beams, head_width)
        self.beams = beams
        self.keys = [memory.k_BHSK.new_empty(shape) for memory in memories]
        self.values = [memory.v_BHSK.new_empty(shape) for memory in memories]
        # own_BWN[b, w, t * W + v]: beam w's history had at position t what was beam v then.
        self.own_BWN = torch.zeros(rows, beams, shape[2], dtype=torch.bool, device=memories[0].k_BHSK.device)

    def begin(self) -> list[Past]:
        """The layers' views for the step at position `length`; the caller then adds 1 to `length`."""
        first, last = self.length * self.beams, (self.length + 1) * self.beams
        if last > self.own_BWN.size(-1):
            self._grow()
        keep_B1WS = None
        if self.beams > 1:
            self.own_BWN[:, :, first:last] = torch.eye(self.beams, dtype=torch.bool, device=self.own_BWN.device)
            keep_B1WS = self.own_BWN[:, None, :, :last]
        return [
            Past(k_BHNK, v_BHNK, self.length, self.beams, keep_B1WS)
            for k_BHNK, v_BHNK in zip(self.keys, self.values, strict=True)
        ]

    def reorder(self, rows_R: Tensor) -> None:
        """Row r goes on from the history of row `rows_R[r]`, which must be of the same sentence."""
        if self.apart:
            self._take(rows_R)
        elif self.beams > 1:
            beam_BW1 = (rows_R % self.width).view(-1, self.width, 1)
            filled = self.length * self.width
            own_BWN = self.own_BWN[:, :, :filled]
            self.own_BWN[:, :, :filled] = own_BWN.gather(1, beam_BW1.expand(-1, -1, filled))

    def keep(self, sentences: Tensor) -> None:
        """Only these sentences (their numbers now, in this order) stay, with all their beams."""
        self.memories = [
            Memory(
                memory.k_BHSK[sentences],
                memory.v_BHSK[sentences],
                None if memory.keep_B11S is None else memory.keep_B11S[sentences],
            )
            for memory in self.memories
        ]
        if self.apart:
            beam_W = torch.arange(self.width, device=sentences.device)
            self._take((sentences[:, None] * self.width + beam_W).flatten())
        else:
            self._take(sentences)

    def _take(self, rows: Tensor) -> None:
        self.keys = [k_BHNK[rows] for k_BHNK in self.keys]
        self.values = [v_BHNK[rows] for v_BHNK in self.values]
        self.own_BWN = self.own_BWN[rows]

    def _grow(self) -> None:
        def double(x: Tensor, axis: int) -> Tensor:
            return torch.cat([x, torch.zeros_like(x)], axis)

        self.keys = [double(k_BHNK, 2) for k_BHNK in self.keys]
        self.values = [double(v_BHNK, 2) for v_BHNK in self.values]
        self.own_BWN = double(self.own_BWN, 2)
