"""The task: europarl-it-en with 32,000 joint pieces, learnt and packed beforehand into one file to carry along."""

import shutil
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nmtk.data.corpus import Corpus
from nmtk.data.mixture import Mixture
from nmtk.data.pairs import Pair, read_files
from nmtk.documents import to_yaml
from nmtk.files import atomic_folder
from nmtk.recipe.prepare import prepare
from nmtk.recipe.recipe import Recipe, load
from nmtk.vocabulary.vocabulary import Vocabularies

RECIPE = Path(__file__).with_name("recipe.yaml")
TINY = (
    "data.generate.pairs=2000",
    "vocabulary.size=500",
    "model.width=32",
    "model.heads=2",
    "model.inner=64",
    "training.batch_tokens=512",
    "training.log_every=5",
    "training.validation.lines=10",
    "training.device=cpu",
)
"""What makes nmtk's own quickstart a task that is trained in seconds."""


class Task(NamedTuple):
    """What is trained: a recipe, its vocabularies and packed pairs, and the raw pairs that are held out."""

    recipe: Recipe
    vocabularies: Vocabularies
    mixture: Mixture
    valid: list[Pair]

    @classmethod
    def open(cls, folder: Path) -> "Task":
        """The task that `build` made, from a folder."""
        vocabularies = Vocabularies.load(folder / "vocabulary")
        corpus = Corpus.open(folder / "corpus", vocabularies)
        valid = list(read_files(folder / "valid.source", folder / "valid.target"))
        return cls(load(folder / "recipe.yaml").recipe, vocabularies, Mixture([corpus], [1.0], vocabularies), valid)


def build(archive: Path, work: Path, tiny: bool = False) -> None:
    """Learn the vocabulary, pack the corpus, and put both into a file beside which nothing else is needed."""
    located = load(Path("quickstart"), TINY) if tiny else load(RECIPE)
    prepared = prepare(located, work, Console(stderr=True))
    (corpus,) = prepared.mixture.corpora
    with atomic_folder(work / "task") as task:
        (task / "vocabulary").mkdir()
        prepared.vocabularies.save(task / "vocabulary")
        shutil.copytree(corpus.folder, task / "corpus")
        (task / "recipe.yaml").write_text(to_yaml(located.recipe.minimal()), "utf-8")
        valid = list(prepared.texts.valid.pairs())
        (task / "valid.source").write_text("".join(pair.source + "\n" for pair in valid), "utf-8")
        (task / "valid.target").write_text("".join(pair.target + "\n" for pair in valid), "utf-8")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz") as file:
        for path in sorted((work / "task").rglob("*")):
            file.add(path, str(path.relative_to(work / "task")), recursive=False)
    print(f"{archive}: {archive.stat().st_size / 2**20:.1f} MiB, {len(corpus):,} pairs", file=sys.stderr)


def unpack(archive: Path, work: Path) -> Task:
    """The task from its file."""
    if not (work / "task").is_dir():
        with atomic_folder(work / "task") as task, tarfile.open(archive) as file:
            file.extractall(task, filter="data")
    return Task.open(work / "task")
