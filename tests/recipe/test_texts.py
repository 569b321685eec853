"""Laws of a recipe's texts: their lines, and what training must not see."""

import pickle
from pathlib import Path

import pytest

from nmtk.data.held_out import HeldOut
from nmtk.data.pairs import CHUNK
from nmtk.errors import DataError
from nmtk.recipe.data import CorpusOptions, DataOptions, TextOptions
from nmtk.recipe.phrases.options import Phrases
from nmtk.recipe.texts import Text, find_texts


def text(folder: Path, lines: str | None = None) -> Text:
    paths = (folder / "en", folder / "de")
    for path, words in zip(paths, ("one two three four", "eins zwei drei vier"), strict=True):
        path.write_text(words.replace(" ", "\n") + "\n")
    return Text("text", TextOptions(source="en", target="de", lines=lines), paths)


@pytest.mark.parametrize(
    ("lines", "expected"), [(None, "eins zwei drei vier"), ("2-3", "zwei drei"), ("3-", "drei vier")]
)
def test_lines_count_from_one_and_both_ends_belong(lines: str | None, expected: str, tmp_path: Path) -> None:
    assert " ".join(pair.target for pair in text(tmp_path, lines).pairs()) == expected


@pytest.mark.parametrize("lines", ["2-5", "5-"])
def test_lines_that_are_not_there_are_an_error(lines: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"en: has 4 lines, wanted lines {lines}"):
        list(text(tmp_path, lines).pairs())


@pytest.mark.parametrize("every", [2, 3, 5])
def test_every_so_many_lines_and_the_others_are_the_whole_each_line_once(every: int, tmp_path: Path) -> None:
    whole = list(text(tmp_path).pairs())
    some, others = (list(text(tmp_path, f"{how} {every}").pairs()) for how in ("every", "not every"))
    assert [pair.line for pair in some] == list(range(every, 5, every))
    assert sorted([*some, *others], key=lambda pair: pair.line) == whole


def test_every_so_many_lines_of_a_tsv_file_are_meant_across_chunks(tmp_path: Path) -> None:
    (tmp_path / "tsv").write_text("".join(f"{line}\t{-line}\n" for line in range(1, 2 * CHUNK)))
    chosen = Text("text", TextOptions(tsv="tsv", lines="every 23"), (tmp_path / "tsv",))
    assert [pair.source for pair in chosen.pairs()] == [str(line) for line in range(23, 2 * CHUNK, 23)]
    assert all(pickle.loads(pickle.dumps(chunk)) == chunk for chunk in chosen.chunks())


def test_generated_text_is_found_and_nothing_of_it_is_held_out(tmp_path: Path) -> None:
    data = DataOptions(
        source="en",
        target="de",
        generate=Phrases(pairs=2000),
        train=(CorpusOptions(source="train.en", target="train.de"),),
        valid=TextOptions(source="valid.en", target="valid.de"),
        test={"test": TextOptions(source="test.en", target="test.de")},
    )
    texts = find_texts(data, tmp_path / "recipe", tmp_path / "work")
    assert {found.origin for found in texts.manifest} == {"generated"}
    held_out = HeldOut(pair for text in (texts.valid, *texts.test.values()) for pair in text.pairs())
    assert sum(not held_out.holds(pair) for pair in texts.train[0].pairs()) == 2000
