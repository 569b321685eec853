"""Laws of chains: each recipe is trained in its turn, what it makes belongs line by line to what it was made of, and a
chain that is broken off anywhere goes on there.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nmtk
from nmtk.bundle import checkpoints_in
from nmtk.data.corpus import Corpus
from nmtk.documents import Document, read_yaml, to_yaml
from nmtk.errors import NmtkError
from nmtk.recipe.chain import chain_of
from nmtk.recipe.recipe import load
from nmtk.vocabulary.vocabulary import Vocabularies
from tests.training.conftest import Train, environment, recipe, sentences, train
from tests.training.launch import launch

__all__ = ["recipe", "train"]

MONO, BUFFER = 40, 8
MADE: Document = {"text": "mono.de", "by": "reverse.yaml"}


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")[:-1]


def change(path: Path, **changes: object) -> None:
    """Set keys of a recipe: `data__translate={}`."""
    document = read_yaml(path)
    for key, value in changes.items():
        place, *keys = document, *key.split("__")
        for name in keys[:-1]:
            place = place.setdefault(name, {})
        place[keys[-1]] = value
    path.write_text(to_yaml(document))


@pytest.fixture
def chain(recipe: Path) -> Path:
    """Beside the recipe one for the other direction, that makes the source of text that is there in `de` only."""
    document = read_yaml(recipe / "recipe.yaml")
    sides = {"source": "train.en", "target": "train.de"}
    document["data"]["translate"] = {"made.en": MADE}
    document["data"]["train"] = [sides, {"source": "made.en", "target": "mono.de", "name": "made", "tag": "<BT>"}]
    document["data"]["filters"] = {"ratio": 99}  # what is made after some updates is no language
    document["vocabulary"] = {"size": 32, "byte_fallback": False, "symbols": ["<BT>"]}
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    back: Document = read_yaml(recipe / "recipe.yaml")
    back["name"] = "reverse"
    back["data"] |= {"source": "de", "target": "en", "translate": {}}
    for text in (back["data"]["valid"], back["data"]["test"]["test"], sides):
        text["source"], text["target"] = text["target"], text["source"]
    back["data"]["train"] = [sides]
    (recipe / "reverse.yaml").write_text(to_yaml(back))
    mono = sentences(MONO, 7)
    mono[3] = ""
    (recipe / "mono.de").write_text("".join(line + "\n" for line in mono))
    return recipe


def test_each_recipe_is_trained_and_what_it_makes_is_trained_on(train: Train, chain: Path, tmp_path: Path) -> None:
    done = train("run")
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith(("stage", "made.en"))]
    assert told == [
        f"stage 1 of 2: reverse, in {tmp_path / 'reverse'}",
        f"stage 2 of 2: backwards, in {tmp_path / 'run'}",
        f"made.en: {tmp_path / 'reverse'} translates mono.de, {MONO} lines",
        "made.en: made",
    ]
    assert done.stdout.count("BLEU") == 1, "the scores are the last recipe's"
    assert max(checkpoints_in(tmp_path / "reverse")) == max(checkpoints_in(tmp_path / "run")) == 12

    made = lines_of(tmp_path / "run" / "text" / "made.en")
    assert made == nmtk.load(tmp_path / "reverse").translate(lines_of(chain / "mono.de"))
    assert made[3] == ""
    (known,) = [file for file in read_yaml(tmp_path / "run" / "run.yaml")["files"] if file["name"] == "made.en"]
    assert known["origin"].startswith("translated by reverse.yaml (weights ")
    assert known["origin"].endswith(") from mono.de")
    assert known in read_yaml(tmp_path / "run" / "model" / "card.yaml")["files"]

    vocabularies = Vocabularies.load(tmp_path / "run" / "vocabulary")
    corpus = Corpus.open(tmp_path / "run" / "data" / "made", vocabularies)
    packed = vocabularies.source.decode([ids.tolist() for ids in corpus.source(np.arange(len(corpus))).split()])
    assert packed == [f"<BT> {line}" for line in made if line]
    tag = vocabularies.source.encode(["<BT> alpha"])[0]
    assert "<BT>" in vocabularies.source.pieces(tag), "the tag is one piece"


def test_what_two_recipes_learn_from_is_translated_once(train: Train, chain: Path, tmp_path: Path) -> None:
    middle = read_yaml(chain / "recipe.yaml") | {"name": "middle"}
    (chain / "middle.yaml").write_text(to_yaml(middle))
    change(
        chain / "recipe.yaml", data__translate={"made.en": MADE, "again.de": {"text": "made.en", "by": "middle.yaml"}}
    )
    done = train("run")
    assert done.returncode == 0, done.stderr
    runs = [tmp_path / name / "text" / "made.en" for name in ("middle", "run")]
    assert f"made.en: the same as {runs[0]}" in done.stderr.splitlines()
    assert done.stderr.count(f"{tmp_path / 'reverse'} translates mono.de") == 1
    first, second = (path.read_bytes() + path.with_name("made.en.yaml").read_bytes() for path in runs)
    assert first == second
    assert lines_of(tmp_path / "run" / "text" / "again.de") == nmtk.load(tmp_path / "middle").translate(
        lines_of(runs[0])
    )
    assert not list(tmp_path.glob("run/text/*.making"))


def test_a_finished_chain_makes_nothing_again(train: Train, chain: Path, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    files = [tmp_path / "run" / "text" / "made.en", tmp_path / "reverse" / "model" / "model.safetensors"]
    before = [file.stat().st_mtime_ns for file in files]
    again = train("run", "training.updates=14")
    assert again.returncode == 0, again.stderr
    assert f"stage 1 of 2: reverse, in {tmp_path / 'reverse'}: nothing left to do" in again.stderr
    assert [file.stat().st_mtime_ns for file in files] == before
    assert train("other").returncode == 0, "another run finds the model"
    assert before[1] == files[1].stat().st_mtime_ns


def broken(chain: Path, run: Path, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Train, and get a signal after the second buffer of the translation."""
    script = (
        "import os, signal, sys\n"
        "import nmtk.translation.parts, nmtk.translation.stream, nmtk.recipe.making\n"
        "from nmtk.cli.app import main\n"
        f"nmtk.translation.parts.EVERY, nmtk.translation.stream.BUFFER = 0, {BUFFER}\n"
        "class Deadly(nmtk.recipe.making._Progress):\n"
        "    def __call__(self, lines):\n"
        f"        if lines >= {2 * BUFFER}:\n"
        f"            os.kill(os.getpid(), {int(number)})\n"
        "nmtk.recipe.making._Progress = Deadly\n"
        f"sys.argv = ['nmtk', 'train', {str(chain)!r}, '-o', {str(run)!r}]\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_chain_broken_off_while_it_translates_goes_on_there(
    train: Train, chain: Path, tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmtk.translation.stream.BUFFER", BUFFER)
    ended = broken(chain, tmp_path / "run", number)
    if number == signal.SIGKILL:
        assert ended.returncode == -number
    else:
        assert (ended.returncode, ended.stdout) == (130, ""), ended.stderr
        last = f"made.en: stopped by signal {number.name}; what was translated is kept"
        assert ended.stderr.splitlines()[-1] == last
    part = tmp_path / "run" / "text" / "made.en.making" / "made.en.part"
    mark = b"\x01" * 2
    with part.open("r+b") as file:  # what is there already is not made again
        file.write(mark)
    assert not checkpoints_in(tmp_path / "run")
    resumed = train("run")
    assert resumed.returncode == 0, resumed.stderr
    made = (tmp_path / "run" / "text" / "made.en").read_bytes()
    wanted = nmtk.load(tmp_path / "reverse").translate(lines_of(chain / "mono.de"))
    assert made == mark + "".join(line + "\n" for line in wanted).encode()[2:]
    assert not part.parent.exists()


def test_a_signal_while_a_stage_trains_ends_the_chain_and_the_next_call_goes_on(
    train: Train, chain: Path, tmp_path: Path
) -> None:
    change(chain / "reverse.yaml", training__updates=100_000, training__log_every=1)
    command = [sys.executable, "-m", "nmtk", "train", str(chain), "-o", str(tmp_path / "run")]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("train"):
                process.send_signal(signal.SIGTERM)
                break
        told = process.stderr.read()
    assert process.returncode == 130, told
    update = max(checkpoints_in(tmp_path / "reverse"))
    assert not (tmp_path / "run" / "text" / "made.en").exists()
    change(chain / "reverse.yaml", training__updates=update + 2)
    again = train("run")
    assert again.returncode == 0, again.stderr
    assert f"going on from update {update}" in again.stderr


def test_a_text_is_made_anew_when_it_would_be_another_until_training_has_begun(
    train: Train, chain: Path, tmp_path: Path
) -> None:
    made, note = (tmp_path / "run" / "text" / name for name in ("made.en", "made.en.yaml"))

    def prepared() -> Document:
        assert "vocabulary" in train("run", "vocabulary.size=30k").stderr.splitlines()[-1], "it ends before it trains"
        assert lines_of(made) == nmtk.load(tmp_path / "reverse").translate(lines_of(chain / "mono.de"))
        return read_yaml(note)

    first, stood = prepared(), made.stat().st_mtime_ns
    assert (prepared(), made.stat().st_mtime_ns) == (first, stood)
    change(chain / "reverse.yaml", training__updates=16)
    second = prepared()
    assert first["weights"] != second["weights"]
    (chain / "mono.de").write_text("alpha beta\n" * 50)
    third = prepared()
    assert (second["weights"], second["text"] != third["text"]) == (third["weights"], True)
    made.write_text("something else\n" * 50)
    assert prepared() == third

    change(chain / "recipe.yaml", data__translate={"made.en": MADE | {"decoding": {"strategy": {"width": 3}}}})
    change(chain / "reverse.yaml", decoding={"strategy": "beam", "longest": 3})
    assert "vocabulary" in train("run", "vocabulary.size=30k").stderr.splitlines()[-1]
    assert (read_yaml(note)["decoding"]["strategy"]["width"], read_yaml(note)["decoding"]["longest"]) == (3, 3)


def test_once_training_has_begun_nothing_is_made_but_a_change_is_told(
    train: Train, chain: Path, tmp_path: Path
) -> None:
    assert train("run").returncode == 0
    made = tmp_path / "run" / "text" / "made.en"
    before = made.read_bytes()
    change(chain / "reverse.yaml", training__updates=16)
    first = checkpoints_in(tmp_path / "reverse")[min(checkpoints_in(tmp_path / "reverse"))]
    shutil.copyfile(first / "model.safetensors", tmp_path / "reverse" / "model" / "model.safetensors")
    on = train("run", "training.updates=14")
    assert on.returncode == 0, on.stderr
    assert "made.en: would be another now; kept, for training has begun" in on.stderr
    assert (made.read_bytes(), max(checkpoints_in(tmp_path / "reverse"))) == (before, 12)
    shutil.rmtree(tmp_path / "reverse")
    assert train("run", "training.updates=16").returncode == 0
    assert not (tmp_path / "reverse").exists()
    made.write_bytes(b"x" + before)
    changed = train("run", "training.updates=18")
    assert f"{made}: changed since it was made: delete it" in changed.stderr.splitlines()[-1]
    made.unlink()
    over = train("run", "--overwrite")
    assert over.returncode == 0, over.stderr
    assert lines_of(made) == nmtk.load(tmp_path / "reverse").translate(lines_of(chain / "mono.de"))


def test_a_run_or_a_model_may_make_the_text_and_is_not_trained(train: Train, chain: Path, tmp_path: Path) -> None:
    assert train("first").returncode == 0
    run, model = tmp_path / "reverse", tmp_path / "copied"
    shutil.copytree(run / "model", model)
    for place in (run, model):
        change(chain / "recipe.yaml", data__translate={"made.en": MADE | {"by": str(place)}})
        done = train(f"by-{place.name}", "training.updates=2")
        assert done.returncode == 0, done.stderr
        assert "stage" not in done.stderr
        texts = [(tmp_path / name / "text" / "made.en").read_bytes() for name in ("first", f"by-{place.name}")]
        assert texts[0] == texts[1]


def test_ranks_train_every_stage_and_share_the_translation(train: Train, chain: Path, tmp_path: Path) -> None:
    assert train("run", "training.updates=2").returncode == 0
    launch(tmp_path / "told", "train", chain, "-o", tmp_path / "both" / "run", "training.updates=2")
    assert max(checkpoints_in(tmp_path / "both" / "reverse")) == 12
    made = tmp_path / "both" / "run" / "text" / "made.en"
    assert lines_of(made) == nmtk.load(tmp_path / "both" / "reverse").translate(lines_of(chain / "mono.de"))
    assert max(checkpoints_in(tmp_path / "both" / "run")) == 2
    assert not list(made.parent.glob("*.making"))


def last_line(found: subprocess.CompletedProcess[str]) -> str:
    assert found.returncode == 1, found.stderr
    assert "Traceback" not in found.stderr
    return found.stderr.splitlines()[-1]


def test_a_missing_file_is_told_before_hours_of_training(train: Train, chain: Path, tmp_path: Path) -> None:
    change(chain / "recipe.yaml", data__valid__source="missing.en")
    assert "missing.en: in none of" in last_line(train("run"))
    assert not checkpoints_in(tmp_path / "reverse")


@pytest.fixture
def quick_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmtk.recipe.plan.SECONDS", 0.05)


@pytest.mark.usefixtures("quick_plan")
def test_of_a_chain_the_first_stage_that_is_not_finished_is_planned(train: Train, chain: Path, tmp_path: Path) -> None:
    first = train("run", "--plan")
    assert first.returncode == 0, first.stderr
    stage = f"stage       1 of 2: reverse, in {tmp_path / 'reverse'}, the first that is not finished"
    assert first.stdout.splitlines()[0] == stage
    assert not (tmp_path / "run").exists()
    assert not checkpoints_in(tmp_path / "reverse")
    assert train("run").returncode == 0
    last = train("run", "--plan", "training.updates=20")
    assert last.stdout.splitlines()[0].startswith("stage       2 of 2: backwards, in ")
    shutil.rmtree(tmp_path / "run")
    message = last_line(train("run", "--plan"))
    assert "run/text/made.en: still to be made: nmtk train does that, by reverse.yaml from mono.de" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data__translate__made.en__by", "recipe.yaml", "recipes wait for each other: recipe.yaml > recipe.yaml"),
        ("data__translate__made.en__by", "nowhere.yaml", "nowhere.yaml: no such recipe; wanted a recipe or a run"),
        ("data__valid__source", "missing.en", "missing.en: in none of"),
    ],
)
def test_a_plan_that_is_refused_leaves_no_folder(
    key: str, value: str, message: str, train: Train, chain: Path, tmp_path: Path
) -> None:
    change(chain / "recipe.yaml", **{key: value})
    change(chain / "reverse.yaml", data__valid__source="missing.en")
    assert message in last_line(train("run", "--plan"))
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "reverse").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"by": "revers.yaml"}, "data.translate.made.en.by: revers.yaml: no such recipe"),
        (
            {"by": "quickstar"},
            "made.en.by: quickstar: no such recipe; did you mean quickstart?; wanted a recipe or a run",
        ),
        ({"by": "."}, "made.en.by: recipes wait for each other: recipe.yaml > recipe.yaml"),
        ({"by": "circle.yaml"}, "made.en.by: recipes wait for each other: circle.yaml > recipe.yaml > circle.yaml"),
        ({"by": "multi30k-en-de"}, "multi30k-en-de translates en to de, wanted de to en, since made.en is a source"),
        ({"by": "namesake.yaml"}, "recipe backwards: another of its chain has the run runs/backwards, too"),
        ({"by": "untrained"}, "made.en.by: {folder}/untrained: no model in this folder: wanted model.safetensors"),
        (
            {"decoding": {"strategy": {"width": 3, "kind": "beam"}, "longest_input": 0}},
            "data.translate.made.en.decoding.longest_input: found 0, wanted a number",
        ),
        (
            {"decoding": {"strategy": {"kind": "diverse-beam", "groups": 2}}},
            "recipe backwards: data.translate.made.en.decoding: strategy: found width 9 in 2 groups",
        ),
    ],
)
def test_a_chain_that_cannot_be_is_one_line(chain: Path, changes: Document, message: str) -> None:
    change(chain / "recipe.yaml", data__translate={"made.en": MADE | changes})
    circle = read_yaml(chain / "recipe.yaml") | {"name": "circle"}
    circle["data"] = circle["data"] | {"translate": {"made.en": MADE | {"by": "recipe.yaml"}}}
    (chain / "circle.yaml").write_text(to_yaml(circle))
    (chain / "namesake.yaml").write_text(to_yaml(read_yaml(chain / "reverse.yaml") | {"name": "backwards"}))
    change(chain / "reverse.yaml", decoding={"strategy": {"kind": "diverse-beam", "width": 9, "groups": 3}})
    (chain / "untrained").mkdir()
    (chain / "untrained" / "run.yaml").write_text("format: 1\n")
    with pytest.raises(NmtkError) as fault:
        chain_of(load(chain), Path("runs/backwards"))
    assert message.format(folder=chain) in str(fault.value)
    assert "\n" not in str(fault.value)


def test_stages_come_in_the_order_in_which_they_are_needed(chain: Path) -> None:
    """Two texts by one recipe, which itself has one made by a third."""
    both = {"made.en": MADE, "more.en": MADE | {"text": "train.de"}}
    change(chain / "recipe.yaml", data__translate=both)
    forth = read_yaml(chain / "recipe.yaml") | {"name": "forth"}
    forth["data"] = forth["data"] | {"translate": {}, "train": [{"source": "train.en", "target": "train.de"}]}
    (chain / "forth.yaml").write_text(to_yaml(forth))
    change(chain / "reverse.yaml", data__translate={"made.de": {"text": "mono.de", "by": "forth.yaml"}})
    stages = chain_of(load(chain), Path("runs/last"))
    assert [stage.run for stage in stages] == [Path("runs") / name for name in ("forth", "reverse", "last")]
    assert stages[2].models == {"made.en": Path("runs/reverse"), "more.en": Path("runs/reverse")}
    assert stages[1].models == {"made.de": Path("runs/forth")}
