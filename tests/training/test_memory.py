"""Memory: how much of it there is, and that using it up is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nmtk.allocator import keep_memory
from nmtk.bundle import checkpoints_in
from nmtk.data.generated import even_batch
from nmtk.errors import TrainingError
from nmtk.training import memory
from nmtk.training.memory import free_memory, naming_the_batch
from nmtk.training.options import TrainingOptions
from tests.training.conftest import Train, environment

CPU = torch.device("cpu")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is known on Linux only")


@linux
def test_free_memory_is_shared_by_the_ranks_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_available", lambda: 1000)
    monkeypatch.setattr(memory, "_left_of_groups", list)
    assert free_memory(CPU) == 1000
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert free_memory(CPU) == 250
    monkeypatch.setattr(memory, "_left_of_groups", lambda: [400, 800])
    assert free_memory(CPU) == 100


def test_a_system_that_does_not_say_is_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert memory._available(tmp_path / "meminfo") is None
    monkeypatch.setattr(memory, "_available", lambda: None)
    assert free_memory(CPU) is None
    assert free_memory(torch.device("mps")) is None


def test_the_kernels_estimate_is_read(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  100 kB\nMemFree:  7 kB\nMemAvailable:   64 kB\nHugePages_Total: 0\n")
    assert memory._available(tmp_path / "meminfo") == 64 << 10


@pytest.mark.parametrize(
    ("line", "home", "limit", "used", "cache"),
    [
        ("0::/job/step", "", "memory.max", "memory.current", "inactive_file 30"),
        ("9:memory:/job/step", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file 30"),
    ],
)
def test_the_tightest_control_group_counts(
    tmp_path: Path, line: str, home: str, limit: str, used: str, cache: str
) -> None:
    groups = tmp_path / "cgroup"
    groups.write_text(f"3:cpu:/job\n{line}\n")
    for folder, most in (("", "max" if not home else "9223372036854771712"), ("job", "500"), ("job/step", "900")):
        group = tmp_path / "fs" / home / folder
        group.mkdir(parents=True, exist_ok=True)
        (group / limit).write_text(f"{most}\n")
        (group / used).write_text("100\n")
        (group / "memory.stat").write_text(f"anon 70\n{cache}\n")
    left = list(memory._left_of_groups(groups, tmp_path / "fs"))
    assert min(left) == 500 - 100 + 30
    assert 900 - 100 + 30 in left


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be reported asynchronously"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
        MemoryError(),
    ],
)
def test_memory_that_is_used_up_names_batch_and_remedy(error: Exception) -> None:
    options = TrainingOptions(updates=1, batch_tokens=25_000, accumulate=2)
    with pytest.raises(TrainingError) as told, naming_the_batch(12, CPU, even_batch(64, 40, 50, 50), options):
        raise error
    assert str(told.value) == (
        "update 12: out of memory on cpu, in a batch of 64 sentences, 40 source x 40 target positions: wanted a larger "
        "training.accumulate (now 2), a smaller training.batch_tokens (now 25000) or training.batch_tokens=auto"
    )


def test_other_errors_pass() -> None:
    with (
        pytest.raises(RuntimeError, match="shapes"),
        naming_the_batch(1, CPU, even_batch(1, 2, 50, 50), TrainingOptions(updates=1)),
    ):
        raise RuntimeError("shapes cannot be multiplied")


def test_training_stops_where_memory_is_used_up_and_skips_nothing(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nmtk.training.step import TrainingStep

    forward, calls = TrainingStep.forward, iter(range(1000))

    def fail(step: TrainingStep, batch: object) -> object:
        if torch.is_grad_enabled() and next(calls) == 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(step, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingStep, "forward", fail)
    failed = train("run")
    assert failed.returncode == 1
    assert "nmtk: error: update 6: out of memory on cpu, in a batch of " in failed.stderr.splitlines()[-1]
    assert max(checkpoints_in(tmp_path / "run")) == 4


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("nmtk.training.trainer.walk", "update 1: out of memory on cpu, in reading batches ahead: wanted a smaller tr"),
        ("nmtk.training.updater.clip_grad_norm_", "update 1: out of memory on cpu, in a batch of "),
        ("nmtk.training.moving_average.MovingAverage.update", "update 1: out of memory on cpu, in a batch of "),
        (
            "nmtk.training.validation.Validator._loss",
            "update 6: out of memory on cpu, in validation: wanted a smaller ",
        ),
        ("nmtk.training.validation.evaluate", "update 6: out of memory on cpu, in validation: wanted"),
        (
            "nmtk.recipe.run.translate_tests",
            "update 12: out of memory on cpu, in translating at the end: wanted a small",
        ),
    ],
)
def test_memory_that_is_used_up_elsewhere_is_a_line_too(
    train: Train, monkeypatch: pytest.MonkeyPatch, place: str, line: str
) -> None:
    def fail(*_: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(place, fail)
    failed = train("run", "training.ema=0.9")
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert last.startswith(f"nmtk: error: {line}")
    assert "decoding.batch_tokens (now 2048)" in last or "training.batch_tokens (now 256)" in last
    assert "Traceback" not in failed.stderr


def test_onednn_keeps_few_products_unless_it_was_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "7")
    keep_memory()
    assert int(os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) < 100
    assert os.environ["LRU_CACHE_CAPACITY"] == "7"


@linux
def test_memory_that_is_really_used_up(recipe: Path, tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from nmtk.cli.app import main\n"
        "import nmtk.training.trainer as trainer\n"
        "from nmtk.training.memory import status\n"
        "resume = trainer.Trainer._resume\n"
        "def limited(self):\n"
        "    resume(self)\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (status('VmSize') + (160 << 20), resource.RLIM_INFINITY))\n"
        "trainer.Trainer._resume = limited\n"
        f"sys.argv = ['nmtk', 'train', {str(recipe)!r}, '-o', {str(tmp_path / 'run')!r}, 'model.width=1024',\n"
        "    'model.inner=4096', 'training.batch_tokens=4096']\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert "nmtk: error: update 1: out of memory on cpu, in a batch of " in ended.stderr.splitlines()[-1]
