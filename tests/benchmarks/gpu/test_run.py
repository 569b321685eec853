"""Every part of the benchmark runs, in its tiniest form, without a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.gpu.results import recorded
from tests.benchmarks.gpu.run import PARTS

ROOT = Path(__file__).parents[3]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.benchmarks.gpu.run", "--tiny", "--trace-only", "--device", "cpu"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, *map(str, arguments)], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("task") / "task.tar.xz"
    made = run("--part", "build", "--task", file, "-o", file.parent)
    assert made.returncode == 0, made.stderr
    return file


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_part_measures_all_its_rows(part: str, task: Path, tmp_path: Path) -> None:
    done = run("--part", part, "--task", task, "--models", "base", "--minutes", "0.05", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads((tmp_path / "gpu.json").read_text())["parts"][part]
    assert figures
    failed = [failed for failed in _failures(figures) if not failed.startswith("ModuleNotFoundError")]  # of a peer
    assert not failed, done.stderr
    assert f"### {part}" in done.stdout


def _failures(figures: dict[str, Any]) -> list[str]:
    rows = [_failures(row) for row in figures.values() if isinstance(row, dict)]
    return [figures["failed"]] * ("failed" in figures) + [failed for row in rows for failed in row]


def test_whatever_a_row_fails_with_the_next_one_is_measured() -> None:
    found: dict[str, Any] = {}
    for row, value in (("gone", object()), ("there", "found")):
        with recorded(found, row):
            found[row] = {"length": len(value)}  # type: ignore[arg-type]
    assert found["gone"] == {"failed": "TypeError: object of type 'object' has no len()"}
    assert found["there"] == {"length": 5}
