"""Job: what `nmtk translate` is to do, and which files it may do it with."""

from itertools import combinations
from pathlib import Path

from nmtk.decoding.parts import files_of
from nmtk.errors import OptionsError
from nmtk.lines import STANDARD


def refuse_shared(source: Path | None, output: Path | None, report: Path | None) -> None:
    """Raise OptionsError where one file would be two of them, or one of those that the work keeps beside its output."""
    given = {"input": source, "output": output, "report": report}
    files = {name: path for name, path in given.items() if path and path != STANDARD and _may_be_file(path)}
    for (name, path), (later, other) in combinations(files.items(), 2):
        if _same(path, other):
            raise OptionsError(f"--{later}: found {other}, which is the {name} too: wanted another file")
    kept = files_of(files["output"].with_name(f"{files['output'].name}.part")) if "output" in files else ()
    for name in ("input", "report"):
        if name in files and any(_same(files[name], path) for path in kept):
            raise OptionsError(f"--{name}: found {files[name]}, which the output takes on its way: wanted another file")


def _may_be_file(path: Path) -> bool:
    """Whether it is no device or pipe: /dev/null may be all there is."""
    return path.is_file() or not path.exists()


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
