"""Budget: `batch_tokens: auto`, the largest batches that fit in memory, without a change of the update.

An update keeps its size, `update_tokens` over all ranks, and with it what is learned from it. It is cut into the fewest
batches of which each rank's part fits: at least `accumulate`, so that a recipe may still ask for batches of several
sentence lengths in an update.

What was found is kept in the run. A run that has a checkpoint goes on with the same batches, on whatever machine and
number of ranks, since resuming is exact; where they do not fit there, the error of the first that does not says so. A
run that has none yet is probed anew.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import PositiveInt

from nmtk.data.mixture import Mixture
from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import ModelError, OptionsError, TrainingError
from nmtk.files import write_text
from nmtk.options import Options
from nmtk.training.distributed import Ranks
from nmtk.training.memory import free_memory
from nmtk.training.options import TrainingOptions
from nmtk.training.probe import Fit, Probe

FILE = "batches.yaml"
SHARES = {"cpu": 0.7, "cuda": 0.9}
"""The part of free memory that an update may take, by the kind of device.

The rest is for what comes on top of the probe's even batches: batches of ever other shapes leave gaps in the heap,
validation translates, and on a CPU other programs want memory too.
"""
SAMPLED = 64
"""Of so many of the longest sentences a segmentation is sampled, to see how long they get."""


class Batches(Options):
    """What `batches.yaml` says."""

    format: PositiveInt = 1
    update_tokens: PositiveInt
    accumulate: PositiveInt
    """Batches of an update."""
    longest: PositiveInt
    """Tokens of the longest sentence of the corpus."""
    fitting: PositiveInt
    """How many sentences of that length fit, of those that were tried for."""
    device: str
    ranks: PositiveInt

    def over(self, options: TrainingOptions) -> TrainingOptions:
        """The options of training with these batches."""
        return options.model_copy(update={"accumulate": self.accumulate})

    def __str__(self) -> str:
        cut = f"{self.accumulate} batches" if self.accumulate > 1 else "one batch"
        return (
            f"batch_tokens: auto: updates of {self.update_tokens:,} tokens in {cut}; {self.device} has room for "
            f"{self.fitting} sentences of {self.longest} tokens, the longest"
        )


class Room(NamedTuple):
    """How much memory there is, and how much of it an update may take."""

    free: int
    limit: int


def room(device: torch.device) -> Room | None:
    """The room on a device; None where the system does not say."""
    free = free_memory(device) if device.type in SHARES else None
    return None if free is None else Room(free, int(free * SHARES[device.type]))


def rows_of(tokens: int, accumulate: int, ranks: int, longest: int) -> int:
    """The longest sentences in a rank's part of a batch, which `cursor.deal` cuts where there are more ranks."""
    whole = max(1, tokens // accumulate // longest)
    return math.ceil(whole / (ranks // math.gcd(accumulate, ranks)))


def fewest_batches(tokens: int, least: int, ranks: int, longest: int, rows: int) -> int:
    """The fewest batches, and not fewer than `least`, of which no rank's part has more than `rows` sentences."""
    accumulate = least
    while rows_of(tokens, accumulate, ranks, longest) > max(1, rows):
        accumulate += 1
    return accumulate


def settle(
    run: Path, options: TrainingOptions, probe: Callable[[], Probe], ranks: Ranks, begun: bool
) -> Batches | None:
    """The batches of a run with `batch_tokens: auto`; None where the recipe says their size itself.

    begun: whether the run has a checkpoint. Raises TrainingError when not even one pair fits, ModelError when a run
    that has begun has lost its batches.
    """
    if options.batch_tokens != "auto":
        return None
    if begun:
        return _read(run / FILE)
    asked = probe()
    return cut(options, asked, try_out(options, asked, ranks), ranks)


def keep(run: Path, batches: Batches) -> None:
    """Keep them in the run."""
    write_text(run / FILE, to_yaml(batches.document()))


def try_out(options: TrainingOptions, probe: Probe, ranks: Ranks) -> Fit:
    """Probe the memory of this rank, up to what an update of `accumulate` batches needs of it."""
    if (place := room(ranks.device)) is None:
        raise TrainingError(
            f"training.batch_tokens: auto: how much memory {ranks.device} has is not known on this system: wanted a "
            "number of tokens"
        )
    wanted = rows_of(options.effective_tokens, options.accumulate, ranks.world, probe.longest)
    return probe.fit(wanted, place.limit)


def cut(options: TrainingOptions, probe: Probe, fit: Fit, ranks: Ranks) -> Batches:
    """The batches of an update, where the rank that has room for the fewest sentences counts."""
    fits = torch.zeros(ranks.world, dtype=torch.int64, device=ranks.device)
    fits[ranks.rank] = fit.rows
    fitting = int(ranks.sum(fits).min())
    if fitting == 0:
        raise TrainingError(
            f"training.batch_tokens: auto: not even one pair of {probe.longest} tokens fits into the memory of "
            f"{ranks.device} that is free for it: wanted a smaller model or data.filters.longest"
        )
    tokens = options.effective_tokens
    return Batches(
        update_tokens=tokens,
        accumulate=fewest_batches(tokens, options.accumulate, ranks.world, probe.longest, fitting),
        longest=probe.longest,
        fitting=fitting,
        device=str(ranks.device),
        ranks=ranks.world,
    )


def longest_of(mixture: Mixture, options: TrainingOptions) -> tuple[int, int]:
    """Tokens of the longest sentence of either side, as it is packed and, if so, as sampling may segment it."""
    headers = [corpus.header for corpus in mixture.corpora]
    packed = 1 + max(max(header.source.longest, header.target.longest) for header in headers)
    if not options.sampling:
        return packed, packed
    epoch = mixture.epoch(options.seed, 1)
    section = mixture.section(epoch, epoch.sections()[0], options.effective_tokens)
    stretched = 1.0
    for side, lengths in enumerate((section.source_lengths, section.target_lengths)):
        rows = np.argsort(-lengths, kind="stable")[:SAMPLED]
        batch = section.batch(rows, options.sampling.alpha, [options.seed])
        stretched = max(stretched, (batch.source_BS, batch.gold_BT)[side].shape[1] / int(lengths.max()))
    return packed, math.ceil(packed * stretched)


def _read(path: Path) -> Batches:
    try:
        return Batches.parse(read_yaml(path), str(path))
    except OptionsError as error:
        raise ModelError(
            f"{error}: it holds the batches that this run was trained with: put it back, or use -o"
        ) from None
