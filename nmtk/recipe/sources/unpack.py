"""Unpacking: some files of a tar file, in any compression, or of a zip file, streamed."""

import difflib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from nmtk.errors import DataError
from nmtk.files import CHUNK, atomic_write
from nmtk.lines import open_bytes

_DAMAGE = (OSError, EOFError, RuntimeError, lzma.LZMAError, zlib.error, tarfile.TarError, zipfile.BadZipFile)
"""What reading a damaged archive raises; RuntimeError is how zipfile says that one is encrypted."""
_COMPRESSED = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
"""How compressed files begin, whatever their names end in: `.tgz`, `download?id=7`."""
SHOWN = 3
"""Names that an error suggests."""

Opener: TypeAlias = Callable[[], IO[bytes]]


def unpack(archive: Path, wanted: Mapping[str, Path]) -> None:
    """Write members of an archive to the paths that are given for them, in one pass, each whole or not at all.

    Raises DataError for a member that it has not, with the nearest that it has, and for what is no whole archive.
    """
    left, names = dict(wanted), []
    with _reading(archive):
        for name, open_member in _members(archive):
            names.append(name)
            if path := left.pop(name, None):
                with atomic_write(path) as file:
                    file.writelines(_blocks(archive, open_member))
            if not left:
                return
    raise DataError(f"{archive}: has no file {next(iter(left))}: wanted one as {_nearest(next(iter(left)), names)}")


def _members(archive: Path) -> Iterator[tuple[str, Opener]]:
    """The files in an archive. Each is to be read, if at all, before the next is asked for."""
    with archive.open("rb") as packed:
        start = packed.read(6)
    if start.startswith(b"PK"):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    yield _normal(info.filename), partial(zipped.open, info)
        return
    compression = next((ending for magic, ending in _COMPRESSED.items() if start.startswith(magic)), "")
    with open_bytes(archive, compression) as file, tarfile.open(fileobj=file, mode="r|", tarinfo=_Entry) as tar:
        for entry in tar:
            if not entry.isdir():
                yield _normal(entry.name), partial(_open_entry, tar, entry, archive)
        while file.read(CHUNK):  # to where the compression has its checksum
            pass


class _Entry(tarfile.TarInfo):
    """A header in a tar file. A damaged one is told; tarfile takes it for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_Entry":
        try:
            return super().fromtarfile(tar)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"damaged at byte {tar.offset:,} of the tar file: {error}") from None


def _open_entry(tar: tarfile.TarFile, entry: tarfile.TarInfo, archive: Path) -> IO[bytes]:
    if entry.islnk() or entry.issym():
        raise DataError(f"{archive}: {entry.name} is a link to {entry.linkname}: wanted the file itself")
    file = tar.extractfile(entry)
    if file is None:
        raise DataError(f"{archive}: {entry.name} is no file")
    return file


def _blocks(archive: Path, open_member: Opener) -> Iterator[bytes]:
    with _reading(archive), open_member() as file:
        while block := file.read(CHUNK):
            yield block


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise DataError(f"{archive}: cannot be unpacked: {error}: wanted a whole tar or zip file") from None


def _normal(name: str) -> str:
    return str(PurePosixPath(name))  # without ./ before it


def _nearest(name: str, names: Sequence[str]) -> str:
    """Those of the same last name, else those most like it, else the first."""
    same = [other for other in names if PurePosixPath(other).name == PurePosixPath(name).name]
    return ", ".join((same or difflib.get_close_matches(name, names, SHOWN) or names)[:SHOWN]) or "(it has none)"
