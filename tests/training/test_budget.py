"""`batch_tokens: auto` keeps the update, and its batches fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from nmtk.bundle import checkpoints_in
from nmtk.data.cursor import deal
from nmtk.data.plan import plan_batches
from nmtk.documents import read_yaml
from nmtk.errors import OptionsError
from nmtk.recipe.recipe import load
from nmtk.training.budget import FILE, fewest_batches, rows_of
from nmtk.training.options import UPDATE_TOKENS, TrainingOptions
from nmtk.training.probe import Fit, Probe
from tests.training.conftest import Train

AUTO = "training.batch_tokens=auto"


def parse(**settings: Any) -> TrainingOptions:
    return TrainingOptions.parse({"updates": 1} | settings, "test")


@pytest.mark.parametrize("tokens", [100, 1000, 4096])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize("rows", [1, 3, 20])
def test_no_rank_gets_more_of_a_batch_than_fits(tokens: int, ranks: int, rows: int) -> None:
    longest = 40
    accumulate = fewest_batches(tokens, 1, ranks, longest, rows)
    lengths = np.full(500, longest, dtype=np.int32)
    plan = plan_batches(lengths, lengths, max(1, tokens // accumulate), np.random.default_rng(1))
    batches = [plan.batch(number) for number in range(min(accumulate, len(plan)))]
    parts = [part for rank in range(ranks) for part in deal(batches, rank, ranks)]
    assert max(map(len, parts)) <= rows
    assert accumulate == 1 or rows_of(tokens, accumulate - 1, ranks, longest) > rows, "fewer would do"


def test_the_size_of_an_update_is_the_recipes_own() -> None:
    assert parse().effective_tokens == UPDATE_TOKENS
    assert parse(batch_tokens="3k").effective_tokens == 3000
    assert parse(batch_tokens="auto").effective_tokens == UPDATE_TOKENS
    assert parse(batch_tokens="auto", update_tokens="25k").effective_tokens == 25_000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_tokens": "many"}, "batch_tokens: found 'many', wanted a whole number above 0, or auto"),
        ({"batch_tokens": 0}, "batch_tokens: found 0, wanted a whole number above 0, or auto"),
        ({"batch_tokens": True}, "batch_tokens: found True, wanted a whole number above 0, or auto"),
        ({"update_tokens": 5}, "update_tokens: an update has batch_tokens, 4096: wanted batch_tokens: auto beside it"),
    ],
)
def test_sizes_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError) as error:
        parse(**settings)
    assert message in str(error.value)


def test_auto_laid_over_a_number_keeps_the_update(recipe: Path) -> None:
    assert load(recipe, [AUTO]).recipe.training.effective_tokens == 256
    assert load(recipe, [AUTO, "training.update_tokens=1k"]).recipe.training.effective_tokens == 1000
    again = load(recipe, [AUTO]).recipe
    assert type(again).parse(again.document(), "again") == again


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Let the probe find room for so many sentences; the list tells what was asked for."""

    def set_room(rows: int) -> list[int]:
        asked: list[int] = []

        def fit(probe: Probe, wanted: int, limit: int) -> Fit:
            asked.append(wanted)
            return Fit(min(rows, wanted), ((1, 1000),) if rows else ())

        monkeypatch.setattr(Probe, "fit", fit)
        return asked

    return set_room


def test_a_run_with_auto_is_the_one_with_those_numbers_and_keeps_them(
    train: Train, tmp_path: Path, room_for: Callable[[int], list[int]]
) -> None:
    asked = room_for(2)
    first = train("auto", AUTO)
    assert first.returncode == 0, first.stderr
    found = read_yaml(tmp_path / "auto" / FILE)
    assert len(asked) == 1
    assert found["update_tokens"] == 256
    assert found["accumulate"] > 1
    assert f"auto: updates of 256 tokens in {found['accumulate']} batches" in first.stderr
    room_for(0)  # on another machine, say
    assert train("auto", AUTO, "training.updates=16").returncode == 0
    assert train("fixed", f"training.accumulate={found['accumulate']}", "training.updates=16").returncode == 0
    one, other = (load_file(checkpoints_in(tmp_path / run)[16] / "training.safetensors") for run in ("auto", "fixed"))
    assert all(one[name].equal(other[name]) for name in one)


def test_batches_that_were_lost_are_not_made_up(
    train: Train, tmp_path: Path, room_for: Callable[[int], list[int]]
) -> None:
    room_for(2)
    assert train("run", AUTO).returncode == 0
    (tmp_path / "run" / FILE).unlink()
    again = train("run", AUTO, "training.updates=20")
    assert again.returncode == 1
    assert (
        f"{tmp_path / 'run' / FILE}: no such file: it holds the batches that this run was trained with" in again.stderr
    )


def test_memory_for_not_even_one_pair_is_told(train: Train, room_for: Callable[[int], list[int]]) -> None:
    room_for(0)
    assert "auto: not even one pair of" in train("run", AUTO).stderr.splitlines()[-1]


def test_memory_that_is_not_known_is_told(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmtk.training.budget.free_memory", lambda device: None)
    assert "how much memory cpu has is not known" in train("run", AUTO).stderr.splitlines()[-1]
