"""A run's home: the folder `runs/NAME`, and whose run it is.

recipe.yaml     the recipe, every default written out
run.yaml        the folder that the recipe was in, and the files it was made from, with their hashes
vocabulary/  text/  data/      learned; generated, or made by a translation; packed. prepared.yaml: what from
batches.yaml    with `batch_tokens: auto`, what was found
checkpoints/  log.jsonl  tensorboard/      of training
model/  translations/  scores.json  robustness.json      what came of it; verification.json: whether that is as expected
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nmtk.bundle import CARD, FINAL, checkpoints_in
from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import ModelError, OptionsError, TrainingError
from nmtk.files import write_text
from nmtk.recipe.recipe import Located, Recipe, load
from nmtk.recipe.shelf import DOCUMENT
from nmtk.recipe.sources.source import Found

RUNS = Path("runs")
"""Where runs are unless something else is asked for."""
RUN = "run.yaml"
MADE = ("vocabulary", "data", "checkpoints")
"""The folders of what a run makes by its options. Before there is one of them, the options may still change."""


def is_run(path: Path) -> bool:
    """Whether a folder is a run of nmtk train, and not a recipe's that has some run.yaml of its own.

    Raises OptionsError when that cannot be read.
    """
    return (path / DOCUMENT).is_file() and (path / RUN).is_file() and "recipe" in read_yaml(path / RUN)


def open_run(run: Path, assignments: Sequence[str] = ()) -> Located:
    """The recipe of a run, and the folder that it was in. Raises ModelError when the folder is no run.

    assignments: `key=value` settings laid over the recipe.
    """
    if not is_run(run):
        raise ModelError(f"{run}: no run of nmtk train: wanted its {DOCUMENT} and {RUN} in it")
    return Located(load(run, assignments).recipe, Path(read_yaml(run / RUN)["recipe"]))


def job(path: Path, assignments: Sequence[str] = (), output: Path | None = None) -> tuple[Located, Path]:
    """The recipe that a path means (`load`), and the folder of its run: `output`, or runs/NAME.

    A run's folder means its own recipe, whose files are still where they were, and that run.
    """
    if is_run(path):
        return open_run(path, assignments), output or path
    located = load(path, assignments)
    return located, output or RUNS / located.recipe.name


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Keep a run's folder for this process; the lock goes with the process, however it ends.

    Raises TrainingError when another process has it.
    """
    run.mkdir(parents=True, exist_ok=True)
    folder = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise TrainingError(f"{run}: another nmtk train is at work there: let it end first, or use -o") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(folder)


def claim(run: Path, located: Located, overwrite: bool = False, trains: bool = True) -> None:
    """Make the folder this recipe's run, or go on with the run that it is.

    A run without a checkpoint has trained nothing yet, and may still become any other. Raises OptionsError when the
    run was made with other options that matter, and nothing is changed; `overwrite` deletes what the run was and
    starts over. Where nothing `trains`, a run that has begun keeps the recipe that it knows.
    """
    known = (run / RUN).is_file()  # a recipe.yaml may as well be the recipe's own
    if not known and run.exists() and any(run.iterdir()):
        raise OptionsError(f"{run}: the folder is not empty, and no run of nmtk train: use -o for another")
    if overwrite and known:
        _empty(run)
    elif known and any((run / name).exists() for name in MADE):
        before = Recipe.parse(read_yaml(run / DOCUMENT), str(run / DOCUMENT))
        if begun(run) and (changed := before.changes(located.recipe)):
            listed = "; ".join(map(str, changed))
            raise OptionsError(
                f"{run}: cannot go on with {listed}: use -o for another run, or nmtk train --overwrite to start over"
            )
    if not trains and begun(run):
        return
    if not (run / RUN).is_file():
        write_manifest(run, located.folder, ())
    write_text(run / DOCUMENT, to_yaml(located.recipe.document()))


def _empty(folder: Path) -> None:
    """Delete all that is in a folder; the folder stays, since its lock is held."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def begun(run: Path) -> bool:
    """Whether something was trained in the run."""
    return bool(checkpoints_in(run)) or (run / FINAL).is_dir()


def finished(run: Path, recipe: Recipe) -> bool:
    """Whether the run has its final model, and training by this recipe would only make the same again."""
    card = run / FINAL / CARD
    return card.is_file() and read_yaml(card).get("document") == digest_of(recipe)


def digest_of(recipe: Recipe) -> str:
    """The SHA-256 of a recipe, every default written out: what a final model's card knows of its recipe."""
    return hashlib.sha256(to_yaml(recipe.document()).encode()).hexdigest()


def write_manifest(run: Path, recipe: Path, manifest: Sequence[Found]) -> None:
    """Note where the recipe and its files came from."""
    document = {"format": 1, "recipe": str(recipe.absolute()), "files": [found.document() for found in manifest]}
    write_text(run / RUN, to_yaml(document))
