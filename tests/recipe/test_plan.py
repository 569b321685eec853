"""A plan says what training will take, and changes nothing that training does."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

import nmtk.recipe.plan as module
from nmtk.bundle import checkpoints_in
from nmtk.recipe.recipe import load
from nmtk.training.probe import Fit, Probe
from tests.training.conftest import Train, recipe, train

__all__ = ["recipe", "train"]

FACTS = ["parameters", "device", "update", "epoch", "padding", "speed", "time", "memory", "disk"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)
    monkeypatch.setattr(Probe, "fit", lambda probe, wanted, limit: Fit(wanted, ((1, 10 << 20), (2, 11 << 20))))


@pytest.fixture
def plan(train: Train) -> Callable[..., dict[str, str]]:
    """The facts of `nmtk train --plan`, by name."""

    def run(name: str, *settings: str) -> dict[str, str]:
        ended = train(name, "--plan", *settings)
        assert ended.returncode == 0, ended.stderr
        return dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())

    return run


Plan = Callable[..., dict[str, str]]


def test_it_says_all_that_was_asked_for_and_stops(plan: Plan, tmp_path: Path) -> None:
    facts = plan("run")
    assert list(facts) == FACTS
    assert re.fullmatch(r"[\d,]+ target tokens/s, \S+ s an update, \S+ s a validation", facts["speed"])
    assert re.match(r"0:\d\d:\d\d for 12 updates, [\d.]+ epochs, with validations; ", facts["time"])
    assert re.fullmatch(r"[\d.]+ [MG]iB at the most, [\d.]+ [MG]iB free now", facts["memory"])
    assert not checkpoints_in(tmp_path / "run")
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_a_trained_run_stays_as_it_is(plan: Plan, train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    known = [tmp_path / "run" / name for name in ("recipe.yaml", "run.yaml")]
    before = [path.read_bytes() for path in known]
    facts = plan("run", "training.updates=900", "decoding.strategy={kind: beam, width: 7}")
    assert " for 888 updates after the 12 that are done, " in facts["time"]
    assert [path.read_bytes() for path in known] == before


def test_its_figures_are_those_of_training(plan: Plan, train: Train, tmp_path: Path) -> None:
    facts = plan("run", "training.epochs=1", "training.updates=null", "training.sampling=null")
    done = train("run", "training.epochs=1", "training.updates=null", "training.sampling=null")
    updates = max(checkpoints_in(tmp_path / "run"))
    assert f"stopped after {updates} updates" in done.stderr
    assert facts["epoch"].endswith(f" {updates} updates")
    assert f"model: {facts['parameters']} parameters" in done.stderr
    checkpoint = checkpoints_in(tmp_path / "run")[updates]
    size = sum((checkpoint / name).stat().st_size for name in ("model.safetensors", "training.safetensors"))
    planned = re.search(r"checkpoints of ([\d.]+) MiB", facts["disk"])
    assert planned
    assert abs(float(planned[1]) - size / 2**20) <= 0.5 + 0.01 * size / 2**20


def test_training_after_a_plan_is_training_without_one(plan: Plan, train: Train, tmp_path: Path) -> None:
    plan("planned")
    before = (tmp_path / "planned" / "data" / "corpus1" / "source.ids").stat().st_mtime_ns
    for run in ("planned", "straight"):
        assert train(run).returncode == 0
    assert (tmp_path / "planned" / "data" / "corpus1" / "source.ids").stat().st_mtime_ns == before, "packed once"
    one, other = (
        load_file(checkpoints_in(tmp_path / run)[12] / "training.safetensors") for run in ("planned", "straight")
    )
    assert all(one[name].equal(other[name]) for name in one)


def test_after_a_plan_everything_may_still_change(plan: Plan, train: Train, recipe: Path, tmp_path: Path) -> None:
    plan("changed")
    settings = ["vocabulary.size=290", "model.dropout=0.1", "training.batch_tokens=128", "data.filters.longest=30"]
    with (recipe / "train.en").open("a") as one, (recipe / "train.de").open("a") as other:
        one.write("alpha beta\n")
        other.write("beta alpha\n")
    for run in ("changed", "straight"):
        ended = train(run, *settings)
        assert ended.returncode == 0, ended.stderr
    one_end, other_end = (checkpoints_in(tmp_path / run)[12] for run in ("changed", "straight"))
    assert (one_end / "vocabulary.model").read_bytes() == (other_end / "vocabulary.model").read_bytes()
    weights, others = (load_file(end / "model.safetensors") for end in (one_end, other_end))
    assert all(weights[name].equal(others[name]) for name in others)
    again = train("changed", "model.dropout=0.2", *settings[2:])
    assert again.returncode == 1, "but not once something was trained"


def test_of_a_run_that_has_begun_it_tells_what_is_left(plan: Plan, train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    facts = plan("run", "training.updates=20")
    assert "for 8 updates after the 12 that are done" in facts["time"]
    assert max(checkpoints_in(tmp_path / "run")) == 12


@pytest.mark.parametrize(
    ("settings", "time"),
    [
        (["training.time=1s", "training.updates=1M"], r"0:00:01, which end it after about [\d,]+ updates"),
        (["training.updates=null", "training.time=60s"], r"at most 0:01:00; \d:\d\d:\d\d an epoch"),
        (["training.updates=null", "training.early_stop={}"], r"until early_stop ends it; \d:\d\d:\d\d an epoch"),
        (["training.early_stop={}"], r"at most 0:\d\d:\d\d for 12 updates.*"),
        (["training.updates=null", "training.tokens=1k", "training.accumulate=2"], r"0:\d\d:\d\d for \d updates.*"),
    ],
)
def test_the_end_is_the_limit_that_comes_first(plan: Plan, settings: list[str], time: str) -> None:
    assert re.fullmatch(time, plan("run", *settings)["time"])


def test_too_little_memory_is_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "fit", lambda probe, wanted, limit: Fit(1, ((1, 10 << 30), (2, 11 << 30))))
    assert "TOO LITTLE: wanted batch_tokens: auto" in plan("run")["memory"]
    auto = plan("run", "training.batch_tokens=auto")
    assert "TOO LITTLE" not in auto["memory"]
    assert re.fullmatch(r"at most 256 tokens of a side in \d+ batches", auto["update"])


def test_memory_that_is_not_known_is_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "room", lambda device: None)
    assert plan("run")["memory"] == "not known on this system"


def test_memory_of_shards_is_not_tried_out(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "fit", lambda *_: pytest.fail("it put the whole model on one device"))
    assert plan("run", "training.sharding=full")["memory"].startswith("not tried out with sharding: full")


def test_a_plan_deletes_nothing(train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    ended: subprocess.CompletedProcess[str] = train("run", "--plan", "--overwrite")
    assert ended.returncode == 2
    assert checkpoints_in(tmp_path / "run")


def test_padding_is_that_of_the_batches(recipe: Path, tmp_path: Path, plan: Plan) -> None:
    from rich.console import Console

    from nmtk.data.cursor import walk
    from nmtk.recipe.prepare import prepare

    facts = plan("run")
    located = load(recipe)
    mixture = prepare(located, tmp_path / "run", Console(quiet=True)).mixture
    options = located.recipe.training
    padding = positions = 0
    for share in walk(mixture, options.effective_tokens, 1, options.seed):
        padding += sum(batch.padding for batch in share.batches)
        positions += sum(batch.source_BS.numel() + batch.gold_BT.numel() for batch in share.batches)
        if share.epochs >= 1:
            break
    assert facts["padding"] == f"{padding / positions:.1%} of positions"
