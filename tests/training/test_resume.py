"""Resuming is exact: however often a run is killed, its weights and its log are those of a run that never was."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from nmtk.bundle import checkpoints_in
from nmtk.data.cursor import Share
from nmtk.documents import read_yaml
from nmtk.errors import TrainingError
from nmtk.recipe.home import held
from nmtk.training.progress import TIMES, Log
from nmtk.training.trainer import Trainer
from tests.training.conftest import Train, environment

SETTINGS = ("training.updates=60", "training.checkpoint.every=5", "training.validation.every=15", "training.ema=0.9")


def log_of(run: Path) -> list[dict[str, object]]:
    return [{k: v for k, v in record.items() if k not in TIMES} for record in Log(run / "log.jsonl").read()]


def assert_same(one: Path, other: Path) -> None:
    last = max(checkpoints_in(one))
    assert last == max(checkpoints_in(other))
    for file in ("model.safetensors", "training.safetensors"):
        wanted, found = load_file(checkpoints_in(one)[last] / file), load_file(checkpoints_in(other)[last] / file)
        assert wanted.keys() == found.keys()
        assert all(wanted[name].equal(found[name]) for name in wanted), file
    assert log_of(one) == log_of(other)


def killed(death: str, recipe: Path, run: Path, *settings: str) -> None:
    """Train in a process that ends as if by `kill -9`, at the place where `death`, which runs first, has put that."""
    script = (
        f"import os, signal, sys\n{death}"
        "from nmtk.cli.app import main\n"
        f"sys.argv = ['nmtk', 'train', {str(recipe)!r}, '-o', {str(run)!r}, *{list(settings)}]\n"
        "main()\n"
    )
    died = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "setting", ["sampling=null", "sampling={alpha: 0.5}", "consistency=simcut"], ids=["plain", "sampled", "twice"]
)
def test_killed_runs_end_as_unbroken_ones(train: Train, recipe: Path, tmp_path: Path, setting: str) -> None:
    settings = [*SETTINGS, f"training.{setting}"]
    straight = train("straight", *settings)
    assert straight.returncode == 0, straight.stderr
    for update in (8, 29, 34):  # some updates after a checkpoint, or right before the next
        killed(
            "from nmtk.training.trainer import Trainer\n"
            "update = Trainer._update\n"
            "def die(trainer, share):\n"
            "    update(trainer, share)\n"
            f"    if trainer.state.update == {update}:\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "Trainer._update = die\n",
            recipe,
            tmp_path / "killed",
            *settings,
        )
        assert max(checkpoints_in(tmp_path / "killed")) == update // 5 * 5
    resumed = train("killed", *settings)
    assert resumed.returncode == 0, resumed.stderr
    assert "going on from update" in resumed.stderr
    assert_same(tmp_path / "straight", tmp_path / "killed")


def test_killed_while_writing_a_checkpoint(train: Train, recipe: Path, tmp_path: Path) -> None:
    assert train("straight").returncode == 0
    killed(
        "import nmtk.training.checkpoints as checkpoints\n"
        "write = checkpoints.write_tensors\n"
        "def die(path, *rest):\n"
        "    write(path, *rest)\n"
        "    if '00000008' in str(path):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "checkpoints.write_tensors = die\n",
        recipe,
        tmp_path / "killed",
    )
    assert max(checkpoints_in(tmp_path / "killed")) < 8
    assert train("killed").returncode == 0
    assert_same(tmp_path / "straight", tmp_path / "killed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends_cleanly(train: Train, recipe: Path, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "nmtk", "train", str(recipe), "-o", str(tmp_path / "run")]
    settings = ["training.updates=100k", "training.checkpoint.every=100k", "training.log_every=1"]
    process = subprocess.Popen([*command, *settings], env=environment(), stderr=subprocess.PIPE, text=True)
    while not Log(tmp_path / "run" / "log.jsonl").read():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert f"signal {number.name}; the same command goes on from there" in told
    (update,) = checkpoints_in(tmp_path / "run")
    assert Log(tmp_path / "run" / "log.jsonl").read()[-1]["update"] == update
    again = train("run", f"training.updates={update + 2}", "training.checkpoint.every=100k", "training.log_every=1")
    assert again.returncode == 0, again.stderr
    assert f"going on from update {update}" in again.stderr


def test_an_interrupted_run_ends_in_the_same_model(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [*SETTINGS, "training.checkpoint.keep_last=3", "training.average.count=3"]
    assert train("straight", *settings).returncode == 0
    update = Trainer._update

    def interrupted(trainer: Trainer, share: Share) -> None:
        update(trainer, share)
        if trainer.state.update == 53:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_update", interrupted)
        assert train("broken", *settings).returncode == 130
    assert max(checkpoints_in(tmp_path / "broken")) == 53
    assert train("broken", *settings).returncode == 0
    models = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("straight", "broken")]
    assert models[0] == models[1]
    assert list(checkpoints_in(tmp_path / "straight")) == list(checkpoints_in(tmp_path / "broken"))


def test_two_trainings_do_not_share_a_run(train: Train, tmp_path: Path) -> None:
    with held(tmp_path / "run"):
        refused = train("run")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"nmtk: error: {tmp_path / 'run'}: another nmtk train is at work there: let it end first, or use -o\n"
    )
    assert train("run").returncode == 0


def test_a_finished_run_goes_on_when_it_is_given_more_updates(train: Train, tmp_path: Path) -> None:
    assert train("straight", "training.updates=16").returncode == 0
    assert train("longer", "training.updates=12", "training.log_every=5").returncode == 0
    assert train("longer", "training.updates=16").returncode == 0  # and how often it tells of itself is free
    last = checkpoints_in(tmp_path / "straight")[16], checkpoints_in(tmp_path / "longer")[16]
    one, other = (load_file(folder / "training.safetensors") for folder in last)
    assert all(one[name].equal(other[name]) for name in one)


def test_checkpoints_stay_when_others_become_due(train: Train, tmp_path: Path) -> None:
    settings = ("training.validation.every=100", "training.average.count=4")
    assert train("run", "training.updates=14", "training.checkpoint.every=3", *settings).returncode == 0
    assert list(checkpoints_in(tmp_path / "run")) == [3, 6, 9, 12, 14]
    more = train("run", "training.updates=22", "training.checkpoint.every=5", *settings)
    assert "will be deleted" not in more.stderr
    assert list(checkpoints_in(tmp_path / "run")) == [6, 9, 12, 15, 20, 22]
    assert "mean of 4 checkpoints, updates 12, 15, 20, 22" in more.stderr
    few = "training.checkpoint.keep_last=2", "training.average.count=2", "training.checkpoint.keep_best=0"
    fewer = train("run", "training.updates=24", "training.checkpoint.every=5", settings[0], *few)
    assert "the last 2 and best 0 are kept: 6, 9, 12 will be deleted when the next is saved" in fewer.stderr
    assert list(checkpoints_in(tmp_path / "run")) == [15, 20, 24]


def test_a_changed_option_is_refused_with_both_values(train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    refused = train("run", "training.optimiser.rate=0.5", "model.dropout=0.2", "training.consistency=r-drop")
    assert refused.returncode == 1
    (line,) = refused.stderr.strip().splitlines()
    assert "model.dropout: was 0.3, now 0.2" in line
    assert "training.optimiser.rate: was 0.01, now 0.5" in line
    assert 'training.consistency: was null, now {"kind": "r-drop"}' in line
    assert "--overwrite" in line
    over = train("run", "training.optimiser.rate=0.5", "model.dropout=0.2", "--overwrite")
    assert over.returncode == 0, over.stderr


def test_other_text_than_before_is_refused(train: Train, recipe: Path, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    known = (tmp_path / "run" / "run.yaml").read_bytes()
    for side in ("en", "de"):
        lines = (recipe / f"train.{side}").read_text().splitlines(keepends=True)
        (recipe / f"train.{side}").write_text("".join(lines[1:]))
    refused = train("run", "training.updates=20")
    assert refused.returncode == 1
    assert "train.en has changed since training began: found SHA-256 " in refused.stderr.splitlines()[-1]
    assert (tmp_path / "run" / "run.yaml").read_bytes() == known, "what was trained on is still known"

    shutil.rmtree(tmp_path / "run" / "data")
    (tmp_path / "run" / "prepared.yaml").unlink()
    refused = train("run", "training.updates=20")
    assert refused.returncode == 1
    assert "00000012: trained on other corpora than the run has now" in refused.stderr.splitlines()[-1]
    assert max(checkpoints_in(tmp_path / "run")) == 12


def test_the_final_model_decodes_as_the_recipe_says_now(train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    assert train("run", "decoding.strategy={kind: beam, width: 3}").returncode == 0
    assert read_yaml(tmp_path / "run" / "model" / "options.yaml")["decoding"]["strategy"]["width"] == 3


def test_a_checkpoint_cut_short_is_named(train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    folder = checkpoints_in(tmp_path / "run")[12]
    for name in ("model.safetensors", "training.safetensors", "state.json"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        failed = train("run", "training.updates=20")
        assert failed.returncode == 1
        (line,) = [line for line in failed.stderr.splitlines() if "error" in line]
        assert f"{folder / name}: cut short or damaged" in line
        assert f"delete {folder}" in line
        (folder / name).write_bytes(whole)
    assert train("run", "training.updates=20").returncode == 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("state.json", '{"update": "x", "cursor": [1, 0], "history": []}', "state.json: cut short or damaged"),
        ("state.json", '{"cursor": [1, 0]}', "state.json: cut short or damaged"),
        ("validation.json", '{"update": 12, "scores": 5}', "validation.json: cut short or damaged"),
        ("validation.json", "", "validation.json: cut short or damaged"),
        ("card.yaml", None, "card.yaml: no such file"),
        ("training.safetensors", "model.safetensors", "training.safetensors: found "),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_a_line(
    train: Train, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    assert train("run").returncode == 0
    folder = checkpoints_in(tmp_path / "run")[12]
    if content is None:
        (folder / name).unlink()
    elif (folder / content).is_file() and content:
        shutil.copyfile(folder / content, folder / name)
    else:
        (folder / name).write_text(content)
    failed = train("run", "training.updates=20")
    assert failed.returncode == 1
    line = failed.stderr.splitlines()[-1]
    assert line.startswith(f"nmtk: error: {folder}/{told}")
    assert line.endswith(f"delete {folder} to go on from the checkpoint before it")


@pytest.mark.parametrize("kind", ["adam", "adamw", "adafactor"])
def test_an_optimisers_state_of_another_model_is_a_line(train: Train, tmp_path: Path, kind: str) -> None:
    settings = (f"training.optimiser={{kind: {kind}, rate: 0.01}}", "training.ema=0.9")
    assert train("run", *settings).returncode == 0
    folder = checkpoints_in(tmp_path / "run")[12]
    path = folder / "training.safetensors"
    kept = load_file(path)
    matrices, vectors = ("col_var", "variance") if kind == "adafactor" else ("exp_avg", "exp_avg_sq")
    matrix = next(key for key, value in kept.items() if key.endswith(f".{matrices}") and value.ndim == 2)
    vector = next(key for key, value in kept.items() if key.endswith(f".{vectors}") and value.ndim == 1)
    live = next(key for key, value in kept.items() if key.startswith("live.") and value.ndim == 2)
    for key, name in ((matrix, matrices), (vector, vectors), ("0.step", "step"), (live, "weight")):
        save_file(kept | {key: torch.cat([kept[key].view(-1)] * 2)}, path)
        failed = train("run", "training.updates=20", *settings)
        (line,) = [line for line in failed.stderr.splitlines() if "error" in line]
        assert line.startswith(f"nmtk: error: {path}: {name} ")
        assert f": found ({2 * kept[key].numel()},), wanted {tuple(kept[key].shape)}: the file is of another" in line
        assert line.endswith(f"delete {folder} to go on from the checkpoint before it")
    count = len({key.split(".")[0] for key in kept if not key.startswith("live.")})
    save_file(kept | {f"{count}.step": torch.tensor(1.0)}, path)
    found = f"found step of parameter {count + 1}, wanted {count} parameters"
    assert f"{path}: {found}: the file" in train("run", "training.updates=20", *settings).stderr
    save_file(kept, path)
    assert train("run", "training.updates=20", *settings).returncode == 0


@pytest.mark.parametrize("line", [b"garbage{\n", b"[1]\n", b"\xff\xfe\n", b"{}\n"])
def test_a_damaged_log_is_named_with_its_line(tmp_path: Path, line: bytes) -> None:
    log = Log(tmp_path / "log.jsonl")
    log.write({"kind": "train", "update": 1})
    with log.path.open("ab") as file:
        file.write(line)
    with pytest.raises(TrainingError, match=r"log.jsonl:2: found no record of training: delete the line"):
        log.cut_back(1, validated=True)


@pytest.mark.parametrize(
    ("side", "text"), [("source", ""), ("target", "\n"), ("source", "\n \n")], ids=["empty", "blank", "blanks"]
)
def test_a_test_set_without_text_is_told_before_training(
    train: Train, recipe: Path, tmp_path: Path, side: str, text: str
) -> None:
    lines = text.count("\n")
    for name, other in (("source", "test.en"), ("target", "test.de")):
        (recipe / other).write_text(text if name == side else "alpha\n" * lines)
    failed = train("run")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].endswith(
        "data.test.test: found no line with text on both sides, wanted at least one"
    )
    assert not checkpoints_in(tmp_path / "run")


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(train: Train, tmp_path: Path) -> None:
    failed = train(
        "run",
        "training.optimiser.rate=1e30",
        "training.schedule={kind: constant}",
        "training.clip_norm=0",
        "training.checkpoint.every=1",
    )
    assert failed.returncode == 1, failed.stderr
    line = failed.stderr.splitlines()[-1]
    assert "the loss is no longer a number" in line
    assert "batch" in line
    good = max(checkpoints_in(tmp_path / "run"))
    assert f"update {good + 1}:" in line
    assert f"checkpoint {good} is the last good one" in line


def test_the_log_is_json_lines_and_the_scores_are_kept(train: Train, tmp_path: Path) -> None:
    done = train("run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("BLEU") == 1
    assert "nrefs:1" in done.stdout
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert [score["name"] for score in scores] == ["BLEU", "chrF2", "TER"]
    kinds = [record["kind"] for record in Log(tmp_path / "run" / "log.jsonl").read()]
    assert kinds.count("train") == 6
    assert kinds.count("validation") == 2


def test_early_stopping_ends_at_the_validation_that_decides_it(train: Train, tmp_path: Path) -> None:
    settings = [
        "training.updates=null",
        "training.early_stop={metric: bleu, patience: 2}",
        "training.validation.every=2",
    ]
    done = train("run", *settings, "training.optimiser.rate=1e-9")  # nothing is learned, so nothing gets better
    assert done.returncode == 0, done.stderr
    assert "stopped after 6 updates: no better bleu in 2 validations" in done.stderr
    assert max(checkpoints_in(tmp_path / "run")) == 6
