"""Averaging checkpoints: their mean translates better than any of them (Vaswani et al. 2017, section 6.1)."""

from collections.abc import Sequence
from pathlib import Path

import torch

from nmtk.bundle import FILES, WEIGHTS, Bundle, checkpoints_in, read_tensors
from nmtk.errors import ModelError
from nmtk.training import checkpoints
from nmtk.training.options import Metric
from nmtk.training.stopping import best as best_updates


def average_bundles(folders: Sequence[Path]) -> Bundle:
    """The model whose weights are the mean of those in the folders (Vaswani et al. 2017, section 6.1).

    Raises ModelError when one does not fit the others; nothing is read twice.
    """
    bundle = Bundle.load(folders[0])
    total = {name: value.detach().double() for name, value in bundle.model.named_parameters()}
    for folder in folders[1:]:
        found = read_tensors(folder / WEIGHTS)
        if {n: v.shape for n, v in found.items()} != {n: v.shape for n, v in total.items()}:
            raise ModelError(f"{folder / WEIGHTS}: its weights are not those of {folders[0] / WEIGHTS}")
        for name, value in found.items():
            total[name] += value.double()
    with torch.no_grad():
        for name, parameter in bundle.model.named_parameters():
            parameter.copy_(total[name] / len(folders))
    return bundle


def average_run(run: Path, output: Path, last: int | None, best: int | None, metric: Metric) -> list[int]:
    """Write the mean of a run's newest `last`, or of its `best` validated checkpoints, as a model folder.

    Returns their updates. Raises ModelError when the run has not so many, or when `output` holds more than a model.
    """
    if not run.is_dir():
        raise ModelError(f"{run}: no such run")
    _check_replaceable(output)
    saved = checkpoints_in(run)
    if best is None:
        chosen = sorted(saved)[-(last or 1) :]
    else:
        history = [v for v in map(checkpoints.read_validation, saved.values()) if v]
        history = [v for v in history if metric in v.scores]
        chosen = sorted(best_updates(history, metric, best))
    if len(chosen) < (wanted := best or last or 1):
        kind = "validated checkpoints" if best else "checkpoints"
        raise ModelError(f"{run}: has {len(chosen)} {kind}, wanted {wanted}")
    average_bundles([saved[update] for update in chosen]).save(output)
    return chosen


def _check_replaceable(output: Path) -> None:
    """Only a model folder is ever replaced: a run, a checkpoint or a folder of something else stays as it is."""
    if output.is_dir() and (output.name in ("", "..") or not {file.name for file in output.iterdir()} <= FILES):
        raise ModelError(f"{output}: holds more than a model: wanted a new folder, or that of a model to replace")
