"""Laws of files in archives: unpacked once, found again by the archive's hash, never taken for another's."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmtk.errors import DataError
from nmtk.recipe.fetch import Finder
from tests.recipe.sources.conftest import MakeFinder

SGML = b"<doc>\n<seg id=1>One &amp; two.</seg>\n</doc>\n"


def archive(path: Path, **files: bytes) -> dict[str, Any]:
    """Write one; what a recipe says of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return {"url": path.as_uri(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def said(finder: Finder) -> str:
    assert isinstance(finder.console.file, io.StringIO)
    return finder.console.file.getvalue()


def test_all_files_of_an_archive_are_unpacked_in_one_pass_and_found_again(
    make_finder: MakeFinder, tmp_path: Path
) -> None:
    fetched = archive(tmp_path / "served.tgz", **{"c/a.en": b"One.\n", "c/a.de": b"Eins.\n", "c/other": b""})
    files = {
        "wmt/all.tgz": fetched,
        "a.en": {"archive": "wmt/all.tgz", "member": "c/a.en"},
        "a.de": {"archive": "wmt/all.tgz", "member": "./c/a.de"},
    }
    finder = make_finder(**files)
    assert finder.find("a.en").path.read_text() == "One.\n"
    assert finder.find("a.de").path.read_text() == "Eins.\n"
    assert said(finder).count("unpacking") == 1
    assert "unpacking c/a.de, c/a.en of wmt/all.tgz" in said(finder)
    assert [found.name for found in finder.found.values()] == ["wmt/all.tgz", "a.en", "a.de"]
    assert finder.found["a.en"].origin == "c/a.en of wmt/all.tgz"
    again = make_finder(**files)
    assert again.find("a.de").path == finder.find("a.de").path
    assert said(again) == ""
    assert not list((tmp_path / "cache").rglob("other"))


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"Two.\n"), lambda path: path.unlink(missing_ok=True)])
@pytest.mark.parametrize("markup", [None, "sgml"])
def test_what_was_unpacked_and_has_changed_is_unpacked_again(
    markup: str | None, harm: Callable[[Path], object], make_finder: MakeFinder, tmp_path: Path
) -> None:
    wanted = {"archive": "all.tgz", "member": "a"} | ({"markup": markup} if markup else {})
    files = {"all.tgz": archive(tmp_path / "served.tgz", a=SGML), "a.en": wanted}
    first = make_finder(**files).find("a.en")
    raw = next((tmp_path / "cache" / "all.tgz.members").glob("*/raw/a"))
    for harmed in ([first.path], [raw], [raw, first.path]):
        for path in harmed:
            harm(path)
        again = make_finder(**files)
        assert again.find("a.en") == first
        assert ("unpacking a of all.tgz" in said(again)) is (raw in harmed and first.path in harmed)
    assert raw.read_bytes() == SGML


@pytest.mark.parametrize("note", ["", "another"])
def test_what_was_unpacked_without_a_note_of_its_hash_is_not_trusted(
    note: str, make_finder: MakeFinder, tmp_path: Path
) -> None:
    files = {"all.tgz": archive(tmp_path / "served.tgz", a=SGML), "a.en": {"archive": "all.tgz", "member": "a"}}
    first = make_finder(**files).find("a.en")
    [known] = (tmp_path / "cache").rglob("a.sha256")
    if note:
        known.write_text(note)
    else:
        known.unlink()
    again = make_finder(**files)
    assert again.find("a.en") == first
    assert "unpacking a of all.tgz" in said(again)


def test_what_is_unpacked_lies_in_the_cache_beside_the_archive(make_finder: MakeFinder, tmp_path: Path) -> None:
    fetched = archive(tmp_path / "served.tgz", a=b"One.\n")
    finder = make_finder(**{"wmt/all.tgz": fetched, "a.en": {"archive": "wmt/all.tgz", "member": "a"}})
    assert finder.find("a.en").path.relative_to(tmp_path / "cache" / "wmt").parts[0] == "all.tgz.members"


def test_an_archive_at_hand_is_unpacked_into_the_cache_too(make_finder: MakeFinder, tmp_path: Path) -> None:
    archive(tmp_path / "anywhere" / "all.tgz", a=b"One.\n")
    name = str(tmp_path / "anywhere" / "all.tgz")
    found = make_finder(**{name: {}, "a.en": {"archive": name, "member": "a"}}).find("a.en")
    assert found.path.is_relative_to(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "anywhere").iterdir()] == ["all.tgz"]


def test_the_text_of_a_marked_up_file_and_the_file_itself_are_two(make_finder: MakeFinder, tmp_path: Path) -> None:
    finder = make_finder(
        **{
            "all.tgz": archive(tmp_path / "served.tgz", **{"dev/a.sgm": SGML, "dev/a.sgm.txt": b"another\n"}),
            "text": {"archive": "all.tgz", "member": "dev/a.sgm", "markup": "sgml"},
            "marked": {"archive": "all.tgz", "member": "dev/a.sgm"},
            "another": {"archive": "all.tgz", "member": "dev/a.sgm.txt"},
        }
    )
    assert finder.find("text").path.read_text() == "One & two.\n"
    assert finder.find("marked").path.read_bytes() == SGML
    assert finder.find("another").path.read_text() == "another\n"
    assert finder.found["text"].origin == "the text in dev/a.sgm of all.tgz"


def test_an_archive_may_lie_in_an_archive(make_finder: MakeFinder, tmp_path: Path) -> None:
    archive(tmp_path / "inner.tgz", a=b"One.\n")
    outer = archive(tmp_path / "served.tgz", **{"x/inner.tgz": (tmp_path / "inner.tgz").read_bytes()})
    finder = make_finder(
        **{
            "outer.tgz": outer,
            "inner.tgz": {"archive": "outer.tgz", "member": "x/inner.tgz"},
            "a.en": {"archive": "inner.tgz", "member": "a"},
        }
    )
    assert finder.find("a.en").path.read_text() == "One.\n"
    assert list(finder.found) == ["outer.tgz", "inner.tgz", "a.en"]


def test_archives_of_one_name_never_give_each_others_files(make_finder: MakeFinder, tmp_path: Path) -> None:
    member = {"a.en": {"archive": "all.tgz", "member": "a"}}
    for text in (b"first\n", b"second\n", b"first\n"):
        fetched = archive(tmp_path / f"{text[:3].decode()}.tgz", a=text)
        assert make_finder(**{"all.tgz": fetched} | member).find("a.en").path.read_bytes() == text


def test_a_file_that_merely_has_the_name_is_not_taken(make_finder: MakeFinder, tmp_path: Path) -> None:
    files = {"all.tgz": archive(tmp_path / "served.tgz", a=b"right\n"), "a.en": {"archive": "all.tgz", "member": "a"}}
    finder = make_finder(**files)
    Path("a.en").write_text("wrong\n")  # in the current folder
    assert finder.find("a.en").path.read_text() == "right\n"


def test_a_file_of_the_right_hash_is_taken_and_the_archive_is_not_wanted(
    make_finder: MakeFinder, tmp_path: Path
) -> None:
    known = {"archive": "all.tgz", "member": "a", "sha256": hashlib.sha256(b"right\n").hexdigest()}
    finder = make_finder(**{"all.tgz": {}, "a.en": known})
    (tmp_path / "recipe" / "a.en").write_text("right\n")
    assert finder.find("a.en").origin == "beside the recipe"
    assert list(finder.found) == ["a.en"]


def test_a_file_of_an_archive_with_another_hash_is_told(make_finder: MakeFinder, tmp_path: Path) -> None:
    known = {"archive": "all.tgz", "member": "a", "sha256": "0" * 64}
    finder = make_finder(**{"all.tgz": archive(tmp_path / "served.tgz", a=b"One.\n"), "a.en": known})
    with pytest.raises(DataError, match=r"^a.en: a of all.tgz: found sha256 [0-9a-f]{64}, wanted 0{64}: not the file"):
        finder.find("a.en")


def test_a_file_that_an_archive_has_not_is_told(make_finder: MakeFinder, tmp_path: Path) -> None:
    fetched = archive(tmp_path / "served.tgz", **{"dev/newstest2013.en": b"", "dev/newstest2013.de": b""})
    finder = make_finder(**{"all.tgz": fetched, "a.en": {"archive": "all.tgz", "member": "newstest2013.en"}})
    with pytest.raises(DataError, match=r"all.tgz: has no file newstest2013.en: wanted one as dev/newstest2013.en$"):
        finder.find("a.en")
