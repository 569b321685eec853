"""Plan: what a training will cost, before it is begun.

The data are prepared in the run's folder as for training, which finds them there. The speed is that of real updates of
a model that is thrown away; a run that has a checkpoint stays as it is.
"""

import math
import shutil
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console

from nmtk.bundle import checkpoints_in
from nmtk.data.mixture import Mixture
from nmtk.decoding.specials import Specials
from nmtk.decoding.timing import time_search
from nmtk.devices import pick_precision
from nmtk.errors import NmtkError
from nmtk.model.transformer import Transformer
from nmtk.recipe.benchmark import questions_of, updates_of
from nmtk.recipe.chain import Stage, chain_of, due
from nmtk.recipe.home import begun
from nmtk.recipe.making import find_made
from nmtk.recipe.prepare import Prepared
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.run import begin, on_device, probe_of
from nmtk.training.budget import Batches, cut, room, rows_of, settle
from nmtk.training.distributed import Ranks
from nmtk.training.flops import BACKWARD
from nmtk.training.memory import place_for, status
from nmtk.training.options import TrainingOptions
from nmtk.training.probe import Fit
from nmtk.training.progress import clock
from nmtk.training.rehearsal import Paced, Rehearsal

SECONDS = 10.0
"""How long updates are made, and then sentences translated."""


class Epoch(NamedTuple):
    """What one epoch is made of."""

    pairs: int
    batches: int
    source: int
    """Tokens, `</s>` included."""
    target: int
    positions: int
    """Of both sides, padded ones too."""

    @classmethod
    def first(cls, mixture: Mixture, options: TrainingOptions) -> "Epoch":
        """The first one, as its first section is: other sections and other epochs differ by little."""
        epoch = mixture.epoch(options.seed, 1)
        section = mixture.section(epoch, epoch.sections()[0], max(1, options.effective_tokens // options.accumulate))
        plan, sides = section.plan, (section.source_lengths, section.target_lengths)
        sizes = np.diff(plan.cuts)
        positions = sum(int((np.maximum.reduceat(side[plan.rows], plan.cuts[:-1]) * sizes).sum()) for side in sides)
        found = (len(plan), *(int(side.sum(dtype=np.int64)) for side in sides), positions)
        return cls(len(epoch), *(round(one * len(epoch) / len(plan.rows)) for one in found))


class Memory(NamedTuple):
    """Bytes that the largest update takes beside the process itself, what the process has, and what is free."""

    update: int
    process: int
    free: int
    fits: bool


class Pace(NamedTuple):
    """What was measured, over all ranks."""

    target_per_second: float
    update_seconds: float
    validation_seconds: float
    checkpoint_bytes: int


def plan(located: Located, run: Path, console: Console) -> list[str]:
    """What a recipe's training needs, line by line; nothing on ranks but the first. Raises what training would.

    Of a chain it is the first stage that is not finished which is planned: what it makes for the others is not there.
    """
    with Ranks.join(located.recipe.training.device) as ranks:
        chain = chain_of(located, run)
        stage = chain[ranks.tell(chain.index(due(chain)[0]) if ranks.first else 0)]
        (recipe, _), run = stage.located, stage.run
        ranks = on_device(ranks, recipe)
        prepared = _begin(stage, ranks, console)
        ranks.at(0, "planning", least=math.inf)
        options, memory = _memory(recipe, prepared, run, ranks)
        pace = _pace(recipe, options, prepared, ranks)
        if not ranks.first:
            return []
        epoch = Epoch.first(prepared.mixture, options)
        model = Transformer(recipe.model, *map(len, prepared.vocabularies))
        dtype = str(pick_precision(options.precision, ranks.device)).removeprefix("torch.")
        cut_into = f" in {options.accumulate} batches" if options.accumulate > 1 else ""
        which = f"{chain.index(stage) + 1} of {len(chain)}: {recipe.name}, in {run}, the first that is not finished"
        facts = ({"stage": which} if len(chain) > 1 else {}) | {
            "parameters": f"{model.parameter_count:,}",
            "device": f"{ranks.device} x {ranks.world}, {dtype}, {torch.get_num_threads()} threads",
            "update": f"at most {options.effective_tokens:,} tokens of a side{cut_into}",
            "epoch": f"{epoch.pairs:,} pairs, {epoch.source:,} source and {epoch.target:,} target tokens, "
            f"{math.ceil(epoch.batches / options.accumulate):,} updates",
            "padding": f"{1 - (epoch.source + epoch.target) / epoch.positions:.1%} of positions",
            "speed": f"{pace.target_per_second:,.0f} target tokens/s, {pace.update_seconds:.3g} s an update, "
            f"{pace.validation_seconds:.3g} s a validation",
            "time": _time(options, epoch, pace, max(checkpoints_in(run), default=0)),
            "memory": _told(memory, options),
            "disk": _disk(options, pace.checkpoint_bytes, run),
        }
        return [f"{name:12s}{fact}" for name, fact in facts.items()]


def _begin(stage: Stage, ranks: Ranks, console: Console) -> Prepared:
    """Begin as training does; where that is refused, no folder stays behind."""
    new = not stage.run.exists()
    try:
        for name, options in stage.located.recipe.data.translate.items():
            find_made(name, options, stage.work)
        return begin(stage.located, stage.run, ranks, console, trains=False)
    except NmtkError:
        if new and ranks.first:
            shutil.rmtree(stage.run, ignore_errors=True)
        raise


def _memory(recipe: Recipe, prepared: Prepared, run: Path, ranks: Ranks) -> tuple[TrainingOptions, Memory | None]:
    """Training's options with the number of batches settled, and the memory that the largest of its updates takes."""
    options, place = recipe.training, room(ranks.device)
    if options.sharding == "full":
        return options, None
    probe = probe_of(recipe, prepared, ranks.device)
    auto = options.batch_tokens == "auto"
    if auto and (place is None or begun(run)):
        found = settle(run, options, lambda: probe, ranks, begun(run))
        options = found.over(options) if found else options
    if place is None:
        return options, None
    rows = rows_of(options.effective_tokens, options.accumulate, ranks.world, probe.longest)
    fit: Fit = probe.fit(rows, place.limit)
    if auto and not begun(run):
        batches: Batches = cut(options, probe, fit, ranks)
        options = batches.over(options)
        rows = rows_of(options.effective_tokens, options.accumulate, ranks.world, probe.longest)
    process = status("VmRSS") if ranks.device.type == "cpu" else 0
    return options, Memory(fit.bytes(rows), process, place.free, rows <= fit.rows)


def _pace(recipe: Recipe, options: TrainingOptions, prepared: Prepared, ranks: Ranks) -> Pace:
    """Train for some seconds, and translate for some, a model that nobody will use."""
    torch.manual_seed(options.seed)
    model = Transformer(recipe.model, *map(len, prepared.vocabularies))
    rehearsal = Rehearsal(model, options, pick_precision(options.precision, ranks.device), ranks)
    with closing(updates_of(prepared, options, ranks)) as updates:
        paced: Paced = rehearsal.time(updates, SECONDS)
    tokens = float(ranks.sum(torch.tensor([paced.lengths.target], dtype=torch.float64, device=ranks.device)))
    speed = tokens / paced.seconds
    validation = _validation(recipe, prepared, speed / ranks.world, ranks.device) if ranks.first else 0.0
    return Pace(speed, paced.seconds / paced.updates, validation, rehearsal.checkpoint_bytes())


def _validation(recipe: Recipe, prepared: Prepared, speed: float, device: torch.device) -> float:
    """The seconds of one validation: the loss is a forward pass, and translations have the length of the references."""
    options = recipe.training.validation
    questions = questions_of(prepared, recipe.decoding, references=True)
    seconds = sum(question.limit + 1 for question in questions) / speed / (1 + BACKWARD)
    if options.metrics == ("loss",):
        return seconds
    one, other = prepared.vocabularies
    specials = Specials.of(other, recipe.decoding.unknown)
    asked = one.eos, one.pad, specials, options.strategy, recipe.decoding.batch_tokens, SECONDS
    model = Transformer(recipe.model, *map(len, prepared.vocabularies)).eval()
    model.to(place_for(model, device))  # whole, on this rank alone
    found = time_search(model, questions[: options.lines], *asked)
    return seconds + found.seconds / len(found.source_lengths) * len(questions[: options.lines])


def _time(options: TrainingOptions, epoch: Epoch, pace: Pace, done: int) -> str:
    """When training ends, by whichever limit comes first."""
    an_epoch = math.ceil(epoch.batches / options.accumulate)
    limits = [
        options.updates,
        options.epochs and options.epochs * an_epoch,
        options.tokens and math.ceil(options.tokens / epoch.target * an_epoch),
    ]
    ends = [limit for limit in limits if limit]
    an_update = pace.update_seconds + pace.validation_seconds / options.validation.every
    if not ends:
        stop = f"at most {clock(options.time)}" if options.time else "until early_stop ends it"
        return f"{stop}; {clock(an_update * an_epoch)} an epoch"
    updates = max(0, min(ends) - done)
    seconds = updates * an_update
    if options.time and options.time < seconds:
        return f"{clock(options.time)}, which end it after about {done + int(options.time / an_update):,} updates"
    most = "at most " if options.early_stop else ""
    after = f" after the {done:,} that are done" if done else ""
    return (
        f"{most}{clock(seconds)} for {updates:,} updates{after}, {updates / an_epoch:.1f} epochs, with validations; "
        f"{clock(an_update * an_epoch)} an epoch"
    )


def _told(memory: Memory | None, options: TrainingOptions) -> str:
    if options.sharding == "full":
        return "not tried out with sharding: full, where each rank has its part of the model"
    if memory is None:
        return "not known on this system"
    whole = f"{_size(memory.update + memory.process)} at the most, {_size(memory.free)} free now"
    return whole if memory.fits else f"{whole}: TOO LITTLE: wanted batch_tokens: auto, or smaller batches"


def _disk(options: TrainingOptions, size: int, run: Path) -> str:
    """Checkpoints that are kept, one more while it is written; the final model comes on top."""
    count = options.checkpoint.keep_last + options.checkpoint.keep_best + 1
    free = shutil.disk_usage(run).free
    short = ": TOO LITTLE" if size * count > free else ""
    return f"{_size(size * count)}: {count} checkpoints of {_size(size)} at the most; {_size(free)} free{short}"


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
