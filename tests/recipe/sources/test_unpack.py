"""Laws of unpacking: any compression gives the same bytes, each file whole or not at all, in one pass."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import zstandard

from nmtk.errors import DataError, NmtkError
from nmtk.recipe.sources.unpack import unpack

FILES = {"training/a.en": b"One.\nTwo.\n" * 30_000, "training/a.de": b"Eins.\n", "dev/b.en": "Vier\u2028.".encode()}


def tar(path: Path, mode: str, files: Mapping[str, bytes] = FILES, prefix: str = "") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo(f"{prefix}training")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            entry = tarfile.TarInfo(prefix + name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def zstandard_tar(path: Path) -> Path:
    tar(path, "w:")
    path.write_bytes(zstandard.compress(path.read_bytes()))
    return path


def parted_gzip(path: Path) -> Path:
    """Of several gzip members, as pigz and `cat` make them."""
    import gzip

    whole = tar(path, "w:").read_bytes()
    path.write_bytes(b"".join(gzip.compress(whole[at : at + 100_000]) for at in range(0, len(whole), 100_000)))
    return path


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("training")
        for name, data in FILES.items():
            archive.writestr(name, data)
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "plain": lambda path: tar(path, "w:"),
    "gzip": lambda path: tar(path, "w:gz"),
    "gzip in parts": parted_gzip,
    "bzip2": lambda path: tar(path, "w:bz2"),
    "xz": lambda path: tar(path, "w:xz"),
    "zstandard": zstandard_tar,
    "names with ./": lambda path: tar(path, "w:gz", prefix="./"),
    "zip": zipped,
}


@pytest.mark.parametrize("name", ["all.tgz", "download?id=7"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_any_archive_gives_the_same_bytes_whatever_its_name(
    make: Callable[[Path], Path], name: str, tmp_path: Path
) -> None:
    archive = make(tmp_path / name)
    unpack(archive, {name: tmp_path / "out" / name for name in FILES})
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES


def test_only_what_is_asked_for_is_unpacked(tmp_path: Path) -> None:
    unpack(tar(tmp_path / "all.tgz", "w:gz"), {"training/a.de": tmp_path / "out" / "mine"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_reading_ends_with_the_last_file_that_is_asked_for(tmp_path: Path) -> None:
    archive = tar(tmp_path / "all.tar", "w:")
    archive.write_bytes(archive.read_bytes()[:310_000])  # cut in what comes after the first file
    unpack(archive, {"training/a.en": tmp_path / "mine"})
    assert (tmp_path / "mine").read_bytes() == FILES["training/a.en"]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("train/a.en", "training/a.en"),  # of the same last name
        ("training/a.fr", "training/a.en, training/a.de"),  # nearly of that name
        ("xyz", "training/a.en, training/a.de, dev/b.en"),
    ],
)
@pytest.mark.parametrize("make", [MAKERS["gzip"], MAKERS["zip"]], ids=["gzip", "zip"])
def test_a_file_that_is_not_there_is_told_with_the_nearest(
    make: Callable[[Path], Path], asked: str, wanted: str, tmp_path: Path
) -> None:
    archive = make(tmp_path / "all")
    with pytest.raises(DataError) as told:
        unpack(archive, {asked: tmp_path / "out"})
    assert set(str(told.value).removeprefix(f"{archive}: has no file {asked}: wanted one as ").split(", ")) == set(
        wanted.split(", ")
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_an_archive_cut_short_is_told_and_leaves_nothing_half_written(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    archive = make(tmp_path / "all")
    archive.write_bytes(archive.read_bytes()[:-900] if archive.stat().st_size < 5_000 else archive.read_bytes()[:5_000])
    with pytest.raises(DataError, match=r"all: cannot be unpacked: .*: wanted a whole tar or zip file$") as told:
        unpack(archive, {"training/a.en": tmp_path / "out" / "a"})
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("content", [b"", b"One.\nTwo.\n", b"One.\n" * 1000, b"PK but no zip"])
def test_what_is_no_archive_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=r"file: (cannot be unpacked: .*: wanted a whole tar or zip file|has no file)"):
        unpack(tmp_path / "file", {"a": tmp_path / "out"})


def test_a_damaged_file_in_a_zip_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a", b"some text that is long enough to be damaged")
    archive.write_bytes(archive.read_bytes().replace(b"long enough", b"LONG enough"))
    with pytest.raises(DataError, match=r"all.zip: cannot be unpacked: Bad CRC-32 for file 'a'"):
        unpack(archive, {"a": tmp_path / "out"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_a_byte_that_flipped_before_a_file_is_told_as_damage(compression: str, tmp_path: Path) -> None:
    whole = tar(tmp_path / "all", f"w:{compression}").read_bytes()
    inner = tar(tmp_path / "inner", "w:").read_bytes()
    for data, flips in ((whole, [len(whole) // 2, len(whole) * 2 // 3]), (inner, [inner.index(b"dev/b.en") + 5])):
        for at in flips if compression or data is inner else []:
            (tmp_path / "all").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(DataError, match=r"all: cannot be unpacked: .*: wanted a whole tar or zip file$"):
                unpack(tmp_path / "all", {"dev/b.en": tmp_path / "out"})


def test_links_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        entry = tarfile.TarInfo("a")
        entry.type, entry.linkname = tarfile.SYMTYPE, "../../etc/passwd"
        archive.addfile(entry)
    with pytest.raises(DataError, match=r"all.tar: a is a link to ../../etc/passwd: wanted the file itself"):
        unpack(tmp_path / "all.tar", {"a": tmp_path / "out"})


def test_a_folder_that_cannot_be_written_is_not_taken_for_a_damaged_archive(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder is to be")
    with pytest.raises(NmtkError, match=r"out/a: cannot be written"):
        unpack(tar(tmp_path / "all.tgz", "w:gz"), {"training/a.en": tmp_path / "out" / "a"})
