"""What the benchmark's figures rest on: reading speeds, running a child, giving all engines one task, comparing."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nmtk.recipe.recipe import load
from tests.benchmarks.training.child import EngineFailed, Limits, Measured, measure
from tests.benchmarks.training.engine import Engine, rows
from tests.benchmarks.training.quality import compare
from tests.benchmarks.training.report import table
from tests.benchmarks.training.run import ENGINES
from tests.benchmarks.training.task import SETTINGS, Task

SAID = {
    "nmtk": "train      update 50 | epochs 0.1 | loss 7.1 | padding 0.02 | tokens_per_second 9,871 | time 0:00:01",
    "hf": "update 15 loss 8.840 rate 9871.0 target tokens/s",
    "joeynmt": "2026-11-24 09:28:49,367 - INFO - joeynmt.training - Epoch   1, Step:        5, "
    "Batch Loss:     7.461070, Batch Acc: 0.045882, Tokens per Sec:     9871, Lr: 0.000013",
    "eole": "[2026-11-24 09:35:13,226 INFO] Step 10/1000000; acc: 5.0; ppl: 5766.25; xent: 8.66; aux: 0.000; "
    "mtp: 0.000; attn_ent: 2.345; lr: 1.56e-04; sents:    1143; bsz: 2576/3165/229; 134/9871 tok/s;    281 sec;",
    "opennmt": "[2026-11-24 10:01:53,938 INFO] Step  5/1000000; acc: 0.0; ppl: 7649.1; xent: 8.9; lr: 0.00009; "
    "sents:    1062; bsz: 2842/3462/212;  52/9871 tok/s;    272 sec;",
}
"""A line that each engine has printed, with another speed."""


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_speed_is_that_of_target_tokens_and_only_where_it_is_told(engine: Engine) -> None:
    assert engine.rate(SAID[engine.name] + "\n") == 9871
    for other in ENGINES:
        if {engine.name, other.name} != {"eole", "opennmt"} and other is not engine:
            assert engine.rate(SAID[other.name]) is None


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine.name != "nmtk"], ids=lambda one: one.name)
def test_every_number_of_the_task_reaches_every_peer(engine: Engine, tmp_path: Path) -> None:
    unusual = [
        *("model.width=264", "model.heads=11", "model.inner=1234", "model.encoder_layers=58", "model.dropout=0.13"),
        *("training.batch_tokens=4321", "training.label_smoothing=0.17", "training.clip_norm=1.9"),
        *("training.schedule.warmup=357", "training.optimiser.betas=[0.91, 0.97]", "training.seed=77"),
    ]
    task = Task(tmp_path, load(Path("multi30k-en-de"), [*SETTINGS, *unusual]).recipe, 1, 10, 100)
    (tmp_path / "pieces.txt").write_text("<pad>\n<unk>\n<s>\n</s>\n")
    engine.command(task, tmp_path, Path("python"), "float32")
    (config,) = tmp_path.glob("config.*")
    written = set(_leaves(yaml.safe_load(config.read_text())))
    assert written >= {264, 11, 1234, 58, 0.13, 4321, 0.17, 1.9, 357, 0.91, 0.97, 77}


def test_the_task_is_the_same_whatever_the_recipe_becomes() -> None:
    others = load(Path("multi30k-en-de"), ["model={preset: base, activation: gelu}", *SETTINGS]).recipe
    assert others.model == load(Path("multi30k-en-de"), SETTINGS).recipe.model
    assert (others.model.encoder_layers, others.model.decoder_layers, others.model.norm_order) == (3, 3, "post")


def _leaves(document: Any) -> Iterator[Any]:
    if isinstance(document, dict | list):
        for value in document.values() if isinstance(document, dict) else document:
            yield from _leaves(value)
    else:
        yield document


def _measure(program: str, folder: Path) -> Measured:
    def rate(line: str) -> float | None:
        return float(line.split()[1]) if line.startswith("speed") else None

    return measure([sys.executable, "-uc", program], os.environ, folder, rate, 5, Limits(0.05, 0.2, 20))


def test_an_engine_is_measured_and_then_ended_with_its_workers(tmp_path: Path) -> None:
    program = (
        "import subprocess, time, pathlib\n"
        "worker = subprocess.Popen(['sleep', '60'])\n"
        "pathlib.Path('worker').write_text(str(worker.pid))\n"
        "print('loading')\n"
        "while True:\n"
        "    time.sleep(0.02)\n"
        "    print('speed 700')\n"
    )
    found = _measure(program, tmp_path)
    assert found.tokens_per_second == pytest.approx(700)
    assert found.seconds >= 0.2
    assert found.peak_mib > 1
    worker = Path("/proc", (tmp_path / "worker").read_text(), "stat")
    for _ in range(200):
        if not worker.exists() or worker.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")


def test_an_engine_that_ends_early_has_failed_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="no such option"):
        _measure("print('speed 1'); raise SystemExit('no such option')", tmp_path)


def test_every_engine_but_nmtk_runs_with_and_without_memory_kept() -> None:
    names = [row.name for row in rows(ENGINES, fast_bfloat16=False)]
    assert names[:4] == ["nmtk auto", "nmtk float32", "hf float32", "hf float32, memory kept"]
    assert not any("bfloat16" in name for name in names)
    assert {"hf bfloat16", "hf bfloat16, memory kept"} <= {row.name for row in rows(ENGINES, fast_bfloat16=True)}


def test_the_table_has_medians_and_how_many_times_as_fast_nmtk_is() -> None:
    figures = {"tokens_per_update": 3600, "seconds": 60, "peak_mib": 2048, "faults_per_second": 10}
    speeds = {"nmtk auto": (900, 1000, 5000), "hf float32": (240, 250, 260)}
    runs = [
        {"row": row, "turn": turn, "tokens_per_second": speed, **figures}
        for row, found in speeds.items()
        for turn, speed in enumerate(found, 1)
    ]
    runs.append({"row": "eole float32", "turn": 1, "failed": "no such option"})
    machine = dict.fromkeys(("cpu", "flags", "cores", "memory", "system", "python", "nmtk"), "x")
    shown = table({"machine": machine, "versions": {"hf": {"torch": "2"}}, "task": "t", "runs": runs})
    assert "| nmtk auto | 1,000 | 900 to 5,000 | 1.00 x | 3,600 | 2.00 GiB | 10 |" in shown
    assert "| hf float32 | 250 | 240 to 260 | 4.00 x |" in shown
    assert "| eole float32 | failed |" in shown
    assert "eole float32, turn 1: no such option" in shown


def test_a_loss_is_equal_within_the_noise_of_the_seeds_and_worse_beyond_it() -> None:
    plain = [2.50, 2.52, 2.48]
    assert compare([loss + 0.01 for loss in plain], plain)[1]
    assert compare([loss - 0.50 for loss in plain], plain)[1]
    assert not compare([loss + 0.10 for loss in plain], plain)[1]
