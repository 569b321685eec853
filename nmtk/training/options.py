"""The recipe's `training`: everything about how a model is trained."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from nmtk.decoding.strategies import Greedy, Strategy
from nmtk.options import COUNT, FREE, SECONDS, Options
from nmtk.training.consistency import Consistency
from nmtk.training.optimisers import Adam, Optimiser
from nmtk.training.schedules import InverseSqrt, Noam, Schedule, needs_end
from nmtk.training.word_dropout import WordDropout

Count = Annotated[PositiveInt, COUNT]
Metric = Literal["loss", "bleu", "chrf"]
Sharding = Literal["none", "full"]


def _count_or_auto(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError(f"found {value!r}, wanted a whole number above 0, or auto")


BatchTokens = Annotated[int | Literal["auto"], BeforeValidator(_count_or_auto), COUNT]
UPDATE_TOKENS = 4096
"""Tokens of an update, unless the recipe says."""


class Sampling(Options):
    """New segmentations of the training text at every epoch (Kudo 2018; BPE-dropout: Provilkov et al. 2020)."""

    alpha: PositiveFloat = 0.1
    """Unigram: smoothing of the distribution; smaller is more varied. BPE: the share of merges left out."""


class EarlyStop(Options):
    """Stop when a metric has not got better for `patience` validations in a row."""

    metric: Metric = "loss"
    patience: PositiveInt = 10


class Validation(Options):
    """What is measured on the validation set, and when."""

    every: Annotated[PositiveInt, COUNT, FREE] = 1000
    metrics: tuple[Metric, ...] = ("loss", "bleu")
    strategy: Strategy = Greedy()
    lines: Annotated[PositiveInt | None, COUNT] = None
    """Translate only the first so many lines; the loss is always over all."""

    @model_validator(mode="after")
    def _has_loss(self) -> "Validation":
        if "loss" not in self.metrics:
            raise ValueError("metrics: loss is always measured; wanted it in the list")
        return self


class Checkpoints(Options):
    """When the whole state of training is saved, and which saved ones are kept."""

    every: Annotated[PositiveInt, COUNT, FREE] = 1000
    keep_last: Annotated[PositiveInt, FREE] = 5
    keep_best: Annotated[NonNegativeInt, FREE] = 1
    metric: Metric = "loss"
    """What `best` means."""


class Average(Options):
    """Which checkpoints the final model is the mean of (Vaswani et al. 2017, section 6.1: the last 5 or 20)."""

    take: Literal["last", "best"] = "last"
    count: PositiveInt = 5


class TrainingOptions(Options):
    """How a model is trained. Stops at whichever of updates, epochs, tokens and time comes first."""

    updates: Annotated[PositiveInt | None, COUNT, FREE] = None
    epochs: Annotated[PositiveInt | None, COUNT, FREE] = None
    tokens: Annotated[PositiveInt | None, COUNT, FREE] = None
    """Target tokens trained on."""
    time: Annotated[PositiveFloat | None, SECONDS, FREE] = None
    """Wall-clock time of training, all its parts added up."""
    batch_tokens: BatchTokens = UPDATE_TOKENS
    """The most tokens of either side in one update, padding included, over all ranks and accumulated batches.

    `auto`: an update has `update_tokens`, cut into the fewest batches that fit in memory (`nmtk.training.budget`).
    """
    update_tokens: Count | None = None
    """Beside `batch_tokens: auto` only: what `batch_tokens` would be."""
    accumulate: PositiveInt = 1
    """How many batches, each of its own sentence length, an update is made of; ranks share them out.

    With `batch_tokens: auto` there are so many or more.
    """
    optimiser: Optimiser = Adam()
    schedule: Schedule = InverseSqrt()
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    clip_norm: NonNegativeFloat = 1.0
    """The longest the gradient may be; 0 leaves it as it is."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the moving average of the weights, which is then what is validated and kept; 0 is none."""
    sampling: Sampling | None = None
    word_dropout: WordDropout | None = None
    consistency: Consistency | None = None
    """Two passes over every batch, pulled together: twice the time and memory of an update."""
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 1
    validation: Validation = Validation()
    early_stop: Annotated[EarlyStop | None, FREE] = None
    checkpoint: Checkpoints = Checkpoints()
    average: Annotated[Average, FREE] = Average()
    log_every: Annotated[PositiveInt, COUNT, FREE] = 50
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Annotated[bool | Literal["auto"], FREE] = "auto"
    """Whether layers are compiled before they train: `auto` where that pays (see `training/step.py`)."""
    device: Annotated[str, FREE] = "auto"
    sharding: Annotated[Sharding, FREE] = "none"
    """full: each rank keeps a part of the parameters, gradients and optimiser state; for what is too large for one.

    The whole model is translated with on rank 0 alone: when it validates, on the CPU, slowly, if the GPU has no room
    for it beside the rank's part; at the end, on its GPU (or with `device: cpu`, by a process that is alone).
    """
    threads: Annotated[int | None, Field(gt=0, le=1 << 12), FREE] = None

    @model_validator(mode="after")
    def _consistent(self) -> "TrainingOptions":
        if not (self.updates or self.epochs or self.tokens or self.time or self.early_stop):
            raise ValueError("nothing ends the training: wanted one of updates, epochs, tokens, time, early_stop")
        if self.update_tokens and self.batch_tokens != "auto":
            raise ValueError(
                f"update_tokens: an update has batch_tokens, {self.batch_tokens}: wanted batch_tokens: auto beside it"
            )
        if needs_end(self.schedule) and not self.updates:
            raise ValueError(
                f"schedule {self.schedule.kind} decays to an end: wanted training.updates or schedule.updates"
            )
        kept = self.checkpoint.keep_last if self.average.take == "last" else self.checkpoint.keep_best
        if self.average.count > kept:
            which = f"checkpoint.keep_{self.average.take}"
            raise ValueError(
                f"average.count {self.average.count} is more than {which} {kept}: wanted {which} to be as large"
            )
        for name, metric in (("early_stop", self.early_stop), ("checkpoint", self.checkpoint)):
            if metric and metric.metric not in self.validation.metrics:
                raise ValueError(f"{name}.metric {metric.metric} is not in validation.metrics")
        if self.sharding == "full" and self.optimiser.kind == "adafactor":
            raise ValueError("sharding full: adafactor needs whole matrices: wanted optimiser adam or adamw")
        if self.sharding == "full" and self.batch_tokens == "auto":
            raise ValueError(
                "sharding full: batch_tokens auto tries batches with the whole model on one device: wanted a number of "
                "batch_tokens, and a larger accumulate where memory runs out"
            )
        if isinstance(self.schedule, Noam) and "rate" not in self.optimiser.model_fields_set:
            return self.model_copy(update={"optimiser": self.optimiser.model_copy(update={"rate": 1.0})})
        return self

    @property
    def passes(self) -> int:
        """How often an update's batches go through the model."""
        return 2 if self.consistency else 1

    @property
    def effective_tokens(self) -> int:
        """The most tokens of either side in one update, however many batches it is made of."""
        return (self.update_tokens or UPDATE_TOKENS) if self.batch_tokens == "auto" else self.batch_tokens
