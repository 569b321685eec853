"""Laws of finding files: where they are looked for, in which order, and that hashes are always checked."""

import hashlib
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nmtk.errors import DataError
from nmtk.recipe.fetch import Finder
from nmtk.recipe.sources.at_hand import AtHand
from nmtk.recipe.sources.download import Download
from nmtk.recipe.sources.source import Source

NAME = "corpus/train.en"


def put(folder: Path, text: str) -> str:
    """Write the file into a folder; its hash."""
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A folder for each kind of place, in the order in which they are looked into."""
    kinds = ("generated", "beside the recipe", "NMTK_DATA", "current folder", "cache")
    found = {kind: tmp_path / kind for kind in kinds}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.setenv("NMTK_DATA", str(found["NMTK_DATA"]))
    monkeypatch.setenv("NMTK_CACHE", str(found["cache"]))
    monkeypatch.chdir(found["current folder"])
    return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that a server on this machine serves, and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def finder(places: dict[str, Path], known: Source | None = None) -> Finder:
    return Finder({NAME: known} if known else {}, places["beside the recipe"], places["generated"])


def test_the_first_place_that_has_the_file_counts(places: dict[str, Path]) -> None:
    for kind in reversed(places):
        digest = put(places[kind], kind)
        found = finder(places).find(NAME)
        assert (found.origin, found.sha256, found.size) == (kind, digest, len(kind))
        assert found.path.read_text() == kind


@pytest.mark.parametrize("kind", ["generated", "beside the recipe", "NMTK_DATA", "current folder", "cache"])
def test_another_hash_is_an_error_wherever_the_file_is(kind: str, places: dict[str, Path]) -> None:
    digest = put(places[kind], "other")
    wanted = "0" * 64
    with pytest.raises(DataError, match=f"train.en: found sha256 {digest}, wanted {wanted}"):
        finder(places, AtHand(sha256=wanted)).find(NAME)


def test_a_missing_file_names_all_places_and_the_mend(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError) as raised:
        finder(places).find(NAME)
    message = str(raised.value)
    assert all(f"{kind} ({folder})" in message for kind, folder in places.items())
    assert message.endswith(f"let NMTK_DATA be a folder that has {NAME}")
    monkeypatch.delenv("NMTK_DATA")
    with pytest.raises(DataError, match=f"set NMTK_DATA to a folder that has {NAME}"):
        finder(places).find(NAME)


def test_nmtk_data_must_be_a_folder(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMTK_DATA", "nowhere")
    with pytest.raises(DataError, match="NMTK_DATA: found 'nowhere', wanted a folder"):
        finder(places)


def test_a_file_is_fetched_once(places: dict[str, Path], served: tuple[Path, str]) -> None:
    folder, address = served
    known = Download(url=(f"{address}/{NAME}",), sha256=put(folder, "a\nb\n"))
    first = finder(places, known).find(NAME)
    assert (first.origin, first.path.read_text()) == (f"{address}/{NAME}", "a\nb\n")
    (folder / NAME).unlink()
    second = finder(places, known).find(NAME)
    assert (second.origin, second.path) == ("cache", places["cache"] / NAME)


def test_mirrors_are_tried_in_order(places: dict[str, Path], served: tuple[Path, str]) -> None:
    folder, address = served
    digest = put(folder, "right")
    (folder / "wrong").write_text("wrong")
    urls = ("http://[a/f", f"{address}/ä", f"{address}/missing", f"{address}/wrong", f"{address}/{NAME}", "http://x")
    assert finder(places, Download(url=urls, sha256=digest)).find(NAME).origin == urls[4]


def test_when_no_mirror_serves_all_reasons_are_told(places: dict[str, Path], served: tuple[Path, str]) -> None:
    folder, address = served
    (folder / "wrong").write_text("wrong")
    known = Download(url=(f"{address}/missing", f"{address}/wrong"), sha256="0" * 64)
    with pytest.raises(DataError, match=r"missing: cannot be fetched: HTTP 404.*; .*wrong: fetched, but its sha256 is"):
        finder(places, known).find(NAME)
    assert [path for path in places["cache"].rglob("*") if path.is_file()] == []


def test_what_the_cache_has_of_another_recipe_gives_way(places: dict[str, Path], served: tuple[Path, str]) -> None:
    folder, address = served
    put(places["cache"], "another recipe's")
    known = Download(url=(f"{address}/{NAME}",), sha256=put(folder, "mine"))
    assert finder(places, known).find(NAME).path.read_text() == "mine"


def test_an_absolute_path_is_taken_as_it_is(places: dict[str, Path], tmp_path: Path) -> None:
    put(tmp_path / "anywhere", "text")
    absolute = tmp_path / "anywhere" / NAME
    assert finder(places).find(str(absolute)).path == absolute


def test_the_manifest_says_nothing_of_this_machine(places: dict[str, Path], tmp_path: Path) -> None:
    put(places["NMTK_DATA"], "text")
    found = finder(places).find(NAME)
    assert not re.search(re.escape(str(tmp_path)), str(found.document()))
