"""Laws of joins: the lines of the parts, in their order, and nothing of what lies between files."""

import gzip
import hashlib
from pathlib import Path

import pytest

from nmtk.errors import DataError
from nmtk.lines import BOM
from tests.recipe.sources.conftest import MakeFinder


def test_the_lines_follow_each_other(make_finder: MakeFinder, tmp_path: Path) -> None:
    finder = make_finder(**{"all.en.gz": {"join": ["a", "b.gz", "c", "a"]}})
    (tmp_path / "recipe" / "a").write_bytes(BOM + b"one\ntwo")  # the last line does not end
    with gzip.open(tmp_path / "recipe" / "b.gz", "wb") as file:
        file.write("three\u2028\n\n".encode())
    (tmp_path / "recipe" / "c").write_bytes(b"")
    found = finder.find("all.en.gz")
    assert found.path.read_text() == "one\ntwo\nthree\u2028\n\none\ntwo\n"
    assert found.origin == "join of a, b.gz, c, a"
    assert found.sha256 == hashlib.sha256(found.path.read_bytes()).hexdigest()
    assert list(finder.found) == ["a", "b.gz", "c", "all.en.gz"]


def test_a_join_is_made_anew_when_a_part_has_changed(make_finder: MakeFinder, tmp_path: Path) -> None:
    first = make_finder(all={"join": ["a"]})
    part = tmp_path / "recipe" / "a"
    part.write_text("one\n")
    assert first.find("all").path.read_text() == "one\n"
    part.write_text("two\n")
    second = make_finder(all={"join": ["a"]})
    assert second.find("all").path.read_text() == "two\n"


def test_a_join_may_be_of_joins(make_finder: MakeFinder, tmp_path: Path) -> None:
    finder = make_finder(all={"join": ["both", "a"]}, both={"join": ["a", "a"]})
    (tmp_path / "recipe" / "a").write_text("one\n")
    assert finder.find("all").path.read_text() == "one\n" * 3


def test_a_part_that_is_nowhere_or_damaged_is_told_and_nothing_is_written(
    make_finder: MakeFinder, tmp_path: Path
) -> None:
    finder = make_finder(all={"join": ["a.gz"]})
    with pytest.raises(DataError, match=r"^a.gz: in none of: "):
        finder.find("all")
    (tmp_path / "recipe" / "a.gz").write_bytes(gzip.compress(b"one\n" * 1000)[:-9])
    with pytest.raises(DataError, match=r"a.gz: cannot be read"):
        finder.find("all")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
