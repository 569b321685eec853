"""Averaging: the mean of checkpoints, and nothing lost for it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nmtk.bundle import checkpoints_in
from nmtk.errors import ModelError
from nmtk.training.averaging import average_run
from tests.training.conftest import Train


def test_the_mean_is_that_of_the_weights(train: Train, tmp_path: Path) -> None:
    run, output = tmp_path / "run", tmp_path / "mean"
    assert train("run").returncode == 0
    for again in range(2):  # a model folder is replaced
        assert (
            average_run(run, output, last=2 + again, best=None, metric="loss")
            == sorted(checkpoints_in(run))[-2 - again :]
        )
    one, two, three = (load_file(folder / "model.safetensors") for folder in list(checkpoints_in(run).values())[-3:])
    for name, found in load_file(output / "model.safetensors").items():
        torch.testing.assert_close(found, (one[name] + two[name] + three[name]) / 3)


def test_only_a_model_folder_is_replaced(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    assert train("run").returncode == 0
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("dear")
    monkeypatch.chdir(tmp_path / "own")
    before = sorted(tmp_path.rglob("*"))
    for output in (run, run / "checkpoints", checkpoints_in(run)[12], tmp_path / "own", Path(), Path("..")):
        with pytest.raises(ModelError, match="holds more than a model"):
            average_run(run, output, last=1, best=None, metric="loss")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_run_or_has_too_few_checkpoints_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"^{tmp_path / 'run'}: no such run$"):
        average_run(tmp_path / "run", tmp_path / "mean", last=1, best=None, metric="loss")
    with pytest.raises(ModelError, match=f"^{tmp_path}: has 0 checkpoints, wanted 2$"):
        average_run(tmp_path, tmp_path / "mean", last=2, best=None, metric="loss")
    assert not list(tmp_path.iterdir())
