"""Sharded ranks do what one process does, and their checkpoints are everybody's."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nmtk.bundle import checkpoints_in
from nmtk.data.cursor import Share
from nmtk.errors import OptionsError
from nmtk.training import memory
from nmtk.training.distributed import part
from nmtk.training.options import TrainingOptions
from nmtk.training.trainer import Trainer
from tests.conftest import Ended
from tests.training.conftest import Train
from tests.training.launch import launch

SETTINGS = ["model.dropout=0", "training.ema=0.9", "training.checkpoint.every=3"]
SETTINGS += ["training.optimiser.epsilon=0.01"]  # Adam blows up what is noise where a gradient is nothing
SHARDED = "training.sharding=full"


def assert_near(one: Path, other: Path, update: int) -> None:
    for file in ("model.safetensors", "training.safetensors"):
        wanted, found = load_file(checkpoints_in(one)[update] / file), load_file(checkpoints_in(other)[update] / file)
        assert wanted.keys() == found.keys()
        for name in wanted:
            assert wanted[name].shape == found[name].shape, name
            assert (wanted[name] - found[name]).abs().max() < 2e-5, name


def assert_parts(rank: int) -> None:
    """Let a rank fail that holds more than its part of weights, moments and averages."""
    update = Trainer._update

    def checked(trainer: Trainer, share: Share) -> None:
        update(trainer, share)
        updater = trainer.updater
        moments = [value for state in updater.optimiser.state.values() for value in state.values() if value.ndim]
        for held in (updater.parameters, moments, trainer.average.average if trainer.average else []):
            mine, all_of_it = sum(part(tensor).numel() for tensor in held), sum(tensor.numel() for tensor in held)
            assert mine < 0.6 * all_of_it, f"{mine} of {all_of_it}"

    Trainer._update = checked  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "settings",
    [
        ["training.accumulate=2"],
        ["model.tying=none", "training.optimiser.kind=adamw", "training.clip_norm=0"],
        ["model.tying=decoder", "model.norm=rms", "model.width=10", "model.inner=15"],  # no even parts
    ],
    ids=["accumulate", "untied", "uneven"],
)
def test_sharded_ranks_train_as_one(train: Train, recipe: Path, tmp_path: Path, settings: list[str]) -> None:
    settings = [*SETTINGS, "training.updates=3", *settings]
    alone = train("alone", *settings)
    assert alone.returncode == 0, alone.stderr
    arguments = ("train", recipe, "-o", tmp_path / "both", SHARDED, *settings)
    launch(tmp_path / "told", *arguments, patch=assert_parts)
    assert_near(tmp_path / "alone", tmp_path / "both", 3)


@pytest.mark.parametrize(
    "order",
    [(SHARDED, "alone"), ("alone", SHARDED), pytest.param((SHARDED, "training.sharding=none"), marks=pytest.mark.slow)],
)
def test_a_checkpoint_is_read_by_any_number_of_ranks(
    train: Train, nmtk: Callable[..., Ended], recipe: Path, tmp_path: Path, order: tuple[str, str]
) -> None:
    assert train("straight", *SETTINGS, "training.updates=6").returncode == 0
    for setting, updates in zip(order, ("training.updates=3", "training.updates=6"), strict=True):
        if setting == "alone":
            assert train("broken", *SETTINGS, updates).returncode == 0
        else:
            launch(tmp_path / "told", "train", recipe, "-o", tmp_path / "broken", *SETTINGS, updates, setting)
    assert_near(tmp_path / "straight", tmp_path / "broken", 6)
    translated = nmtk("translate", "-m", checkpoints_in(tmp_path / "broken")[6], stdin="alpha beta\n")
    assert translated.code == 0, translated.err
    assert translated.out.count("\n") == 1


def test_adafactor_cannot_be_sharded() -> None:
    document = {"updates": 9, "sharding": "full", "optimiser": "adafactor"}
    with pytest.raises(OptionsError, match=r"sharding full: .* wanted optimiser adam or adamw"):
        TrainingOptions.parse(document, "test")


def test_batches_cannot_be_tried_out_in_shards() -> None:
    with pytest.raises(OptionsError, match=r"sharding full: batch_tokens auto .* wanted a number of batch_tokens"):
        TrainingOptions.parse({"updates": 9, "sharding": "full", "batch_tokens": "auto"}, "test")


@pytest.mark.parametrize(("free", "place"), [(None, "meta"), (800, "meta"), (799, "cpu"), (0, "cpu")])
def test_a_whole_copy_is_where_it_has_room(monkeypatch: pytest.MonkeyPatch, free: int | None, place: str) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: free)
    whole = torch.nn.Linear(10, 10, bias=False)  # of 400 bytes
    assert memory.place_for(whole, torch.device("meta")) == torch.device(place)
