"""Laws of opening a packed corpus."""

import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nmtk.data.corpus import HEADER, Corpus
from nmtk.data.filters import FilterOptions
from nmtk.data.packing import pack
from nmtk.data.pairs import Pair
from nmtk.documents import read_yaml, to_yaml
from nmtk.errors import DataError
from nmtk.vocabulary.vocabulary import Vocabularies


@pytest.fixture
def folder(tmp_path: Path, vocabularies: Vocabularies, some_pairs: Callable[[int, int], list[Pair]]) -> Path:
    pack([some_pairs(50, 1)], vocabularies, FilterOptions(), tmp_path / "corpus")
    return tmp_path / "corpus"


def message(folder: Path, vocabularies: Vocabularies) -> str:
    with pytest.raises(DataError) as error:
        Corpus.open(folder, vocabularies)
    text = str(error.value)
    assert "\n" not in text
    assert str(folder) in text
    return text


def test_another_vocabulary_is_refused(
    folder: Path, vocabularies: Vocabularies, other_vocabularies: Vocabularies
) -> None:
    text = message(folder, other_vocabularies)
    assert vocabularies.digest[:12] in text
    assert other_vocabularies.digest[:12] in text
    assert "delete it to pack it again" in text


FILES = [f"{side}.{part}" for side in ("source", "target") for part in ("ids", "starts", "lengths")]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_size_is_refused(folder: Path, vocabularies: Vocabularies, name: str) -> None:
    whole = (folder / name).read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"\0"):
        (folder / name).write_bytes(data)
        assert f"{name}: found {len(data)} bytes, wanted {len(whole)}" in message(folder, vocabularies)
    (folder / name).unlink()
    assert f"{name}: no such file" in message(folder, vocabularies)


def test_a_folder_has_no_other_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([HEADER, *FILES])


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"format": 2}, "found format 2, which a newer nmtk wrote; this one reads 1"),
        ({"format": 2, "chunks": 3}, "found format 2, which a newer nmtk wrote; this one reads 1"),
        ({"pairs": "many"}, 'pairs: found "many", wanted a whole number: delete its folder to pack the corpus again'),
        ({"pears": 3}, "unknown key pears; did you mean pairs?: delete its folder to pack the corpus again"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(
    folder: Path, vocabularies: Vocabularies, change: dict[str, object], wanted: str
) -> None:
    (folder / HEADER).write_text(to_yaml(read_yaml(folder / HEADER) | change))
    assert message(folder, vocabularies) == f"{folder / HEADER}: {wanted}"


def test_a_folder_that_is_none_is_refused(folder: Path, vocabularies: Vocabularies) -> None:
    assert message(folder / "missing", vocabularies).endswith("no packed corpus here: corpus.yaml is missing")
    assert message(folder / HEADER, vocabularies).endswith("no packed corpus here: corpus.yaml is missing")


def test_a_pickled_corpus_is_its_name(folder: Path, vocabularies: Vocabularies) -> None:
    corpus = Corpus.open(folder, vocabularies)
    data = pickle.dumps(corpus)
    copy = pickle.loads(data)
    rows = np.arange(len(corpus))
    assert len(data) < 2000
    assert copy.digest == corpus.digest
    assert copy.source(rows).ids.tolist() == corpus.source(rows).ids.tolist()


def test_opening_costs_the_same_for_any_size(folder: Path, vocabularies: Vocabularies) -> None:
    """100 million pairs, all of them holes in the files: opened and gathered from in next to no memory."""
    count, length = 100_000_000, 30
    document = read_yaml(folder / HEADER) | {"pairs": count}
    for side in ("source", "target"):
        document[side]["pieces"] = count * length
        for part, width in (("ids", 2 * length), ("starts", 8), ("lengths", 4)):
            with (folder / f"{side}.{part}").open("wb") as file:
                file.truncate(count * width)
    (folder / HEADER).write_text(to_yaml(document))
    tracemalloc.start()
    corpus = Corpus.open(folder, vocabularies)
    found = corpus.source(np.array([0, count - 1]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(corpus) == count
    assert found.lengths.tolist() == [0, 0]
    assert peak < 1 << 20
