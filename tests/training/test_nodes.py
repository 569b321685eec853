"""Two machines: network namespaces with an address each, which see each other over one cable, and nothing else."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from safetensors.torch import load_file

from nmtk.bundle import checkpoints_in
from nmtk.training.progress import Log
from tests.training.conftest import Train, environment


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Nodes:
    """Machines a and b of one job, which torchrun starts with the rendezvous on a."""

    addresses = ("10.213.71.1", "10.213.71.2")

    def __init__(self) -> None:
        self.names = [f"nmtk{os.getpid()}{side}" for side in "ab"]
        self.cables = [f"nt{os.getpid() % 10**6}{side}" for side in "ab"]
        self.processes: list[subprocess.Popen[str]] = []

    def connect(self) -> None:
        for name in self.names:
            ip("netns", "add", name)
        ip("link", "add", self.cables[0], "type", "veth", "peer", "name", self.cables[1])
        for name, cable, address in zip(self.names, self.cables, self.addresses, strict=True):
            ip("link", "set", cable, "netns", name)
            ip("-n", name, "address", "add", f"{address}/24", "dev", cable)
            for device in (cable, "lo"):
                ip("-n", name, "link", "set", device, "up")

    def cut(self) -> None:
        ip("-n", self.names[1], "link", "set", self.cables[1], "down")

    def disconnect(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()
        for name in self.names:
            for pid in self.pids(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)

    def pids(self, name: str) -> list[int]:
        found = subprocess.run(["ip", "netns", "pids", name], check=False, capture_output=True, text=True).stdout
        return [int(pid) for pid in found.split()]

    def kill_rank(self, number: int) -> None:
        """Kill the rank of a machine; its torchrun lives on."""
        for pid in self.pids(self.names[number]):
            if b"torch.distributed.run" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)

    def train(
        self, recipe: Path, run: Path, *settings: str, patience: float = 1, restarts: int = 0
    ) -> list[subprocess.Popen[str]]:
        """Start a rank on each machine, with a disk of its own: the folders a and b of the run."""
        for number, (name, cable, address) in enumerate(zip(self.names, self.cables, self.addresses, strict=True)):
            launch = ["torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d"]
            launch += ["--rdzv-id=test", f"--rdzv-endpoint={self.addresses[0]}:29400", f"--local-addr={address}"]
            launch += [f"--rdzv-conf=is_host={1 - number}", f"--max-restarts={restarts}"]
            command = ["ip", "netns", "exec", name, sys.executable, "-m", *launch, "-m", "nmtk", "train"]
            command += [str(recipe), "-o", str(run / "ab"[number]), *settings]
            own = environment() | {"GLOO_SOCKET_IFNAME": cable, "NMTK_PATIENCE": str(patience)}
            self.processes.append(subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True))
        return self.processes


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if not shutil.which("ip"):
        pytest.skip("there is no program `ip` (iproute2)")
    pair = Nodes()
    try:
        pair.connect()
    except AssertionError as error:
        pair.disconnect()
        pytest.skip(f"this machine makes no network namespaces: {error}")
    yield pair
    pair.disconnect()


@pytest.mark.slow
def test_two_machines_train_as_one(train: Train, recipe: Path, tmp_path: Path, nodes: Nodes) -> None:
    settings = ["training.updates=3", "model.dropout=0", "training.optimiser.epsilon=0.01"]
    started = nodes.train(recipe, tmp_path / "both", *settings)
    alone = train("alone", *settings)
    assert alone.returncode == 0, alone.stderr
    told = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    assert "cpu x 2" in told[0] + told[1]
    one, other = (load_file(checkpoints_in(tmp_path / run)[3] / "model.safetensors") for run in ("alone", "both/a"))
    assert not checkpoints_in(tmp_path / "both" / "b")
    for name in one:
        assert (one[name] - other[name]).abs().max() < 2e-5, name


@pytest.mark.slow
def test_a_cut_cable_ends_the_ranks_on_both_sides(recipe: Path, tmp_path: Path, nodes: Nodes) -> None:
    started = nodes.train(recipe, tmp_path / "run", "training.updates=100k", "training.log_every=1", patience=0.1)
    while len(Log(tmp_path / "run" / "a" / "log.jsonl").read()) < 5:
        assert all(process.poll() is None for process in started)
        time.sleep(0.05)
    nodes.cut()
    told = []
    for process in started:
        try:
            told.append(process.communicate(timeout=20)[1])
        except subprocess.TimeoutExpired:  # it is torchrun that waits for the lost machine, not we
            process.kill()
            told.append(process.communicate()[1])
    lost = re.compile(r"nmtk: error: rank \d \(host \S+, pid \d+\) has given no sign of life for 2 s in update \d+")
    for text in told:
        assert lost.search(text), text


@pytest.mark.slow
def test_a_rank_killed_on_one_machine_goes_on_on_both(recipe: Path, tmp_path: Path, nodes: Nodes) -> None:
    settings = ["training.updates=300", "training.checkpoint.every=20", "training.validation.every=300"]
    started = nodes.train(recipe, tmp_path / "broken", *settings, restarts=3)
    while not checkpoints_in(tmp_path / "broken" / "a"):
        assert all(process.poll() is None for process in started)
        time.sleep(0.02)
    nodes.kill_rank(1)
    told = [process.communicate(timeout=180)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    assert "going on from update" in told[0] + told[1]
    assert max(checkpoints_in(tmp_path / "broken" / "a")) == 300
