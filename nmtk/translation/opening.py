"""Opening: the translator of a job, and the crew that works for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import torch

from nmtk.allocator import keep_memory
from nmtk.decoding.crew import PRIMITIVES, Crew, Processes, Worker
from nmtk.decoding.ensemble import load_models
from nmtk.decoding.loaded import Loaded
from nmtk.decoding.options import DecodingOptions
from nmtk.decoding.translator import Translator
from nmtk.devices import pick_precision
from nmtk.processes import cores, ended_in_order, local_size
from nmtk.translation.job import Job, Machine
from nmtk.translation.shards import own_device

MOST_WORKERS = 16
"""Processes that are started unless more are asked for: each holds the model."""


def open_translator(job: Job) -> Translator:
    """The models of a job, with what it asks for. Raises ModelError and OptionsError."""
    bundle = load(job.models, job.weights, job.machine)
    own = DecodingOptions.parse(bundle.decoding, "the model's decoding options")
    options = DecodingOptions.parse(job.wishes.over(own.document()), "the command line's decoding options")
    return Translator(bundle, options)


def open_crew(job: Job, translator: Translator, buffer: int) -> AbstractContextManager[Crew | None]:
    """Who is to work for the translator, and sets how many threads this process has; None: it works alone."""
    machine, place = job.machine, translator.device
    workers = _workers(machine, place) if buffer > 1 else 1
    threads = 1 if workers > 1 else machine.threads or 1  # the steps of a search are too small for threads to share
    if place.type == "cpu":
        torch.set_num_threads(threads)
    if machine.engine:
        return machine.engine.crew(translator, workers, threads)
    if workers == 1:
        return nullcontext()
    return _processes(partial(_open_worker, job.models, job.weights, machine, translator.options), workers)


@contextmanager
def _processes(open_worker: Callable[[], Worker], size: int) -> Iterator[Crew]:
    with ended_in_order(), Processes(open_worker, size) as crew:
        yield crew


def load(models: Sequence[Path], weights: Sequence[float] | None, machine: Machine) -> Loaded:
    """A model, or an ensemble of several, as the machine is to compute with it. Raises ModelError."""
    keep_memory(PRIMITIVES)
    place = own_device(machine.device)
    kind = pick_precision(machine.precision, place, exact=True)
    return load_models(models, weights, place, kind, packed=machine.engine is None)  # an engine wants the weights


def _workers(machine: Machine, device: torch.device) -> int:
    """How many processes share the work: on a CPU one for each core of its own, or as many as were asked for."""
    if device.type != "cpu":
        return 1
    return machine.threads or max(1, min(cores() // local_size(), MOST_WORKERS))


def _open_worker(
    models: Sequence[Path], weights: Sequence[float] | None, machine: Machine, options: DecodingOptions
) -> Worker:
    return Translator(load(models, weights, machine), options).decide
