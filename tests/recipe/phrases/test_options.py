"""Laws of the files that the generator writes."""

import re
from pathlib import Path

import pytest

from nmtk.errors import NmtkError, OptionsError
from nmtk.recipe.phrases.options import Phrases

NAMES = {f"{name}.{language}" for name in ("train", "valid", "test") for language in ("en", "de")}


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        Phrases(pairs=300, seed=2).write(tmp_path / folder)
    assert read(tmp_path / "one") == read(tmp_path / "two")
    assert read(tmp_path / "one").keys() == NAMES
    assert {name: text.count(b"\n") for name, text in read(tmp_path / "one").items() if name.endswith("de")} == {
        "train.de": 300,
        "valid.de": 500,
        "test.de": 1000,
    }


def test_another_seed_gives_other_sentences(tmp_path: Path) -> None:
    Phrases(pairs=300, seed=2).write(tmp_path / "one")
    Phrases(pairs=300, seed=3).write(tmp_path / "two")
    one, two = read(tmp_path / "one"), read(tmp_path / "two")
    assert all(one[name] != two[name] for name in NAMES)


def test_only_files_that_differ_are_written(tmp_path: Path) -> None:
    Phrases(pairs=300).write(tmp_path)
    before = read(tmp_path)
    (tmp_path / "train.en").write_text("spoilt\n")
    kept = {name: (tmp_path / name).stat().st_ino for name in NAMES - {"train.en"}}
    Phrases(pairs=300).write(tmp_path)
    assert read(tmp_path) == before
    assert {name: (tmp_path / name).stat().st_ino for name in kept} == kept


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NmtkError, match=re.escape(str(tmp_path / "file" / "train.en")) + ": cannot be written"):
        Phrases(pairs=10).write(tmp_path / "file")


def test_more_pairs_than_there_are_are_refused() -> None:
    with pytest.raises(OptionsError, match='x: pairs: found "10M", wanted a number less than or equal to 200000'):
        Phrases.parse({"pairs": "10M"}, "x")
