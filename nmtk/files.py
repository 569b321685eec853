"""Files: written whole or not at all, known by their hash, fetched with resume."""

import errno
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nmtk.errors import DataError, NmtkError

CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder(kind: str) -> Path:
    """The user's folder for a kind of what can be had again: `data`, which was fetched, or what is made of a model.

    It is in nmtk/ under XDG_CACHE_HOME, or else ~/.cache. Where NMTK_CACHE is set it names the one for data, in which
    all others are.
    """
    if named := os.environ.get("NMTK_CACHE"):
        folder = Path(named).expanduser()
        return folder if kind == "data" else folder / kind
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "nmtk" / kind


def sync_folder(folder: Path) -> None:
    """Have the disk keep which files are in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes: it appears whole, synced to disk, when the block ends, and not at all if it fails.

    Raises NmtkError when the disk is full or the folder cannot be written; what stood there before stays.
    A device or a pipe, as /dev/null, is written to directly.
    """
    beside = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        if path.is_dir():  # told before the work is done, not after it
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise NmtkError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small UTF-8 file atomically."""
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


def are_one(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which may not be there yet. Devices and pipes are none: all may be one."""
    if any(path.exists() and not path.is_file() for path in (one, other)):
        return False
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; its files are synced and it becomes `path` when the block ends, else it goes.

    An older folder is replaced. Raises NmtkError when a file stands there, and when the disk is full; what stood there
    before stays.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        yield beside
        for file in beside.rglob("*"):
            if file.is_file():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
        sync_folder(beside)
        if path.exists():
            old = path.with_name(f".{path.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
            beside.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            beside.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise NmtkError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def download(
    url: str, path: Path, digest: str, tell: Callable[[int, int | None], None] = lambda _done, _all: None
) -> None:
    """Fetch `url` into `path`, going on where an earlier try stopped, and check its SHA-256.

    `tell(done, total)` is called with bytes as they arrive; `total` is None when the server does not say.
    Raises DataError when it cannot be fetched, or is not the file that was wanted (which is then not kept).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    done = part.stat().st_size if part.exists() else 0
    total: int | None = None
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 (the recipe's own URL)
            if done and reply.status != 206:
                done = 0
            length = reply.headers.get("Content-Length")
            total = done + int(length) if length else None
            with part.open("ab" if done else "wb") as file:
                while block := reply.read(CHUNK):
                    file.write(block)
                    done += len(block)
                    tell(done, total)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: the part is whole already
            raise DataError(f"{url}: cannot be fetched: HTTP {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(f"{url}: cannot be fetched: {reason}") from None
    except UnicodeError:
        raise DataError(f"{url}: cannot be fetched: wanted an address in ASCII, as %C3%A4 for ä") from None
    except ValueError as error:
        raise DataError(f"{url}: cannot be fetched: {error}: wanted an address such as https://host/file") from None
    if total is not None and done < total:
        raise DataError(f"{url}: cut off after {done} of {total} bytes: run it again to go on from there")
    found = sha256(part)
    if found != digest:
        part.unlink()
        raise DataError(f"{url}: fetched, but its sha256 is {found}, wanted {digest}")
    part.replace(path)
