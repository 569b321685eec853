"""A rank that is lost ends all of them soon, and is named."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from nmtk.bundle import checkpoints_in
from nmtk.errors import DataError, TrainingError
from nmtk.training.distributed import Ranks
from nmtk.training.progress import Log
from nmtk.training.verdict import Member, Patience, Report, judge, tellers
from nmtk.training.watch import Progress
from tests.training.conftest import environment
from tests.training.launch import Rank, launch, launched
from tests.training.test_resume import assert_same

SETTINGS = [
    "training.updates=100k",
    "training.log_every=1",
    "training.validation.every=100k",
    "training.checkpoint.every=100k",
]
UPDATE = 5
"""The update in which a rank of these tests goes wrong."""


def member(rank: int, heard: float = 100.0, host: str = "one", **report: object) -> Member:
    given = {"position": (7, 2), "still": 0.1, "limit": 45.0} | report
    return Member(rank, host, 1000 + rank, heard, Report(place="update 7 (forward)", **given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("members", "blamed"),
    [
        ([member(0), member(1)], None),
        ([member(0), member(1, heard=79)], 1),
        ([member(0, still=50), member(1, still=50, position=(7, 1))], 1),
        ([member(0, still=50, exchanges=True), member(1, still=50)], 1),  # sharded ranks exchange within a stage
        ([member(0, still=50, exchanges=True), member(1, still=50, exchanges=True)], -1),
        ([member(0, still=50, position=(7, 9)), member(1, still=50, waits=True)], 0),  # rank 0 validates, for too long
        ([member(0, still=9, position=(7, 9)), member(1, still=5000, waits=True)], None),  # it validates
        ([member(0, still=50), member(1, still=50, limit=600.0)], None),  # rank 1 may take its time
        ([member(0, still=50, waits=True), member(1, still=50, waits=True)], None),  # they have just met
    ],
)
def test_the_one_that_others_wait_for_is_to_blame(members: list[Member], blamed: int | None) -> None:
    verdict = judge(members, 100.0, Patience())
    assert (verdict and verdict.rank) == blamed
    if verdict and blamed != -1:
        assert f"rank {blamed} (host one, pid {1000 + verdict.rank})" in verdict.text
        assert "update 7 (forward)" in verdict.text


def test_one_rank_of_each_machine_speaks_but_not_the_one_to_blame() -> None:
    members = [member(rank, host="one" if rank < 2 else "two") for rank in range(4)]
    verdict = judge([*members[:2], member(2, 0.0, "two"), members[3]], 100.0, Patience())
    assert verdict
    assert tellers(members, verdict) == [0, 3]


def test_a_stage_may_be_as_slow_as_it_was_seen_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    progress = Progress(Patience())
    limits = []
    for update in (1, 2):
        for stage, seconds in (("reading", 30.0), ("forward", 1.0)):
            progress.at(update, stage)
            limits.append(progress.report().limit)
            clock += seconds
    assert limits == [600, 600, 120, 45]
    clock += 7
    assert progress.report().still == 8
    progress.move()
    assert progress.report().still == 0


def test_nobody_can_say_how_long_preparing_takes() -> None:
    progress = Progress(Patience())
    progress.at(0, "preparing", least=math.inf)
    assert progress.report().limit == math.inf
    progress.at(0, "building the model")
    assert progress.report().limit == Patience().first


def test_a_module_that_is_called_is_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = SimpleNamespace(progress=Progress(Patience()))
    ranks = Ranks(0, 2, torch.device("cpu"), watch)  # type: ignore[arg-type]
    called, module = [], torch.nn.Identity()
    monkeypatch.setattr(watch.progress, "move", lambda: called.append(1))
    with ranks.moving():
        module(1)
    assert called
    called.clear()
    module(1)
    assert not called


def test_patience_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMTK_PATIENCE", "long")
    with pytest.raises(TrainingError, match="NMTK_PATIENCE: found long, wanted a number"):
        Patience.of_environment()


# from here on with real processes; all times are a tenth of what they are for users


def misbehave(rank: int, here: int, deed: str) -> None:
    """Make one rank go wrong in the midst of an update, or in a validation."""
    if rank != here:
        return
    exchange = Ranks.exchange

    def deeds(ranks: Ranks, wrapped: torch.nn.Module, last: bool) -> object:
        if ranks.watch and ranks.watch.progress.update == UPDATE:
            if deed == "sleeps":
                time.sleep(1000)
            if deed == "loops":
                while True:
                    pass
            if deed == "raises":
                raise DataError("corpus x: no such row")
            if deed == "fails in torch":
                raise RuntimeError("could not execute a primitive")
            os.kill(os.getpid(), {"stops": signal.SIGSTOP, "dies": signal.SIGKILL}[deed])
        return exchange(ranks, wrapped, last)

    Ranks.exchange = deeds  # type: ignore[method-assign, assignment]


class Deed:
    """`misbehave` for a rank and a deed; a class, as it must be pickled."""

    def __init__(self, here: int, deed: str) -> None:
        self.here, self.deed = here, deed

    def __call__(self, rank: int) -> None:
        misbehave(rank, self.here, self.deed)


@contextmanager
def wrong(recipe: Path, tmp_path: Path, here: int, deed: str) -> Iterator[list[Rank]]:
    arguments = ("train", recipe, "-o", tmp_path / "run", *SETTINGS)
    with launched(tmp_path / "told", *arguments, patience=0.1, patch=Deed(here, deed)) as ranks:
        yield ranks


@pytest.mark.parametrize(
    ("deed", "here"),
    [
        ("dies", 0),
        ("stops", 0),
        ("sleeps", 1),
        pytest.param("dies", 1, marks=pytest.mark.slow),
        pytest.param("stops", 1, marks=pytest.mark.slow),
        pytest.param("sleeps", 0, marks=pytest.mark.slow),
        pytest.param("loops", 0, marks=pytest.mark.slow),
        pytest.param("loops", 1, marks=pytest.mark.slow),
    ],
)
def test_a_lost_rank_is_named_by_the_others(recipe: Path, tmp_path: Path, here: int, deed: str) -> None:
    reason = {
        "dies": f"is gone: it ended without a word in update {UPDATE}",
        "stops": f"has given no sign of life for 2 s in update {UPDATE}",
    }.get(deed, f"no progress: rank {here}")
    with wrong(recipe, tmp_path, here, deed) as ranks:
        other = ranks[1 - here]
        assert other.code() == 1
        told = ranks[0].stderr + ranks[1].stderr
        if deed in ("sleeps", "loops"):  # its own watch ends it, whatever its main thread does
            assert ranks[here].code() == 1
        (line,) = [line for line in told.splitlines() if "error" in line.lower()]
        assert line.startswith("nmtk: error: ")
        assert f"rank {here} (host " in line
        assert f"pid {ranks[here].process.pid})" in line
        assert reason in line
        assert "Traceback" not in told


def test_a_launcher_that_ends_the_others_at_once_does_not_silence_them(recipe: Path, tmp_path: Path) -> None:
    with wrong(recipe, tmp_path, 1, "dies") as ranks:
        ranks[1].process.join()
        while ranks[0].process.is_alive():
            os.kill(ranks[0].process.pid or 0, signal.SIGTERM)
            time.sleep(0.02)
        assert ranks[0].code() == 1
        assert f"pid {ranks[1].process.pid}) is gone: it ended without a word in update {UPDATE}" in ranks[0].stderr


@pytest.mark.parametrize("here", [0, 1])
def test_an_error_of_one_rank_ends_all_with_its_message_alone(recipe: Path, tmp_path: Path, here: int) -> None:
    with wrong(recipe, tmp_path, here, "raises") as ranks:
        assert [rank.code() for rank in ranks] == [1, 1]
        assert "nmtk: error" not in ranks[1 - here].stderr
        line = ranks[here].stderr.splitlines()[-1]
        name = f"rank {here} (host {os.uname().nodename}, pid {ranks[here].process.pid})"
        assert line == f"nmtk: error: {name} ended in update {UPDATE} (forward): corpus x: no such row"
        assert "Traceback" not in ranks[here].stderr


def test_an_error_of_torch_on_one_rank_is_told_from_what_follows_of_it(recipe: Path, tmp_path: Path) -> None:
    with wrong(recipe, tmp_path, 1, "fails in torch") as ranks:
        assert [rank.code() for rank in ranks] == [1, 1]
        assert "Traceback" not in ranks[0].stderr
        assert "could not execute a primitive" in ranks[1].stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_ranks_saves_and_ends_cleanly(recipe: Path, tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    with launched(tmp_path / "told", "train", recipe, "-o", run, *SETTINGS) as ranks:
        while not Log(run / "log.jsonl").read():
            time.sleep(0.02)
        for _ in range(2):  # from the terminal, and once more from torchrun
            for rank in ranks:
                os.kill(rank.process.pid or 0, number)
        assert [rank.code() for rank in ranks] == [130, 130], [rank.stderr for rank in ranks]
        assert f": signal {number.name}; the same command goes on from there" in ranks[0].stderr
    (update,) = checkpoints_in(run)
    assert Log(run / "log.jsonl").read()[-1]["update"] == update


def test_a_signal_to_one_rank_is_what_the_first_tells(recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with launched(tmp_path / "told", "train", recipe, "-o", run, *SETTINGS) as ranks:
        while not Log(run / "log.jsonl").read():
            time.sleep(0.02)
        os.kill(ranks[1].process.pid or 0, signal.SIGTERM)
        assert [rank.code() for rank in ranks] == [130, 130], [rank.stderr for rank in ranks]
        assert ": signal SIGTERM; the same command goes on from there" in ranks[0].stderr


def test_ranks_that_all_were_stopped_go_on(recipe: Path, tmp_path: Path) -> None:
    log = Log(tmp_path / "run" / "log.jsonl")
    with launched(tmp_path / "told", "train", recipe, "-o", tmp_path / "run", *SETTINGS, patience=0.1) as ranks:
        for number, wait in ((signal.SIGSTOP, 3.0), (signal.SIGCONT, 0.0)):
            while not log.read():
                time.sleep(0.02)
            for rank in ranks:
                os.kill(rank.process.pid or 0, number)
            time.sleep(wait)
        reached = log.read()[-1]["update"]
        while log.read()[-1]["update"] < reached + 100:
            assert [rank.process.exitcode for rank in ranks] == [None, None], [rank.stderr for rank in ranks]
            time.sleep(0.05)


@pytest.mark.slow
def test_torchrun_goes_on_from_the_last_checkpoint(recipe: Path, tmp_path: Path) -> None:
    settings = (
        "training.updates=60",
        "training.checkpoint.every=5",
        "training.validation.every=20",
        "training.ema=0.9",
    )
    launch(tmp_path / "told", "train", recipe, "-o", tmp_path / "straight", *settings)
    script = tmp_path / "once.py"
    script.write_text(
        "import os, sys, signal\n"
        "from nmtk.cli.app import main\n"
        "from nmtk.training.trainer import Trainer\n"
        "update = Trainer._update\n"
        "def die(trainer, share):\n"
        "    first = os.environ['TORCHELASTIC_RESTART_COUNT'] == '0'\n"
        "    if first and trainer.ranks.rank == 1 and trainer.state.update == 33:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    update(trainer, share)\n"
        "Trainer._update = die\n"
        f"sys.argv = ['nmtk', 'train', {str(recipe)!r}, '-o', {str(tmp_path / 'killed')!r}, *{settings!r}]\n"
        "main()\n"
    )
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1", str(script)]
    done = subprocess.run(
        [sys.executable, *launcher], env=environment(), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "is gone: it ended without a word in update 34" in done.stderr
    assert "going on from update 30" in done.stderr
    assert_same(tmp_path / "straight", tmp_path / "killed")
