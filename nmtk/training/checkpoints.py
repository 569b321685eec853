"""Checkpoints: model folders that also hold all it takes to go on exactly where training stood.

    checkpoints/0000600/
        model.safetensors, options.yaml, vocabulary.model, card.yaml     as in every model folder (see bundle.py)
        training.safetensors    the optimiser's state; with a moving average, the live weights too
        state.json              update, cursor, tokens, seconds, validations so far, sums since the last log line
        validation.json         the measures of this checkpoint, once it was validated

A checkpoint appears whole or not at all. Random numbers need no saving: every update seeds its own from
(seed, update, rank).
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from nmtk.bundle import CARD, CHECKPOINTS, WEIGHTS, Bundle, load_weights, read_tensors, weights, write_tensors
from nmtk.data.cursor import Cursor
from nmtk.errors import ModelError
from nmtk.files import atomic_folder, write_text
from nmtk.options import Document, read_yaml
from nmtk.training.moving_average import MovingAverage
from nmtk.training.stopping import Validated

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


def folder_of(run: Path, update: int) -> Path:
    """The folder of an update's checkpoint; names sort as numbers do."""
    return run / CHECKPOINTS / f"{update:08d}"


def saved(run: Path) -> dict[int, Path]:
    """The checkpoints of a run by update, oldest first."""
    folders = (path for path in (run / CHECKPOINTS).glob("*") if path.name.isdecimal() and path.is_dir())
    return {int(path.name): path for path in sorted(folders)}


def save(
    run: Path, bundle: Bundle, optimiser: torch.optim.Optimizer, state: State, average: MovingAverage | None
) -> Path:
    """Save everything. Raises NmtkError when the disk is full; older checkpoints stay as they are."""
    folder = folder_of(run, state.update)
    with atomic_folder(folder) as beside:
        tensors = _optimiser_tensors(optimiser)
        if average:
            tensors |= {f"live.{name}": value.clone() for name, value in weights(bundle.model).items()}
            average.swap()
        try:
            bundle.write(beside)
        finally:
            if average:
                average.swap()
        write_tensors(beside / TRAINING, tensors)
        (beside / STATE).write_text(json.dumps(asdict(state)), "utf-8")
    return folder


def load(folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, average: MovingAverage | None) -> State:
    """Restore everything from a checkpoint.

    Raises ModelError when a file is missing, cut short, or of another model; the message says how to go on without.
    """
    try:
        state = _read_state(folder)
        tensors = read_tensors(folder / TRAINING)
        load_weights(model, folder / WEIGHTS)
        if average:
            average.swap()
            with torch.no_grad():
                for name, value in model.named_parameters():
                    value.copy_(tensors.pop(f"live.{name}"))
        _restore_optimiser(optimiser, tensors)
    except (ModelError, KeyError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{reason}: delete {folder} to go on from the checkpoint before it") from None
    return state


def check_data(folder: Path, card: Document) -> None:
    """Raise ModelError when a checkpoint was trained on other data than a model with this card is."""
    known = read_yaml(folder / CARD)
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
        return Validated(**json.loads((folder / VALIDATION).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise ModelError(f"{folder / VALIDATION}: cut short or damaged: delete it to have it measured again") from None


def prune(run: Path, keep: Iterable[int]) -> None:
    """Delete all checkpoints but these."""
    kept = set(keep)
    for update, folder in saved(run).items():
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
        document = json.loads((folder / STATE).read_text("utf-8"))
        document["cursor"] = Cursor(*document["cursor"])
        document["history"] = [Validated(*validated) for validated in document["history"]]
        state = State(**document)
    except FileNotFoundError:
        raise ModelError(f"{folder / STATE}: no such file") from None
    except (ValueError, TypeError, KeyError):
        raise ModelError(f"{folder / STATE}: cut short or damaged") from None
    if validated := read_validation(folder):
        state.history.append(validated)
    return state


def _optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors: `number.name`, parameters numbered as the optimiser does."""
    state = optimiser.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value).detach().cpu().clone()
        for number, values in state.items()
        for name, value in values.items()
        if value is not None
    }


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
