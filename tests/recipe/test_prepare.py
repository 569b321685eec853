"""Laws of preparing a run: what is learned from, what is packed, and what is said of it."""

import io
import re
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

from nmtk.data.pairs import CHUNK
from nmtk.documents import Document
from nmtk.errors import DataError, OptionsError
from nmtk.recipe.making import EVERY
from nmtk.recipe.prepare import Prepared, prepare
from nmtk.recipe.recipe import Located, Recipe, load
from nmtk.recipe.run import begin
from nmtk.training.distributed import Ranks
from nmtk.vocabulary.learn import VocabularyOptions, learn
from tests.training.conftest import recipe, sentences

__all__ = ["recipe"]


def backwards(line: str) -> str:
    return " ".join(reversed(line.split()))


@pytest.fixture
def kept(tmp_path: Path) -> list[tuple[str, str]]:
    """Writes the text; gives the pairs that may be trained on."""
    train, valid = sentences(400, 0), sentences(20, 1)
    train[7] = valid[3].upper() + "!"
    for name, lines in (("train", train), ("valid", valid)):
        (tmp_path / f"{name}.en").write_text("".join(line + "\n" for line in lines))
        (tmp_path / f"{name}.de").write_text("".join(backwards(line) + "\n" for line in lines))
    held = {line.replace(" ", "") for text in valid for line in (text, backwards(text))}
    bare = [line.replace(" ", "").rstrip("!").lower() for line in train]
    assert bare[7] in held
    return [
        (line, backwards(line))
        for line, source in zip(train, bare, strict=True)
        if source not in held and backwards(line).replace(" ", "") not in held
    ]


def prepared(folder: Path, sample: int, **changes: Document) -> tuple[Prepared, str]:
    document: Document = {
        "name": "backwards",
        "data": {
            "source": "en",
            "target": "de",
            "train": [{"source": "train.en", "target": "train.de"}],
            "valid": {"source": "valid.en", "target": "valid.de"},
        },
        "vocabulary": {"size": 280, "sample": sample},
        "training": {"updates": 1},
    }
    document |= changes
    console = Console(file=io.StringIO(), width=1000)
    made = prepare(Located(Recipe.parse(document, "recipe"), folder), folder / "run", console)
    assert isinstance(console.file, io.StringIO)
    return made, console.file.getvalue()


def test_what_is_held_out_is_neither_packed_nor_learned_from(tmp_path: Path, kept: list[tuple[str, str]]) -> None:
    made, said = prepared(tmp_path, 10_000)
    (corpus,) = made.mixture.corpora
    source = made.vocabularies.source
    assert source.decode([ids.tolist() for ids in corpus.source(np.arange(len(corpus))).split()]) == [
        s for s, _ in kept
    ]
    assert re.search(rf"dropped: {400 - len(kept)} with a side in a validation or test set \(lines? .*8", said)
    assert source.model == learn((side for pair in kept for side in pair), VocabularyOptions(size=280))


def test_a_sample_is_learned_from_without_what_is_held_out(tmp_path: Path, kept: list[tuple[str, str]]) -> None:
    """100 lines are 50 pairs, less those that are held out."""
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nmtk.recipe.prepare.learn", lambda lines, options: (seen.extend(lines), learn(seen, options))[1])
        prepared(tmp_path, 100)
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    assert 40 < len(pairs) <= 50
    assert set(pairs) <= set(kept)
    assert max(kept.index(pair) for pair in pairs) > 100


def test_packing_says_now_and_then_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, pairs in (("train", 4 * CHUNK), ("valid", 1)):
        for side in ("en", "de"):
            lines = [f"{number}\n" for number in range(pairs)]
            (tmp_path / f"{name}.{side}").write_text("".join(lines))
    ticks = count(step=EVERY / 2)
    monkeypatch.setattr("nmtk.recipe.prepare.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    _, said = prepared(tmp_path, 100)
    told = [line for line in said.splitlines() if line.endswith(" a second")]
    assert told == [
        f"corpus corpus1: {read:,} pairs read, {read - 1:,} kept, {CHUNK / EVERY * 2:.0f} a second"
        for read in (2 * CHUNK, 4 * CHUNK)
    ]


def test_a_process_prepares_once(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[Path] = []

    def counting(located: Located, run: Path, console: Console) -> Prepared:
        times.append(run)
        return prepare(located, run, console)

    monkeypatch.setattr("nmtk.recipe.run.prepare", counting)
    begin(load(recipe), tmp_path / "run", Ranks(0, 1, torch.device("cpu")), Console(quiet=True))
    assert times == [tmp_path / "run"]


@pytest.mark.usefixtures("kept")
def test_what_the_note_says_to_be_of_other_options_is_made_anew(tmp_path: Path) -> None:
    before, _ = prepared(tmp_path, 10_000)
    again, said = prepared(tmp_path, 10_000)
    assert again.vocabularies.digest == before.vocabularies.digest
    assert not said
    after, said = prepared(tmp_path, 100)
    assert after.vocabularies.digest != before.vocabularies.digest
    assert "vocabulary: 280 pieces" in said


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("there", [("data",), ("vocabulary",), ("vocabulary", "data")])
def test_what_has_no_note_is_refused_and_kept(tmp_path: Path, there: tuple[str, ...]) -> None:
    for name in there:
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "mine").write_text("dear to somebody")
    wanted = f"{tmp_path / 'run'}: found {' and '.join(name + '/' for name in there)} without prepared.yaml"
    with pytest.raises(DataError, match=f"^{re.escape(wanted)}.*-o for another folder, or --overwrite"):
        prepared(tmp_path, 10_000)
    assert all((tmp_path / "run" / name / "mine").read_text() == "dear to somebody" for name in there)


@pytest.mark.usefixtures("kept")
def test_a_vocabulary_at_hand_that_cannot_be_sampled_is_told(tmp_path: Path) -> None:
    own = learn(sentences(400, 0), VocabularyOptions(kind="bpe", size=40, byte_fallback=False))
    (tmp_path / "own.model").write_bytes(own)
    training: Document = {"updates": 1, "sampling": {"alpha": 1}}
    with pytest.raises(OptionsError, match=r"^recipe backwards: training\.sampling\.alpha: found 1, wanted less"):
        prepared(tmp_path, 10_000, vocabulary={"file": "own.model"}, training=training)


@pytest.mark.usefixtures("kept")
def test_a_vocabulary_that_is_not_at_hand_is_told_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^recipe backwards: vocabulary: nowhere\.model: no such file$"):
        prepared(tmp_path, 10_000, vocabulary={"file": "nowhere.model"})
