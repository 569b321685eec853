"""The benchmark of large corpora measures what it says, on a small one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_corpus_that_was_written_is_gone_over_and_trained_on(tmp_path: Path) -> None:
    command = [sys.executable, "tests/benchmarks/scale.py", str(tmp_path), "--pairs", "20000", "--batch-tokens", "512"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "corpus: 20,000 pairs" in done.stdout
    assert "first update: " in done.stdout
    assert "50 updates: " in done.stdout
    assert not list(tmp_path.iterdir())
