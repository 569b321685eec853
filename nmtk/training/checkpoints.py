"""Checkpoints: model folders that also hold all it takes to go on exactly where training stood.

    checkpoints/00000600/
        model.safetensors, options.yaml, vocabulary.model, card.yaml     as in every model folder (see bundle.py)
        training.safetensors    the optimiser's state; with a moving average, the live weights too
        state.json              update, cursor, tokens, seconds, validations so far, sums since the last log line
        validation.json         the measures of this checkpoint, once it was validated

A checkpoint appears whole or not at all. It knows nothing of ranks: rank 0 writes and reads it, and what is sharded is
gathered and spread one tensor at a time. Random numbers need no saving: every update seeds its own from
(seed, update, rank).
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from nmtk.bundle import CARD, CHECKPOINTS, WEIGHTS, Bundle, checkpoints_in, read_tensors, read_weights, write_tensors
from nmtk.data.cursor import Cursor
from nmtk.documents import Document, read_yaml
from nmtk.errors import ModelError, OptionsError
from nmtk.files import atomic_folder, write_text
from nmtk.training.distributed import Ranks, like
from nmtk.training.moving_average import MovingAverage
from nmtk.training.options import TrainingOptions
from nmtk.training.stopping import Validated, is_due

TRAINING, STATE, VALIDATION = "training.safetensors", "state.json", "validation.json"


@dataclass
class State:
    """Where training stands, but for weights and optimiser."""

    update: int = 0
    cursor: Cursor = field(default_factory=Cursor)
    epochs: float = 0.0
    tokens: int = 0
    seconds: float = 0.0
    history: list[Validated] = field(default_factory=list)
    window: dict[str, float] = field(default_factory=dict)
    """Sums since the last log line, so that the next line says the same after a resume."""
    due: bool | None = None
    """Whether it was saved because it was due, and not only because training ended there; None: it does not say."""


_STATE, _VALIDATED = TypeAdapter(State), TypeAdapter(Validated)


def folder_of(run: Path, update: int) -> Path:
    """The folder of an update's checkpoint; names sort as numbers do."""
    return run / CHECKPOINTS / f"{update:08d}"


def due(run: Path, options: TrainingOptions) -> list[int]:
    """Of the saved updates, those that were due: by the options of then, which may have changed since."""
    return [update for update, folder in checkpoints_in(run).items() if _was_due(folder, is_due(options, update))]


def _was_due(folder: Path, otherwise: bool) -> bool:
    try:
        told = _STATE.validate_json((folder / STATE).read_bytes()).due
    except (OSError, ValueError):  # it is told where training goes on from it
        told = None
    return otherwise if told is None else told


def save(
    run: Path,
    bundle: Bundle,
    optimiser: torch.optim.Optimizer,
    state: State,
    average: MovingAverage | None,
    ranks: Ranks,
) -> None:
    """Save everything; all ranks take part. Raises NmtkError when the disk is full; older checkpoints stay."""
    live = dict(bundle.model.named_parameters())
    training = ranks.gather(_optimiser_tensors(optimiser).items())
    weights = ranks.gather(live.items())
    if average:
        training |= {f"live.{name}": value for name, value in weights.items()}
        weights = ranks.gather(zip(live, average.average, strict=True))
    if not ranks.first:
        return
    with atomic_folder(folder_of(run, state.update)) as beside:
        bundle.write(beside, weights)
        write_tensors(beside / TRAINING, training)
        (beside / STATE).write_text(json.dumps(asdict(state)), "utf-8")


def load(
    folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, average: MovingAverage | None, ranks: Ranks
) -> State:
    """Restore everything from a checkpoint, which only rank 0 need have.

    Raises ModelError when a file is missing, cut short, or of another model; the message says how to go on without.
    """
    read = _read(folder, model, optimiser, average is not None) if ranks.first else _Read(State(), {}, {}, {})
    live = dict(model.named_parameters())
    averages = dict(zip(live, average.average, strict=True)) if average else {}
    with torch.no_grad():
        for held, tensors in ((live, read.live), (averages, read.averages)):
            for name, value in ranks.spread(tensors):
                held[name].copy_(like(value, held[name]))
    _restore_optimiser(optimiser, ranks.spread(read.optimiser))
    return ranks.tell(read.state)


class _Read(NamedTuple):
    """What the files of a checkpoint hold."""

    state: State
    live: dict[str, Tensor]
    averages: dict[str, Tensor]
    optimiser: dict[str, Tensor]


def _read(folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, averaged: bool) -> _Read:
    try:
        state = _read_state(folder)
        weights, training = read_weights(model, folder / WEIGHTS), read_tensors(folder / TRAINING)
        live = {name: training.pop(f"live.{name}") for name in weights} if averaged else weights
        if strange := [key for key in training if not key.partition(".")[0].isdecimal()]:
            raise ModelError(f"{folder / TRAINING}: found {strange[0]}, wanted an optimiser's state")
        _check_shapes(folder / TRAINING, model, optimiser, live, training)
        return _Read(state, live, weights if averaged else {}, training)
    except (ModelError, KeyError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{reason}: {_without(folder)}") from None


def _check_shapes(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, live: dict[str, Tensor], state: dict[str, Tensor]
) -> None:
    """Raise ModelError for weights or an optimiser's state that are not of this model's parameters."""
    named, numbered = dict(model.named_parameters()), _parameters(optimiser)
    name_of = {id(parameter): name for name, parameter in named.items()}
    wanted = [(f"weight {name}", value, tuple(named[name].shape)) for name, value in live.items()]
    for key, value in state.items():
        number, name = key.split(".", 1)
        if int(number) >= len(numbered):
            found = f"found {name} of parameter {int(number) + 1:,}, wanted {len(numbered):,} parameters"
            raise ModelError(f"{path}: {found}: the file is of another model")
        parameter = numbered[int(number)]
        wanted.append((f"{name} of {name_of[id(parameter)]}", value, _shape_of(name, tuple(parameter.shape))))
    for name, value, shape in wanted:
        if tuple(value.shape) != shape:
            raise ModelError(
                f"{path}: {name}: found {tuple(value.shape)}, wanted {shape}: the file is of another model"
            )


def _shape_of(name: str, parameter: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what is kept by a name for a parameter of this shape; `row_var` and `col_var` are Adafactor's."""
    match name:
        case "step":
            return ()
        case "row_var":
            return (*parameter[:-1], 1)
        case "col_var":
            return (*parameter[:-2], 1, parameter[-1])
        case _:
            return parameter


def _without(folder: Path) -> str:
    return f"delete {folder} to go on from the checkpoint before it"


def check_data(folder: Path, card: Document) -> None:
    """Raise ModelError when a checkpoint was trained on other data than a model with this card is."""
    try:
        known = read_yaml(folder / CARD)
    except OptionsError as error:
        raise ModelError(f"{error}: {_without(folder)}") from None
    if other := [key for key in ("vocabulary", "corpora") if known.get(key) != card.get(key)]:
        raise ModelError(
            f"{folder}: trained on other {' and '.join(other)} than the run has now: "
            "put back the text of then, or use --overwrite to start over"
        )


def write_validation(folder: Path, validated: Validated) -> None:
    """Put an update's measures beside its checkpoint."""
    write_text(folder / VALIDATION, json.dumps(validated._asdict()))


def read_validation(folder: Path) -> Validated | None:
    """The measures of a checkpoint, if it was validated."""
    try:
        return _VALIDATED.validate_json((folder / VALIDATION).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        raise ModelError(f"{folder / VALIDATION}: cut short or damaged") from None


def prune(run: Path, keep: Iterable[int]) -> None:
    """Delete all checkpoints but these."""
    kept = set(keep)
    for update, folder in checkpoints_in(run).items():
        if update not in kept:
            gone = folder.with_name(f".{folder.name}.gone")  # first out of sight, so that no half of it is ever found
            folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def clear_remains(run: Path) -> None:
    """Delete what a killed process left half done."""
    for remains in (run / CHECKPOINTS).glob(".*"):
        shutil.rmtree(remains, ignore_errors=True)


def _read_state(folder: Path) -> State:
    try:
        state = _STATE.validate_json((folder / STATE).read_bytes())
        if state.update != int(folder.name):
            raise ValueError
    except FileNotFoundError:
        raise ModelError(f"{folder / STATE}: no such file") from None
    except ValueError:
        raise ModelError(f"{folder / STATE}: cut short or damaged") from None
    if validated := read_validation(folder):
        state.history.append(validated)
    return state


def _optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors: `number.name`, parameters numbered as the optimiser does."""
    state = optimiser.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value)
        for number, values in state.items()
        for name, value in values.items()
        if value is not None
    }


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The parameters, in the order in which the optimiser numbers them."""
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Iterable[tuple[str, Tensor]]) -> None:
    parameters = _parameters(optimiser)
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors:
        number, name = key.split(".", 1)
        parameter = parameters[int(number)]
        kept = like(value, parameter) if value.shape == parameter.shape else value
        state.setdefault(int(number), {})[name] = kept if kept.ndim else kept.cpu()  # counters stay in main memory
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
