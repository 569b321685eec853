from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nmtk.training.checkpoints import _optimiser_tensors, _restore_optimiser
from nmtk.training.optimisers import AdamW, Optimiser

KINDS = get_args(get_args(Optimiser)[0])


def problem() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(6, 3)


def descend(model: nn.Linear, optimiser: torch.optim.Optimizer, steps: int) -> float:
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        loss = (model(x) - x[:, :3]).square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return loss.item()


@pytest.mark.parametrize("kind", KINDS)
def test_learns(kind: type) -> None:
    model = problem()
    optimiser = kind(rate=0.05).build(model.parameters())
    assert descend(model, optimiser, 300) < 0.1 * descend(problem(), kind(rate=0.05).build(problem().parameters()), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_its_state_survives_a_file(kind: type, tmp_path: Path) -> None:
    straight, broken = problem(), problem()
    one, other = kind().build(straight.parameters()), kind().build(broken.parameters())
    descend(straight, one, 5)
    descend(broken, other, 3)
    save_file(_optimiser_tensors(other), tmp_path / "state")
    again = kind().build(broken.parameters())
    _restore_optimiser(again, load_file(tmp_path / "state").items())
    descend(broken, again, 2)
    for a, b in zip(straight.parameters(), broken.parameters(), strict=True):
        assert a.equal(b)


def test_adam_has_the_papers_settings() -> None:
    (group,) = KINDS[0]().build(problem().parameters()).param_groups
    assert (group["betas"], group["eps"]) == ((0.9, 0.98), 1e-9)


def test_weight_decay_spares_biases() -> None:
    decayed, spared = AdamW(weight_decay=0.1).build(problem().parameters()).param_groups
    assert [p.ndim for p in decayed["params"]] == [2]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
