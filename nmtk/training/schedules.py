"""Learning-rate schedules: pure functions of the step, so there is nothing to save and nothing to restore.

Steps count from 1. A schedule gives the factor by which the optimiser's rate is multiplied; the paper's own gives the
rate itself.
"""

import math
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from nmtk.options import BY_KIND, COUNT, Options

Warmup = Annotated[PositiveInt, COUNT]


class Horizon(NamedTuple):
    """What a schedule may want to know of the run: the model's width D and the last update, where one is set."""

    width: int
    updates: int | None


class Noam(Options):
    """The paper's: scale * D^-0.5 * min(step^-0.5, step * warmup^-1.5) (Vaswani et al. 2017, section 5.3, eq. 3).

    It is the rate itself: leave the optimiser's `rate` at 1, or use it as a further scale.
    """

    kind: Literal["noam"] = "noam"
    warmup: Warmup = 4000
    scale: PositiveFloat = 1.0

    def factor(self, step: int, run: Horizon) -> float:
        """The learning rate at this step."""
        return self.scale / math.sqrt(run.width) * min(1 / math.sqrt(step), step / math.pow(self.warmup, 1.5))


class Constant(Options):
    """Linear warm-up, then 1."""

    kind: Literal["constant"] = "constant"
    warmup: Annotated[NonNegativeInt, COUNT] = 0

    def factor(self, step: int, run: Horizon) -> float:
        """Rises to 1.0 at step == warmup and stays."""
        return min(1.0, step / self.warmup) if self.warmup else 1.0


class InverseSqrt(Options):
    """Linear warm-up, then 1/sqrt(step): the paper's shape with its peak at the optimiser's rate."""

    kind: Literal["inverse-sqrt"] = "inverse-sqrt"
    warmup: Warmup = 4000

    def factor(self, step: int, run: Horizon) -> float:
        """1.0 at step == warmup."""
        return min(step / self.warmup, math.sqrt(self.warmup / step))


class Linear(Options):
    """Linear warm-up, then linear decay to `end` at the last update."""

    kind: Literal["linear"] = "linear"
    warmup: Warmup = 4000
    updates: Annotated[PositiveInt | None, COUNT] = None
    end: NonNegativeFloat = 0.0

    def factor(self, step: int, run: Horizon) -> float:
        """1.0 at step == warmup, `end` from the last update on."""
        return _warmed(self.warmup, step) or self.end + (1 - self.end) * (1 - _decayed(self, step, run))


class Cosine(Options):
    """Linear warm-up, then half a cosine down to `end` at the last update (Loshchilov & Hutter 2017, no restarts)."""

    kind: Literal["cosine"] = "cosine"
    warmup: Warmup = 4000
    updates: Annotated[PositiveInt | None, COUNT] = None
    end: NonNegativeFloat = 0.0

    def factor(self, step: int, run: Horizon) -> float:
        """1.0 at step == warmup, `end` from the last update on."""
        wave = (1 + math.cos(math.pi * _decayed(self, step, run))) / 2
        return _warmed(self.warmup, step) or self.end + (1 - self.end) * wave


class WarmupStableDecay(Options):
    """Linear warm-up, a plateau at 1, and over the last `decay` share of the updates 1 - sqrt down to `end`.

    (Hu et al. 2024, MiniCPM; the square-root shape from Haegele et al. 2024, section 3.)
    """

    kind: Literal["warmup-stable-decay"] = "warmup-stable-decay"
    warmup: Warmup = 4000
    updates: Annotated[PositiveInt | None, COUNT] = None
    decay: Annotated[float, Field(gt=0, le=1)] = 0.2
    end: NonNegativeFloat = 0.0

    def factor(self, step: int, run: Horizon) -> float:
        """1.0 from step == warmup to the decay, `end` from the last update on."""
        last = last_update(self, run)
        first = max(self.warmup, round(last * (1 - self.decay)))
        done = min(max(step - first, 0) / max(1, last - first), 1.0)
        return _warmed(self.warmup, step) or self.end + (1 - self.end) * (1 - math.sqrt(done))


Schedule = Annotated[
    Noam | Constant | InverseSqrt | Linear | Cosine | WarmupStableDecay, Field(discriminator="kind"), BY_KIND
]


def last_update(schedule: Linear | Cosine | WarmupStableDecay, run: Horizon) -> int:
    """Where a schedule ends that needs an end: its own `updates`, else the run's."""
    return schedule.updates or run.updates or schedule.warmup


def needs_end(schedule: Schedule) -> bool:
    """Whether the schedule depends on the run's last update, because it names none of its own."""
    return isinstance(schedule, Linear | Cosine | WarmupStableDecay) and schedule.updates is None


def _warmed(warmup: int, step: int) -> float:
    return step / warmup if step < warmup else 0.0


def _decayed(schedule: Linear | Cosine, step: int, run: Horizon) -> float:
    last = last_update(schedule, run)
    return min(max(step - schedule.warmup, 0) / max(1, last - schedule.warmup), 1.0)
