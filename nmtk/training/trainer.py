"""The trainer: one loop over updates, which can be stopped at any of them and goes on as if it never had been."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nmtk.bundle import Bundle, checkpoints_in
from nmtk.data.cursor import Share, walk
from nmtk.data.mixture import Mixture
from nmtk.data.prefetch import prefetch
from nmtk.devices import sum_type
from nmtk.errors import TrainingError
from nmtk.training import checkpoints
from nmtk.training.checkpoints import State
from nmtk.training.distributed import Ranks
from nmtk.training.memory import naming_memory, naming_the_batch
from nmtk.training.options import TrainingOptions
from nmtk.training.progress import Listener, Log
from nmtk.training.schedules import Horizon
from nmtk.training.signals import Signals
from nmtk.training.stopping import Position, Validated, is_due, reason_to_stop, share_done, to_keep
from nmtk.training.updater import Updater
from nmtk.training.validation import Validator
from nmtk.training.verdict import SLOW
from nmtk.training.window import Checked, Window


def _seed_of(seed: int, update: int, rank: int) -> int:
    """The seed of one rank's random numbers in one update: a function of these three, so none is ever saved."""
    return int(np.random.SeedSequence([seed, update, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Trainer:
    """Trains a bundle's model on a mixture of corpora, in a run's folder."""

    def __init__(
        self,
        run: Path,
        bundle: Bundle,
        mixture: Mixture,
        validator: Validator,
        options: TrainingOptions,
        dtype: torch.dtype,
        ranks: Ranks,
        listeners: Sequence[Listener],
    ) -> None:
        self.run, self.bundle, self.mixture, self.validator = run, bundle, mixture, validator
        self.options, self.ranks, self.listeners = options, ranks, listeners
        self.model = bundle.model
        self.updater = Updater(self.model, options, dtype, ranks)
        self.average = self.updater.average
        self.horizon = Horizon(self.model.options.width, options.updates)
        self.log = Log(run / "log.jsonl")
        self.state = State()
        self.window = Window(ranks.device)
        self.unchecked: Checked | None = None
        self.signals = Signals()
        self.interrupted = False
        """Whether a signal ended the training, on whichever rank."""
        self.saved = 0

    def train(self) -> str:
        """Train until a stop condition or a signal; the last state is saved. Returns the reason in words.

        Raises TrainingError when the loss is no number; checkpoints before it are kept.
        """
        self._resume()
        with self.signals, closing(self._shares()) as shares:
            self._keep()
            reason = self._reason()
            started = time.monotonic() - self.state.seconds
            while reason is None:
                self.ranks.at(self.state.update + 1, "reading")
                self._update(self._next(shares))
                self.state.seconds = time.monotonic() - started
                if self.state.update % self.options.log_every == 0:
                    self._log()
                before = time.monotonic()
                self._keep()
                self.window.since += time.monotonic() - before  # the speed is that of training alone
                self._tell_progress()
                reason = self._reason()
            self._keep(last=True)
        return reason

    def _position(self) -> Position:
        return Position(self.state.update, self.state.epochs, self.state.tokens, self.state.seconds)

    def _reason(self) -> str | None:
        reason = self.signals.received or reason_to_stop(self.options, self._position(), self.state.history)
        if not self.ranks.any(reason is not None):  # time and signals are each rank's own
            return None
        received = self.ranks.said(self.signals.received)
        self.interrupted = received is not None
        return received or self.ranks.said(reason)

    # one update

    def _shares(self) -> Generator[Share]:
        options, sampling = self.options, self.options.sampling

        def made() -> Iterator[Share]:
            shares = walk(
                self.mixture,
                options.effective_tokens,
                options.accumulate,
                options.seed,
                self.state.cursor,
                self.ranks.rank,
                self.ranks.world,
                sampling.alpha if sampling else None,
            )
            if self.ranks.device.type != "cuda":
                return shares
            return (share._replace(batches=[batch.pin() for batch in share.batches]) for share in shares)

        return prefetch(made)

    def _next(self, shares: Iterator[Share]) -> Share:
        remedy = f"a smaller training.batch_tokens (now {self.options.effective_tokens})"
        with naming_memory(self.state.update + 1, torch.device("cpu"), "reading batches ahead", remedy):
            return next(shares)

    def _update(self, share: Share) -> None:
        state, step, device = self.state, self.state.update + 1, self.ranks.device
        torch.manual_seed(_seed_of(self.options.seed, step, self.ranks.rank))
        self.model.train()
        sums = torch.zeros(2, dtype=sum_type(device), device=device)
        for number, batch in enumerate(share.batches, 1):
            with naming_the_batch(step, device, batch, self.options):
                sums += self.updater.accumulate(batch, share.tokens, step, last=number == len(share.batches))
        self.ranks.at(step, "optimiser")
        with naming_the_batch(step, device, batch, self.options):  # with the first update, state is made
            norm = self.updater.clip()
            self._check(Checked(step, share, sums, norm))
            rate = self.options.optimiser.rate * self.options.schedule.factor(step, self.horizon)
            self.updater.apply(step, rate)
        self.window.add(share, sums, norm, rate)
        state.update, state.cursor, state.epochs = step, share.after, share.epochs
        state.tokens += share.tokens

    def _check(self, now: Checked | None) -> None:
        """Stop at a loss or gradient that is no number: at once on CPUs, one update later where asking would stall."""
        late = self.ranks.device.type != "cpu" and now is not None
        due, self.unchecked = (self.unchecked, now) if late else (now or self.unchecked, None)
        if due is None or due.good():
            return
        saved = list(checkpoints_in(self.run))
        remedy = f"checkpoint {saved[-1]} is the last good one" if saved else "no checkpoint was saved yet"
        epoch, taken = due.share.after
        raise TrainingError(
            f"update {due.update}: the loss is no longer a number (gradient norm {float(due.norm)}) in the batch that "
            f"ends with pair {taken:,} of epoch {epoch}: {remedy}; "
            f"try a smaller training.optimiser.rate, a longer warm-up or training.clip_norm"
        )

    # what is told and kept

    def _log(self) -> None:
        self._record(
            {"kind": "train", "update": self.state.update, "epochs": round(self.state.epochs, 4)}
            | self.window.figures(self.ranks, self.state.seconds)
            | {"seconds": round(self.state.seconds, 2)}
        )
        self.window = Window(self.ranks.device, self.state.seconds)

    def _record(self, record: dict[str, Any]) -> None:
        if self.ranks.first:
            self.log.write(record)
            for listener in self.listeners:
                listener.record(record)

    def _tell_progress(self) -> None:
        share = share_done(self.options, self._position())
        for listener in self.listeners:
            listener.done(share, self.state.seconds, self.state.update)

    def _keep(self, last: bool = False) -> None:
        """Save a checkpoint where one is due, then validate where that is: a failing validation loses nothing."""
        update, options = self.state.update, self.options
        validate = update % options.validation.every == 0 or (last and not self.interrupted)
        validate = validate and update > 0 and all(known.update != update for known in self.state.history)
        save = update > self.saved and (validate or last or is_due(options, update))
        if not (save or validate):
            return
        if save:
            self.ranks.at(update, "saving", least=SLOW)
            self._check(None)
            self.state.window = self.window.sums(self.ranks)
            self.state.due = is_due(options, update)
            checkpoints.save(self.run, self.bundle, self.updater.optimiser, self.state, self.average, self.ranks)
            self.saved = update
        if validate:
            with naming_memory(update, self.ranks.device, "validation", self._less_to_validate()):
                self._validate()
        if self.ranks.first:
            checkpoints.prune(self.run, self._kept())
        self.ranks.wait()

    def _kept(self) -> set[int]:
        """The checkpoints that stay, of those that are there."""
        saved, due = list(checkpoints_in(self.run)), checkpoints.due(self.run, self.options)
        return to_keep(self.options, saved, due, self.state.history)

    def _validate(self) -> None:
        """Measure on rank 0, with the averaged weights where there are any; all ranks learn the figures."""
        started = time.monotonic()
        scores: dict[str, float] = {}
        self.ranks.at(self.state.update, "validation")
        if self.average:
            self.average.swap()
        bundle, step = self.bundle, self.updater.step
        if self.options.sharding == "full" and self.ranks.world > 1:
            from nmtk.training.sharding import unsharded  # takes two seconds to import

            bundle, step = unsharded(bundle, step, self.ranks)
        if self.ranks.first:
            with self.ranks.moving():
                scores = self.validator.measure(bundle, step)
        if self.average:
            self.average.swap()
        self.ranks.wait()
        validated = Validated(self.state.update, self.ranks.tell(scores))
        self.state.history.append(validated)
        times = {"took": round(time.monotonic() - started, 2), "seconds": round(self.state.seconds, 2)}
        self._record({"kind": "validation", "update": validated.update, **validated.scores, **times})
        if self.ranks.first:  # after the log: what is not beside the checkpoint is cut from the log and measured again
            checkpoints.write_validation(checkpoints.folder_of(self.run, validated.update), validated)

    def _less_to_validate(self) -> str:
        return (
            f"a smaller decoding.batch_tokens (now {self.validator.decoding.batch_tokens}) or fewer "
            f"training.validation.lines; for its loss, a larger training.accumulate (now {self.options.accumulate})"
        )

    def _resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        if self.ranks.first:
            checkpoints.clear_remains(self.run)
        self.ranks.wait()
        update = self.ranks.tell(max(checkpoints_in(self.run), default=0))
        if not update:
            if self.ranks.first:
                self.log.cut_back(0, validated=False)
            return
        folder = checkpoints.folder_of(self.run, update)
        if self.ranks.first:
            checkpoints.check_data(folder, self.bundle.card)
        self.state = checkpoints.load(folder, self.model, self.updater.optimiser, self.average, self.ranks)
        self.window = Window.of(self.state.window, self.ranks, self.state.seconds)
        self.saved = update
        if self.ranks.first:
            self.log.cut_back(update, validated=any(known.update == update for known in self.state.history))
            for listener in self.listeners:
                listener.say(f"going on from update {update}")
                if gone := ", ".join(map(str, sorted(checkpoints_in(self.run).keys() - self._kept()))):
                    kept = f"the last {self.options.checkpoint.keep_last} and best {self.options.checkpoint.keep_best}"
                    listener.say(f"of the checkpoints, {kept} are kept: {gone} will be deleted when the next is saved")
