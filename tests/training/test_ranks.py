"""Many processes do what one does: the same pairs, the same gradients."""

import os
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nmtk.bundle import checkpoints_in
from nmtk.data import epoch
from nmtk.data.cursor import Cursor, deal, walk
from nmtk.data.mixture import Mixture
from nmtk.errors import TrainingError
from nmtk.training import distributed
from nmtk.training.distributed import Ranks, _own_place
from tests.training.conftest import Train, environment
from tests.training.kit import FakeCorpus, vocabularies
from tests.training.launch import free_port, launch


def torchrun(recipe: Path, run: Path, *settings: str, ranks: int = 2) -> subprocess.CompletedProcess[str]:
    how = [f"--nproc-per-node={ranks}", "--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        *how,
        "-m",
        "nmtk",
        "train",
        str(recipe),
        "-o",
        str(run),
        *settings,
    ]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment() | {"GLOO_SOCKET_IFNAME": "lo"}, check=False
    )


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_ranks_train_as_one(train: Train, recipe: Path, tmp_path: Path, accumulate: int) -> None:
    settings = ["training.updates=3", "model.dropout=0", f"training.accumulate={accumulate}", "training.log_every=1"]
    settings += ["training.optimiser.epsilon=0.01"]  # Adam blows up what is noise where a gradient is nothing
    alone = train("alone", *settings)
    assert alone.returncode == 0, alone.stderr
    if accumulate == 1:
        both = torchrun(recipe, tmp_path / "both", *settings)
        assert both.returncode == 0, both.stderr
    else:
        launch(tmp_path / "told", "train", recipe, "-o", tmp_path / "both", *settings)
    one, other = (load_file(checkpoints_in(tmp_path / run)[3] / "model.safetensors") for run in ("alone", "both"))
    for name in one:
        assert (one[name] - other[name]).abs().max() < 2e-5, name


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_row_of_an_update_belongs_to_one_rank(batches: int, ranks: int) -> None:
    import numpy as np

    rows = [np.arange(first, first + 7) for first in range(0, 7 * batches, 7)]
    dealt = [deal(rows, rank, ranks) for rank in range(ranks)]
    assert len({len(parts) for parts in dealt}) == 1, "ranks must exchange gradients equally often"
    counted = Counter(int(row) for parts in dealt for part in parts for row in part)
    assert counted == Counter(range(7 * batches))


@pytest.mark.parametrize("before", [1, 2, 3])
@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize("section", [1, 30, 1000])
def test_another_number_of_ranks_sees_each_pair_once_in_an_epoch(
    before: int, after: int, section: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch, "SECTION", section)
    mixture = Mixture([FakeCorpus(97)], [1.0], vocabularies())  # type: ignore[list-item]
    seen: Counter[int] = Counter()
    at = Cursor()
    for ranks, until in ((before, 0.5), (after, 1.0)):
        walks = [walk(mixture, 64, 2, seed=3, at=at, rank=rank, ranks=ranks) for rank in range(ranks)]
        done = 0.0
        while done < until:
            shares = [next(one) for one in walks]
            (at,) = {share.after for share in shares}
            done = shares[0].epochs
            for share in shares:
                for batch in share.batches:
                    if batch.tokens:
                        seen.update(batch.source_BS[:, 0].tolist())
    assert seen == Counter(range(10, 107))


def join(rank: int, device: str) -> None:
    """Join the ranks, tell and ask, and end well, as what is left of `nmtk` in this process.

    For GPUs there are stand-ins. Gloo has NCCL's place, and like it serves nothing but what is on GPUs.
    """
    if device == "cuda":
        start = torch.distributed.init_process_group
        stand_in = {"nccl": "cuda:gloo", "cpu:gloo,cuda:nccl": "cpu:gloo,cuda:gloo"}
        torch.distributed.init_process_group = lambda backend, **given: start(stand_in[backend], **given)
        distributed.pick_device = torch.device
        torch.cuda.device_count = lambda: 2
        torch.cuda.set_device = lambda device: None
    with Ranks.join(device) as ranks:
        assert (ranks.rank, ranks.world, ranks.device.type) == (rank, 2, device)
        assert ranks.tell(f"rank {rank}") == "rank 0"
        assert ranks.any(rank == 1)
        assert not ranks.any(False)
    sys.exit(0)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_ranks_that_torchrun_starts_hear_each_other(tmp_path: Path, device: str) -> None:
    launch(tmp_path / "told", patch=partial(join, device=device))


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with Ranks.join("cpu") as ranks:
        assert ranks == (0, 1, torch.device("cpu"), None)
        assert ranks.tell("it") == "it"
        assert not ranks.any(False)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:1"])
def test_a_process_that_is_alone_works_on_the_gpu_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    current: list[int] = []
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(distributed, "pick_device", torch.device)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    assert Ranks.join(name).device == torch.device(name)
    assert current == [1 if name == "cuda:1" else 0]


def test_ranks_that_never_start_are_named() -> None:
    store = torch.distributed.HashStore()
    store.set_timeout(timedelta(seconds=1))
    with ThreadPoolExecutor() as others:
        for rank in (1, 3):
            others.submit(_own_place, store, rank, 5, 0.3)
        with pytest.raises(TrainingError, match="rank 2, 4 of 5: not heard of in the first 1 s"):
            _own_place(store, 0, 5, 0.6)


@pytest.mark.parametrize("served", [False, True], ids=["nowhere", "silent"])
def test_a_rank_that_waits_for_rank_0_in_vain_says_so(monkeypatch: pytest.MonkeyPatch, served: bool) -> None:
    port = free_port()
    there = torch.distributed.TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False) if served else None
    given = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    for key, value in (given | {"NMTK_PATIENCE": "0.002"}).items():
        monkeypatch.setenv(key, value)
    with pytest.raises(TrainingError) as told:
        Ranks.join("cpu")
    line = str(told.value)
    assert line.startswith(
        f"rank 1 (host {socket.gethostname()}, pid {os.getpid()}): waited 1 s for all ranks to start: "
    )
    assert "\n" not in line
    del there
