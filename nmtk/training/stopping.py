"""When training ends, and which checkpoints are worth keeping: pure functions of what has been measured."""

from collections.abc import Sequence
from typing import NamedTuple

from nmtk.training.options import EarlyStop, Metric, TrainingOptions

LOWER_IS_BETTER: frozenset[Metric] = frozenset({"loss"})


class Validated(NamedTuple):
    """The measures of one validation."""

    update: int
    scores: dict[str, float]

    def goodness(self, metric: Metric) -> float:
        """The metric turned so that higher is better."""
        return -self.scores[metric] if metric in LOWER_IS_BETTER else self.scores[metric]


class Position(NamedTuple):
    """How far training has come: updates and epochs done, target tokens, seconds of wall-clock."""

    update: int
    epochs: float
    tokens: int
    seconds: float


def reason_to_stop(options: TrainingOptions, at: Position, history: Sequence[Validated]) -> str | None:
    """Why training ends here, in words, or None when it goes on."""
    if options.updates and at.update >= options.updates:
        return f"{options.updates} updates"
    if options.epochs and at.epochs >= options.epochs:
        return f"{options.epochs} epochs"
    if options.tokens and at.tokens >= options.tokens:
        return f"{options.tokens} tokens"
    if options.time and at.seconds >= options.time:
        return f"{options.time:g} seconds"
    if (
        options.early_stop
        and (stale := validations_since_best(options.early_stop, history)) >= options.early_stop.patience
    ):
        return f"no better {options.early_stop.metric} in {stale} validations"
    return None


def share_done(options: TrainingOptions, at: Position) -> float | None:
    """How much of the training is done, from 0 to 1, by the limit that is nearest; None when none is set."""
    limits = (options.updates, options.epochs, options.tokens, options.time)
    shares = [done / limit for done, limit in zip(at, limits, strict=True) if limit]
    return min(1.0, max(shares)) if shares else None


def validations_since_best(stop: EarlyStop, history: Sequence[Validated]) -> int:
    """How many validations have come after the best one; the first of equals counts as the best."""
    goodness = [validated.goodness(stop.metric) for validated in history]
    return len(goodness) - 1 - goodness.index(max(goodness)) if goodness else 0


def best(history: Sequence[Validated], metric: Metric, count: int) -> list[int]:
    """The updates of the `count` best validations, best first; of equals the earlier is the better."""
    ranked = sorted(history, key=lambda validated: (-validated.goodness(metric), validated.update))
    return [validated.update for validated in ranked[:count]]


def is_due(options: TrainingOptions, update: int) -> bool:
    """Whether an update's checkpoint is saved in any case, and not only because training was ended there."""
    return update % options.checkpoint.every == 0 or update % options.validation.every == 0


def to_keep(
    options: TrainingOptions, saved: Sequence[int], due: Sequence[int], history: Sequence[Validated]
) -> set[int]:
    """Of the saved updates, those to keep: the last of those that were due, and the best ones.

    The newest is kept too when it was not due, until the next: an interrupted run goes on from it, and ends with the
    same checkpoints as an unbroken one.
    """
    return {
        *sorted(due)[-options.checkpoint.keep_last :],
        max(saved),
        *_best_saved(options, saved, history, options.checkpoint.keep_best),
    }


def to_average(
    options: TrainingOptions, saved: Sequence[int], due: Sequence[int], history: Sequence[Validated]
) -> list[int]:
    """Of the saved updates, those that make the final model: the last ones, or the best ones, best first."""
    if options.average.take == "best":
        return _best_saved(options, saved, history, options.average.count)
    return sorted({*due, max(saved)})[-options.average.count :]


def _best_saved(options: TrainingOptions, saved: Sequence[int], history: Sequence[Validated], count: int) -> list[int]:
    return best([v for v in history if v.update in set(saved)], options.checkpoint.metric, count)
