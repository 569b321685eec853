"""The guard against loops: a model that is lost may say the same again and again until it reaches the limit.

A loop of period p is an n-gram of p pieces that follows itself, copy after copy. It shows where the tokens equal
themselves p places before: a run of r such places is r // p + 1 copies. Where copies are not exact, as in
`88 8 88 888 8`, it shows in how few different pieces there are in a row of many.

What the guard allows is more than people's translations have; where a source repeats itself, it allows more.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nmtk.decoding.living import Living
from nmtk.decoding.repetition import forbid
from nmtk.decoding.sentences import Sentence

PERIODS = 8
"""The longest n-gram that is watched, in pieces."""

COPIES = 3
"""So many copies in a row are no loop, whatever the source: people's translations have more next to never."""

SPAN = 6
"""Nor are so many pieces, whatever the period: numbers have zeros, and a vocabulary may write each by itself."""


ROW = 24
VARIETY = 5
"""Of so many pieces in a row so many are different: people's translations have at least 6, even in characters."""


class LoopGuard:
    """No n-gram of up to PERIODS pieces follows itself more often than its sentence allows."""

    def __init__(self, copies: Sequence[int], device: torch.device):
        self.uniform = min(copies) == max(copies)
        copies_N11 = torch.tensor(copies[:1] if self.uniform else copies)[:, None, None]
        back_K = torch.arange(max(copies) * PERIODS - 1, 0, -1)
        period_P1 = torch.arange(PERIODS, 0, -1)[:, None]
        # One more token is one copy too many, if all is equal at as many places before it as are allowed, less one.
        self.open_NPK = (back_K >= (copies_N11 * period_P1).clamp(min=SPAN)).to(device)
        self.before_P = torch.arange(-PERIODS, 0, device=device)  # stand before the first token, and equal nothing

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Forbid the token that would complete one copy too many."""
        (B, W, count), P = living.token_BWT.shape, PERIODS
        if count < SPAN:
            return
        size = min(count, self.open_NPK.shape[-1])
        token_BWT = torch.cat([self.before_P.expand(B, W, P), living.token_BWT], -1)[..., -size - P :]
        shifted_BWPK = token_BWT.unfold(-1, size, 1)  # by P, P - 1, ... 1 and 0 places
        same_BWPK = shifted_BWPK[:, :, :P] == shifted_BWPK[:, :, P:]
        open_BPK = (self.open_NPK if self.uniform else self.open_NPK[living.sentence_B])[..., -size:]
        loop_BWP = (same_BWPK | open_BPK[:, None]).all(-1)
        forbid(next_BWV, token_BWT[..., size:].clamp(min=0), loop_BWP)


class VarietyGuard:
    """In a row of ROW pieces there are never fewer different ones than its sentence allows."""

    def __init__(self, varieties: Sequence[int], device: torch.device):
        self.variety_N = torch.tensor(varieties, device=device)
        self.earlier_KK = torch.ones(ROW - 1, ROW - 1, dtype=torch.bool, device=device).tril(-1)

    def apply(self, living: Living, next_BWV: Tensor) -> None:
        """Where there are too few, only a new piece may follow, or the end."""
        token_BWK = living.token_BWT[..., 1 - ROW :]
        if token_BWK.shape[-1] < ROW - 1:
            return
        again_BWK = ((token_BWK[..., None] == token_BWK[..., None, :]) & self.earlier_KK).any(-1)
        poor_BW = (~again_BWK).sum(-1) < self.variety_N[living.sentence_B][:, None]
        forbid(next_BWV, token_BWK, poor_BW[..., None].expand_as(token_BWK))


def variety_allowed(batch: Sequence[Sentence]) -> list[int]:
    """How few different pieces there may be in a row of ROW: VARIETY, or what half as many have in the source.

    So too where what it must keep to has few.
    """
    given = [[one.pieces, one.prefix, *(ids for phrase in one.required for ids in phrase)] for one in batch]
    return [min(VARIETY, *(_variety(ids, ROW // 2) for ids in rows)) for rows in given]


def copies_allowed(batch: Sequence[Sentence]) -> list[int]:
    """How many copies in a row each sentence's translation may have: COPIES, or one more than its source has.

    So too where what it must keep to repeats itself.
    """
    most = _copies([sentence.pieces for sentence in batch])
    for place, sentence in enumerate(batch):
        if given := [sentence.prefix, *(ids for phrase in sentence.required for ids in phrase)]:
            most[place] = max(most[place], *_copies(given))
    return [max(COPIES, copies + 1) for copies in most]


def looped(ids: Sequence[int], source: Sentence) -> bool:
    """Whether a translation came to where the guard forbids something, so that it was stopped, or would have been."""
    if len(ids) - len(set(ids)) < COPIES - 1:
        return False
    [copies], [variety] = copies_allowed([source]), variety_allowed([source])
    runs = enumerate(_runs([ids])[:, 0].tolist(), 1)
    return _variety(ids, ROW - 1) < variety or any(run >= max(copies * period, SPAN) - 1 for period, run in runs)


def _copies(rows: Sequence[Sequence[int]]) -> list[int]:
    """The most copies in a row of any n-gram in each row."""
    found: list[int] = (_runs(rows) // np.arange(1, PERIODS + 1)[:, None] + 1).max(0).tolist()
    return found


def _variety(ids: Sequence[int], size: int) -> int:
    """The fewest different pieces of so many in a row; `size`, where there are not so many."""
    return min((len(set(ids[at : at + size])) for at in range(len(ids) - size + 1)), default=size)


def _runs(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """[P, N]: for each period the longest run of places, in each row, that equal those a period before."""
    width = max(map(len, rows))
    id_NS = np.repeat(-1 - np.arange(width)[None], len(rows), 0)  # no two places of padding are equal
    for row, ids in zip(id_NS, rows, strict=True):
        row[: len(ids)] = ids
    run_PN = np.zeros((PERIODS, len(rows)), np.int64)
    for period in range(1, min(PERIODS, width - 1) + 1):
        same_NT = id_NS[:, period:] == id_NS[:, :-period]
        place_T = np.arange(same_NT.shape[1])
        last_other_NT = np.maximum.accumulate(np.where(same_NT, -1, place_T), 1)
        run_PN[period - 1] = (place_T - last_other_NT).max(1)
    return run_PN
