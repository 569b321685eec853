"""Laws of mtdata's corpora in a recipe: written once, aligned, and every failure one line.

The package is an extra, and fetches from the network: a stand-in has the part of its interface that is used, of
versions 0.4 and 0.5, with its habits: it sets up logging for the whole process and raises whatever comes.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from nmtk.errors import DataError
from tests.recipe.sources.conftest import MakeFinder

PARALLEL, SINGLE = "Statmt-europarl-10-deu-eng", "Statmt-news_crawl-2017-eng"
URL = "https://www.statmt.org/europarl/v10/training/europarl-v10.de-en.tsv.gz"
SIDES = {name: {"mtdata": PARALLEL, "language": name} for name in ("deu", "eng")}


class DatasetId(NamedTuple):
    group: str
    name: str
    version: str
    langs: tuple[str, ...]

    @classmethod
    def parse(cls, string: str) -> "DatasetId":
        group, name, version, *langs = string.strip().split("-")
        assert name.islower(), f"name {name} has to be lower cased for consistency"
        return cls(group, name, version, tuple(langs))

    def __str__(self) -> str:
        return "-".join([*self[:3], *self.langs])


class Entry(NamedTuple):
    did: DatasetId
    url: str | tuple[str, str]
    in_ext: str | None = None


class Index(dict[DatasetId, Entry]):
    def get_entries(self) -> Any:
        return self.values()


class StandIn:
    """What it fetches and what it gives, for a test to set."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.fails: Exception | None = None
        self.fails_at_end: Exception | None = None
        self.asked: list[str] = []

    def modules(self) -> Iterator[tuple[str, dict[str, Any]]]:
        entries = [Entry(DatasetId.parse(PARALLEL), URL), Entry(DatasetId.parse(SINGLE), (URL, URL))]
        stand_in = self

        class Cache:
            def __init__(self, root: Path) -> None:
                assert root == Path("/home/.mtdata")

            def get_entry(self, entry: Entry, fix_missing: bool = True) -> Path:
                stand_in.asked.append(str(entry.did))
                logging.basicConfig(level=logging.INFO)
                logging.info("Downloading")
                if stand_in.fails:
                    logging.error("Error downloading")
                    raise stand_in.fails
                return Path("/home/.mtdata/fetched")

        class Parser:
            def __init__(self, paths: Any, ext: str | None = None, ent: Entry | None = None) -> None:
                assert paths == Path("/home/.mtdata/fetched")
                assert ent

            def read_segs(self) -> Iterator[Any]:
                yield from stand_in.rows
                if stand_in.fails_at_end:
                    raise stand_in.fails_at_end

        bars = SimpleNamespace(enabled=True)
        yield "mtdata", {"__version__": "0.5.1", "cache_dir": Path("/home/.mtdata"), "pbar_man": bars, "__path__": []}
        yield "mtdata.entry", {"DatasetId": DatasetId}
        yield "mtdata.index", {"INDEX": Index({entry.did: entry for entry in entries})}
        yield "mtdata.cache", {"Cache": Cache}
        yield "mtdata.parser", {"Parser": Parser}


@pytest.fixture
def mtdata(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn()
    for name, content in stand_in.modules():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return stand_in


def test_both_sides_are_written_at_once_and_found_again(mtdata: StandIn, make_finder: MakeFinder) -> None:
    mtdata.rows = [["Eins.", "One."], ("Zwei.", "Two.", {"score": 1})]
    finder = make_finder(**SIDES)
    assert [finder.find(name).path.read_text() for name in SIDES] == ["Eins.\nZwei.\n", "One.\nTwo.\n"]
    assert finder.found["deu"].origin == finder.found["eng"].origin == f"mtdata 0.5.1: {PARALLEL}, {URL}"
    assert make_finder(**SIDES).find("eng") == finder.found["eng"]
    assert mtdata.asked == [PARALLEL]


def test_the_sides_stay_aligned_whatever_the_rows_are(mtdata: StandIn, make_finder: MakeFinder) -> None:
    """As `mtdata get` writes them; and a line's end within a row ends no line."""
    mtdata.rows = [
        ["Eins\tund\r\nzwei.", " One\nand two. "],
        ["Nur Deutsch.", " "],
        [None, "Only English."],
        ["Nur eine Spalte."],
        ["Drei\u2028vier.", "Three\u2028four."],
        ["halbes \ud800 Zeichen", "half a character"],
    ]
    finder = make_finder(**SIDES)
    german, english = (finder.find(name).path.read_text("utf-8").split("\n")[:-1] for name in SIDES)
    assert german == ["Eins und  zwei.", "Drei\u2028vier.", "halbes  Zeichen"]
    assert english == ["One and two.", "Three\u2028four.", "half a character"]


def test_a_corpus_of_one_language_is_one_file(mtdata: StandIn, make_finder: MakeFinder) -> None:
    mtdata.rows = ["One.", ["Two.", {"score": 1}], " "]
    found = make_finder(mono={"mtdata": SINGLE, "language": "eng"}).find("mono")
    assert found.path.read_text() == "One.\nTwo.\n"
    assert found.origin == f"mtdata 0.5.1: {SINGLE}, {URL} {URL}"


@pytest.mark.parametrize("when", ["fails", "fails_at_end"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectionError("HTTPSConnectionPool:\n  Max retries"), "ConnectionError: HTTPSConnectionPool: Max retries"),
        (AssertionError(404), "AssertionError: 404"),
        (Exception("unequal number of segments"), "Exception: unequal number of segments"),
    ],
)
def test_what_mtdata_cannot_bring_is_told_in_one_line(
    mtdata: StandIn,
    make_finder: MakeFinder,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    when: str,
    error: Exception,
    message: str,
) -> None:
    mtdata.rows = [["Eins.", "One."]]
    setattr(mtdata, when, error)
    with pytest.raises(DataError) as told:
        make_finder(**SIDES).find("deu")
    assert str(told.value) == f"{PARALLEL}: mtdata cannot bring it: {message}"
    assert capfd.readouterr() == ("", "")
    assert not list((tmp_path / "cache" / "mtdata").glob("*"))
    setattr(mtdata, when, None)
    assert make_finder(**SIDES).find("eng").path.read_text() == "One.\n"


def test_logging_stays_as_it_was(mtdata: StandIn, make_finder: MakeFinder) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    mtdata.rows = [["Eins.", "One."]]
    make_finder(**SIDES).find("deu")
    assert (root.level, root.handlers) == before


def test_a_corpus_without_a_sentence_is_told_and_not_kept(
    mtdata: StandIn, make_finder: MakeFinder, tmp_path: Path
) -> None:
    mtdata.rows = [["Nur Deutsch.", ""]]
    with pytest.raises(DataError, match=rf"^{PARALLEL}: mtdata gives not one sentence of it$"):
        make_finder(**SIDES).find("deu")
    assert not list((tmp_path / "cache" / "mtdata").glob("*"))


def test_an_unknown_name_is_told_with_the_nearest(mtdata: StandIn, make_finder: MakeFinder) -> None:
    name = "Statmt-europarl-9-deu-eng"
    with pytest.raises(DataError, match=rf"^{name}: no corpus of mtdata's 0.5.1; did you mean {PARALLEL}\?$"):
        make_finder(a={"mtdata": name, "language": "deu"}).find("a")
    with pytest.raises(DataError, match=r": mtdata cannot bring it: AssertionError: name Europarl has to be lower"):
        make_finder(a={"mtdata": "Statmt-Europarl-10-deu-eng", "language": "deu"}).find("a")


def test_without_the_package_it_says_how_to_come_by_it(
    make_finder: MakeFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mtdata", None)
    with pytest.raises(DataError, match=rf"^{PARALLEL}: wanted the package mtdata: pip install 'nmtk\[mtdata\]'$"):
        make_finder(**SIDES).find("deu")


def test_a_package_that_does_not_start_says_why(
    mtdata: StandIn, make_finder: MakeFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *_: Any) -> None:
        if name == "mtdata.cache":
            raise ImportError("No module named 'requests'", name="requests")

    monkeypatch.delitem(sys.modules, "mtdata.cache")
    finder = SimpleNamespace(find_spec=refuse)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with pytest.raises(DataError, match=r": mtdata does not start: No module named 'requests': pip install"):
        make_finder(**SIDES).find("deu")
