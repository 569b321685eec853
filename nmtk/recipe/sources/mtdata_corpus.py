"""Corpora by the names that mtdata has for them: those of WMT, OPUS, ParaCrawl and others (`mtdata list`).

It comes with the extra: `pip install 'nmtk[mtdata]'`. mtdata finds, fetches and parses a corpus, and keeps what it
fetched in the folder that the environment's MTDATA names, or in ~/.mtdata (Gowda et al. 2021, "Many-to-English Machine
Translation Tools, Data, and Pretrained Models"). It checks no hash, so `sha256` is worth giving.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import model_validator

from nmtk.errors import DataError
from nmtk.files import atomic_folder
from nmtk.options import in_form, nearest
from nmtk.recipe.sources.source import Brought, Finder, Source

ORIGIN = "origin"
"""The file beside the text of a corpus that says what brought it."""

CorpusId: TypeAlias = Annotated[
    str, in_form(r"([^-/\s]+-){3}\w+(-\w+)?", "mtdata's GROUP-NAME-VERSION-LANGUAGE(-LANGUAGE)")
]
_SPACE = str.maketrans("\t\r\n", "   ")


class MtdataCorpus(Source):
    """One language of a corpus. The corpus is written once, its languages side by side."""

    kind: Literal["mtdata"] = "mtdata"
    mtdata: CorpusId
    """GROUP-NAME-VERSION-LANGUAGE, and -LANGUAGE where it is parallel: as mtdata lists it."""
    language: str
    """As it stands in that name."""

    @model_validator(mode="after")
    def _in_corpus(self) -> Self:
        if self.language not in self._languages():
            wanted = " or ".join(self._languages())
            raise ValueError(f"found language {self.language}, wanted {wanted}, as in {self.mtdata}")
        return self

    def _languages(self) -> list[str]:
        return self.mtdata.split("-")[3:]

    def bring(self, name: str, finder: Finder) -> Brought:
        home = finder.cache / "mtdata" / self.mtdata
        if not home.is_dir():
            finder.console.print(f"fetching {self.mtdata} with mtdata", soft_wrap=True, markup=False, highlight=False)
            with _own_logging():
                _write(self.mtdata, self._languages(), home, bars=finder.console.is_terminal)
        return Brought(home / self.language, (home / ORIGIN).read_text("utf-8").strip())


def _write(corpus: str, languages: Sequence[str], home: Path, bars: bool) -> None:
    """Write a file for each language, line i of each the same sentence, and a note of where they are from.

    What lacks a side is left out, as `mtdata get` does. Raises DataError when the corpus cannot be had.
    """
    with _told(corpus):
        origin, rows = _open(corpus, bars)
    with atomic_folder(home) as beside, ExitStack() as opened:
        (beside / ORIGIN).write_text(origin + "\n", "utf-8")
        files = [opened.enter_context((beside / language).open("wb")) for language in languages]
        written = 0
        for row in _faults_told(corpus, rows):
            cells = (row,) if isinstance(row, str) else row[: len(files)]
            texts = [(cell or "").strip().translate(_SPACE) for cell in cells]
            if len(texts) == len(files) and all(texts):
                for file, text in zip(files, texts, strict=True):
                    file.write(text.encode("utf-8", "ignore") + b"\n")
                written += 1
        if not written:
            raise DataError(f"{corpus}: mtdata gives not one sentence of it")


def _open(corpus: str, bars: bool) -> tuple[str, Iterable[Any]]:
    """Fetch a corpus: what brought it from where, and its rows, of a text or of two and perhaps more about them."""
    try:
        import mtdata
        from mtdata.cache import Cache
        from mtdata.entry import DatasetId
        from mtdata.index import INDEX
        from mtdata.parser import Parser
    except ImportError as error:
        lacking = "wanted the package mtdata" if error.name == "mtdata" else f"mtdata does not start: {error}"
        raise DataError(f"{corpus}: {lacking}: pip install 'nmtk[mtdata]'") from None
    mtdata.pbar_man.enabled = bars
    name = DatasetId.parse(corpus)
    if name not in INDEX:
        alike = [str(entry.did) for entry in INDEX.get_entries() if sorted(entry.did.langs) == sorted(name.langs)]
        raise DataError(f"{corpus}: no corpus of mtdata's {mtdata.__version__}{nearest(corpus, alike)}")
    entry = INDEX[name]
    paths = Cache(mtdata.cache_dir).get_entry(entry)
    addresses = " ".join([entry.url] if isinstance(entry.url, str) else entry.url)
    rows = Parser(paths, ext=entry.in_ext or None, ent=entry).read_segs()
    return f"mtdata {mtdata.__version__}: {corpus}, {addresses}", rows


def _faults_told(corpus: str, rows: Iterable[Any]) -> Iterator[Any]:
    with _told(corpus):
        yield from rows


@contextmanager
def _told(corpus: str) -> Iterator[None]:
    """Make one line of whatever mtdata raises: it has no kind of error of its own for most of what can go wrong."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())
        raise DataError(f"{corpus}: mtdata cannot bring it: {type(error).__name__}: {reason}") from None


@contextmanager
def _own_logging() -> Iterator[None]:
    """Keep mtdata, which sets up logging for the whole process, from talking: what goes wrong is told by an error."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.addHandler(silent := logging.NullHandler())
    try:
        yield
    finally:
        root.removeHandler(silent)
        root.handlers[:] = handlers
        root.setLevel(level)
