"""Laws of one packed side."""

from pathlib import Path

import numpy as np
import pytest

from nmtk.data.packed import Sentences, Shelf, Side, SideHeader, SideWriter, id_width
from nmtk.errors import DataError


def write(folder: Path, name: str, sentences: list[list[int]], cuts: list[int], vocabulary: int) -> SideHeader:
    with SideWriter(folder, name, vocabulary) as writer:
        for first, last in zip([0, *cuts], [*cuts, len(sentences)], strict=True):
            part = sentences[first:last]
            flat = np.array([number for sentence in part for number in sentence], dtype=np.uint32)
            writer.write(Sentences(flat, np.array([len(sentence) for sentence in part], dtype=np.int32)), 0, 0)
        return writer.header()


@pytest.mark.parametrize(("vocabulary", "width"), [(1, "uint16"), (65_536, "uint16"), (65_537, "uint32")])
def test_the_last_id_of_a_vocabulary_survives(tmp_path: Path, vocabulary: int, width: str) -> None:
    assert id_width(vocabulary) == width
    header = write(tmp_path, "side", [[vocabulary - 1, 0]], [], vocabulary)
    assert header.width == width
    assert Side(tmp_path, "side", header, 1, vocabulary).gather(np.array([0])).ids.tolist() == [vocabulary - 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_gathered_rows_are_the_sentences_however_they_were_written(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sentences = [rng.integers(0, 300, length).tolist() for length in rng.integers(0, 9, 50)]
    header = write(tmp_path, "whole", sentences, [], 300)
    assert header == write(tmp_path, "cut", sentences, sorted(rng.integers(0, 51, 6).tolist()), 300)
    assert (tmp_path / "whole.starts").read_bytes() == (tmp_path / "cut.starts").read_bytes()
    side = Side(tmp_path, "cut", header, len(sentences), 300)
    shelf = Shelf(side.gather(np.arange(50)))
    for size in (0, 1, 7, 50, 200):
        anywhere = rng.integers(0, 50, size)
        for rows in (anywhere, np.sort(anywhere), np.unique(anywhere)):
            for found in (side.gather(rows), shelf.gather(rows)):
                assert [part.tolist() for part in found.split()][: len(rows)] == [sentences[row] for row in rows]
                assert found.lengths.tolist() == [len(sentences[row]) for row in rows]


def test_the_digest_knows_where_sentences_end(tmp_path: Path) -> None:
    one, two = write(tmp_path, "a", [[1, 2], [3]], [], 9), write(tmp_path, "b", [[1], [2, 3]], [], 9)
    assert one.pieces == two.pieces
    assert one.digest != two.digest


def test_a_row_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    side = Side(tmp_path, "a", write(tmp_path, "a", [[1, 2], [3]], [], 9), 2, 9)
    for row in (2, -1):
        with pytest.raises(IndexError, match=f"found rows from {row} to {row}, wanted them below 2"):
            side.gather(np.array([row]))


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    side = Side(tmp_path, "a", write(tmp_path, "a", [[1, 2], [3]], [], 9), 2, 9)
    (tmp_path / "a.ids").write_bytes(b"\0\0")
    with pytest.raises(DataError, match=r"a\.ids: cut short while it is in use"):
        side.gather(np.array([0]))


@pytest.mark.parametrize("name", ["a.starts", "a.lengths", "a.ids"])
def test_numbers_that_cannot_be_are_damage(tmp_path: Path, name: str) -> None:
    side = Side(tmp_path, "a", write(tmp_path, "a", [[1, 2], [3]], [], 9), 2, 9)
    path = tmp_path / name
    path.write_bytes(b"\xff" * path.stat().st_size)
    with pytest.raises(DataError, match="damaged: delete it to pack the corpus again"):
        side.gather(np.arange(2))


def test_the_recipe_for_padding_pads(tmp_path: Path) -> None:
    """As the docstring of Sentences says."""
    sentences = [[1, 2], [], [3, 4, 5]]
    ids, lengths = Side(tmp_path, "a", write(tmp_path, "a", sentences, [], 9), 3, 9).gather(np.array([2, 1, 0]))
    padded = np.zeros((3, 3), dtype=np.int64)
    padded[np.arange(3) < lengths[:, None]] = ids
    assert padded.tolist() == [[3, 4, 5], [0, 0, 0], [1, 2, 0]]
