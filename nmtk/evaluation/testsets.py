"""Test sets: a source and its references, from files or from those that sacreBLEU knows by name.

sacreBLEU fetches a test set once, checks it, and keeps it in the folder that the environment's SACREBLEU names, or in
~/.sacrebleu.
"""

import logging
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from sacrebleu.dataset import DATASETS
from sacrebleu.dataset.base import Dataset

from nmtk.errors import DataError, OptionsError
from nmtk.evaluation.metrics import Text, check_lengths
from nmtk.lines import STANDARD, read_lines
from nmtk.options import nearest

_FAILURES = (OSError, HTTPException, SystemExit, tarfile.TarError, zipfile.BadZipFile)
"""What sacreBLEU may end with when it cannot fetch a test set."""
_MEND = "name the files themselves: REF, and --source SRC"
_MEND_FILE = "give the recipe a file of your own"

Found = TypeVar("Found")


class Task(NamedTuple):
    """What translations are held against, each text with its name for messages."""

    references: Sequence[Text]
    source: Text | None = None

    @classmethod
    def read(cls, references: Sequence[Path], source: Path | None) -> "Task":
        """Of files. Raises DataError where one cannot be read, or the numbers of lines differ."""
        task = cls([read_text(path) for path in references], read_text(source) if source else None)
        if task.source:
            check_lengths(task.source, *task.references)
        return task


def read_text(path: Path) -> Text:
    """A file's name and its lines. Raises DataError with file, line and byte."""
    return "standard input" if path == STANDARD else str(path), list(read_lines(path))


def named_task(names: str, pair: str) -> Task:
    """A test set of sacreBLEU's for a language pair, or several with commas between them, one after the other.

    Raises OptionsError for a name or a pair that it does not know, DataError when a test set cannot be had.
    """
    parts = [
        [
            _fetched(name, pair, dataset.get_source_file, _MEND),
            *_fetched(name, pair, dataset.get_reference_files, _MEND),
        ]
        for name, dataset in ((name, known_set(name, pair)) for name in names.split(","))
    ]
    if len(counts := {len(part) for part in parts}) > 1:
        raise OptionsError(f"{names}: found {min(counts) - 1} and {max(counts) - 1} references, wanted equally many")
    source, *references = (
        [line for file in files for line in read_lines(Path(file))] for files in zip(*parts, strict=True)
    )
    name = f"{names} {pair}"
    return Task([(f"{name} reference {i}", lines) for i, lines in enumerate(references, 1)], (f"{name} source", source))


def named_file(name: str, pair: str, side: Literal["source", "reference"]) -> Path:
    """The file of one side of a test set of sacreBLEU's; the first of its references. Raises as `named_task`."""
    dataset = known_set(name, pair)
    if side == "source":
        return Path(_fetched(name, pair, dataset.get_source_file, _MEND_FILE))
    return Path(_fetched(name, pair, dataset.get_reference_files, _MEND_FILE)[0])


def known_set(name: str, pair: str) -> Dataset:
    """What sacreBLEU knows of a test set. Raises OptionsError for a name or a pair that it does not know."""
    if name not in DATASETS:
        raise OptionsError(f"{name}: no test set of sacreBLEU's{nearest(name, list(DATASETS))}")
    dataset = DATASETS[name]
    if pair not in dataset.langpairs:
        raise OptionsError(f"{name}: not for {pair}: wanted one of {', '.join(sorted(dataset.langpairs))}")
    return dataset


def _fetched(name: str, pair: str, get: Callable[[str], Found], mend: str) -> Found:
    """What sacreBLEU has, or fetches, of a test set. It tells its troubles in a log: they become the error's reason.

    mend: what else may be done.
    """
    told: list[str] = []
    log = logging.getLogger("sacrebleu")
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(listener)
    try:
        return get(pair)
    except _FAILURES as error:
        dataset = DATASETS[name]
        origin = " or ".join(dataset.data or ())
        reason = " ".join(told) or getattr(error, "reason", None) or error
        raise DataError(
            f"{name}: cannot be fetched from {origin}: {reason}: copy the folder {dataset._outdir} from a machine "
            f"that has it, or {mend}"
        ) from None
    finally:
        log.removeHandler(listener)
