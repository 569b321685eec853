import errno
import hashlib
import http.server
import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nmtk.errors import DataError, NmtkError
from nmtk.files import atomic_folder, atomic_write, cache_folder, download, sha256, write_text

CONTENT = os.urandom(3 << 20)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_one_cache_has_a_folder_for_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NMTK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("data") == tmp_path / ".cache" / "nmtk" / "data"
    assert cache_folder("ctranslate2") == tmp_path / ".cache" / "nmtk" / "ctranslate2"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "fast"))
    assert cache_folder("data") == tmp_path / "fast" / "nmtk" / "data"
    assert cache_folder("ctranslate2") == tmp_path / "fast" / "nmtk" / "ctranslate2"
    monkeypatch.setenv("NMTK_CACHE", "~/corpora")
    assert cache_folder("data") == tmp_path / "corpora"
    assert cache_folder("ctranslate2") == tmp_path / "corpora" / "ctranslate2"


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(CONTENT)
    assert sha256(tmp_path / "f") == DIGEST


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "f"
    with atomic_write(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert names(path.parent) == ["f"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_file_stays_as_it_was_when_the_block_fails(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_text(path, "old")
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012 (the failing block is what is tested)
        file.write(b"new")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("call", [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    call: tuple[object, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    write_text(path, "old")
    monkeypatch.setattr(call[0], call[1], no_space)
    with pytest.raises(NmtkError) as error:
        write_text(path, "new")
    assert str(error.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["f"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_is_written_to_and_never_replaced() -> None:
    with pytest.raises(NmtkError, match=r"^/dev/full: cannot be written: No space left on device$"):
        write_text(Path("/dev/full"), "x")
    write_text(Path("/dev/null"), "x")
    for device in ("/dev/full", "/dev/null"):
        assert Path(device).is_char_device()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write_text(tmp_path / "f", "a file")
    (tmp_path / "folder").mkdir()
    for path, reason in (
        (tmp_path / "f" / "g", "Not a directory|File exists"),
        (tmp_path / "folder", "Is a directory"),
        (Path(), "Is a directory"),
    ):
        with pytest.raises(NmtkError, match=f"{path}: cannot be written: ({reason})$"):
            write_text(path, "x")
    assert names(tmp_path) == ["f", "folder"]


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "run"
    for name in ("one", "two"):
        with atomic_folder(path) as folder:
            (folder / "sub").mkdir()
            (folder / "sub" / name).write_text(name)
            assert not (path / "sub" / name).exists()
        assert names(path / "sub") == [name]
        assert names(tmp_path) == ["run"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_stays_as_it_was_when_the_block_fails(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "run"
    with atomic_folder(path) as folder:
        (folder / "f").write_text("old")
    with pytest.raises(error), atomic_folder(path) as folder:  # noqa: PT012
        (folder / "f").write_text("new")
        raise error
    assert (path / "f").read_text() == "old"
    assert names(tmp_path) == ["run"]


def test_a_full_disk_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run"
    with atomic_folder(path) as folder:
        (folder / "f").write_text("old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(NmtkError) as error, atomic_folder(path) as folder:
        (folder / "f").write_text("new")
    assert str(error.value) == f"{path}: cannot be written: No space left on device"
    assert (path / "f").read_text() == "old"
    assert names(tmp_path) == ["run"]


def test_no_folder_takes_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(NmtkError) as error, atomic_folder(path):
        pass
    assert str(error.value) == f"{path}: cannot be written: Not a directory"
    assert path.read_text() == "mine"
    assert names(tmp_path) == ["notes.txt"]


def test_a_folder_left_by_a_killed_process_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".run.part").mkdir()
    (tmp_path / ".run.part" / "stale").write_text("x")
    with atomic_folder(tmp_path / "run") as folder:
        (folder / "f").write_text("new")
    assert names(tmp_path / "run") == ["f"]


class Server(socketserver.ThreadingTCPServer):
    """Serves CONTENT at any path; can drop the connection after some bytes, or know nothing of ranges."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.drop_after: int | None = None
        self.ranges = self.says_length = True
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.asked.append(asked)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        if self.path == "/missing":
            self.send_error(404)
            return
        if first >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if asked and self.server.ranges else 200)
        if self.server.says_length:
            self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()
        last = None if self.server.drop_after is None else first + self.server.drop_after
        self.wfile.write(CONTENT[first:last])

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_file_is_fetched_and_progress_told(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(server.url, tmp_path / "new" / "f", DIGEST, lambda done, total: told.append((done, total)))
    assert (tmp_path / "new" / "f").read_bytes() == CONTENT
    assert names(tmp_path / "new") == ["f"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_fetching_goes_on_where_it_was_cut_off(server: Server, tmp_path: Path) -> None:
    server.drop_after = 1 << 20
    told: list[tuple[int, int | None]] = []
    for done in (1 << 20, 2 << 20):
        with pytest.raises(DataError) as error:
            download(server.url, tmp_path / "f", DIGEST, lambda *at: told.append(at))
        assert str(error.value) == (
            f"{server.url}: cut off after {done} of {len(CONTENT)} bytes: run it again to go on from there"
        )
        assert not (tmp_path / "f").exists()
    download(server.url, tmp_path / "f", DIGEST, lambda *at: told.append(at))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={1 << 20}-", f"bytes={2 << 20}-"]
    assert {total for _, total in told} == {len(CONTENT)}
    assert names(tmp_path) == ["f"]


def test_a_server_that_cannot_resume_starts_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    download(server.url, tmp_path / "f", DIGEST)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_kept(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(CONTENT)
    download(server.url, tmp_path / "f", DIGEST)
    assert names(tmp_path) == ["f"]


def test_a_server_that_does_not_say_the_length_will_do(server: Server, tmp_path: Path) -> None:
    server.says_length = False
    told: list[tuple[int, int | None]] = []
    download(server.url, tmp_path / "f", DIGEST, lambda *at: told.append(at))
    assert told[-1] == (len(CONTENT), None)


@pytest.mark.parametrize("part", [b"", b"of something else"])
def test_another_file_than_was_wanted_is_not_kept(part: bytes, server: Server, tmp_path: Path) -> None:
    if part:
        (tmp_path / "f.part").write_bytes(part)
    with pytest.raises(DataError) as error:
        download(server.url, tmp_path / "f", DIGEST if part else "0" * 64)
    assert str(error.value).startswith(f"{server.url}: fetched, but its sha256 is ")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://[a/x.tgz", "Invalid IPv6 URL: wanted an address such as https://host/file"),
        ("http://localhost:x/f", "nonnumeric port: 'x'"),
        ("http://localhost/ä.tgz", "wanted an address in ASCII, as %C3%A4 for ä"),
        ("http://\u0661\u2488\u0662/f", "wanted an address in ASCII, as %C3%A4 for ä"),
        ("nothing", "unknown url type: 'nothing': wanted an address such as https://host/file"),
    ],
)
def test_an_address_that_is_none_is_named(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        download(url, tmp_path / "f", DIGEST)
    assert str(error.value) == f"{url}: cannot be fetched: {message}"


def test_what_cannot_be_fetched_is_named(server: Server, tmp_path: Path) -> None:
    url = server.url.replace("/file", "/missing")
    with pytest.raises(DataError, match=f"^{url}: cannot be fetched: HTTP 404 Not Found$"):
        download(url, tmp_path / "f", DIGEST)
    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as closed:
        nobody = f"http://127.0.0.1:{closed.server_address[1]}/"
    with pytest.raises(DataError, match=f"^{nobody}: cannot be fetched: .*refused"):
        download(nobody, tmp_path / "f", DIGEST)
    assert names(tmp_path) == []
