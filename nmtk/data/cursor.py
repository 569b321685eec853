"""Where training stands in its data, and the walk from there on.

Two integers are the whole position, so resuming is exact: what section of the epoch the second one is in, and which
batch of that begins there, follow from it. An update's pairs are the same on any number of ranks: its
batches are shared out whole where the numbers allow it, else row by row.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from nmtk.data.batches import Batch
from nmtk.data.epoch import Epoch
from nmtk.data.mixture import Mixture, Section
from nmtk.data.packed import Rows
from nmtk.data.prefetch import Ahead


class Cursor(NamedTuple):
    """The place right after the last batch that was trained on.

    epoch counts from 1; taken is the number of pairs of that epoch that are done. Neither knows of ranks, so a run
    goes on exactly there on another number of them.
    """

    epoch: int = 1
    taken: int = 0


class Share(NamedTuple):
    """One rank's part of an update."""

    after: Cursor
    batches: list[Batch]
    tokens: int
    """Real target tokens of the whole update, over all ranks and batches."""
    epochs: float
    """How many epochs are done after it."""


def deal(rows: Sequence[Rows], rank: int, ranks: int) -> list[Rows]:
    """One rank's share of an update's batches: whole batches where their number allows, else rows of each.

    Every rank gets equally many parts; over all ranks each row stands in exactly one. A part may be empty.
    """
    pieces = ranks // math.gcd(len(rows), ranks)
    parts = [batch[piece::pieces] for batch in rows for piece in range(pieces)]
    return parts[rank::ranks]


def walk(
    mixture: Mixture,
    batch_tokens: int,
    accumulate: int,
    seed: int,
    at: Cursor = Cursor(),  # noqa: B008 (immutable)
    rank: int = 0,
    ranks: int = 1,
    alpha: float | None = None,
) -> Iterator[Share]:
    """Yield this rank's share of each update for ever, with the cursor that resumes right after it.

    batch_tokens: tokens of an update, over all ranks; accumulate: the number of batches it is made of.
    Raises DataError when no batch ends at the cursor, since the corpora are then not those that it was left in.

    A section takes seconds to read and plan, for which no GPU should wait: it is made while the second half of the one
    before is trained on. So two are in memory at most, and a short walk makes one alone.
    """
    with closing(Ahead(_sections(mixture, max(1, batch_tokens // accumulate), seed, at))) as sections:
        for epoch, section, begin in sections:
            plan, ends = section.plan, section.ends
            for first in range(begin, len(plan), accumulate):
                numbers = range(first, min(first + accumulate, len(plan)))
                if 2 * numbers.stop > len(plan):
                    sections.begin()
                rows = [plan.batch(number) for number in numbers]
                parts = deal(rows, rank, ranks)
                batches = [
                    section.batch(part, alpha, [seed, epoch.number, int(ends[0])])
                    if len(part)
                    else _without_loss(section.batch(rows[0][:1]))  # all ranks exchange gradients equally often
                    for part in parts
                ]
                taken = int(ends[numbers.stop])
                tokens = sum(map(section.tokens, rows))
                yield Share(Cursor(epoch.number, taken), batches, tokens, epoch.number - 1 + taken / len(epoch))


def _sections(mixture: Mixture, batch_tokens: int, seed: int, at: Cursor) -> Iterator[tuple[Epoch, Section, int]]:
    """The sections that are not yet done, for ever, each with its epoch and its first batch that is not."""
    for number in count(at.epoch):
        epoch, taken = mixture.epoch(seed, number), at.taken if number == at.epoch else 0
        for places in epoch.sections():
            if places.stop > taken:
                section = mixture.section(epoch, places, batch_tokens)
                yield epoch, section, section.batches_before(max(taken, places.start))


def _without_loss(batch: Batch) -> Batch:
    """The batch with no target position that counts."""
    return replace(batch, real_N=batch.real_N[:0])
