"""The catalogue: what recipes come with nmtk. Of each only what is listed is read, so that no PyTorch is needed."""

import json
from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field

from nmtk.documents import read_yaml
from nmtk.options import Options
from nmtk.recipe.contract import Evidence, Expectation
from nmtk.recipe.shelf import DOCUMENT, shipped

_HEAD = ("recipe", "languages", "evidence", "hours", "expected", "what")


class _Some(Options):
    """Keys that others know are passed over: a recipe is checked whole when it is used."""

    model_config = ConfigDict(extra="ignore")


class Languages(_Some):
    """Recipe key `data`, as far as it is listed."""

    source: str
    target: str


class Entry(_Some):
    """A recipe, as far as it is listed."""

    name: str
    description: str = ""
    data: Annotated[Languages, Field(exclude=True)]
    expect: dict[str, Expectation] = Field(default_factory=dict)
    evidence: Evidence = Evidence()

    def row(self) -> tuple[str, ...]:
        """For people."""
        hours = "" if self.evidence.hours is None else f"{self.evidence.hours:g}"
        return (
            self.name,
            f"{self.data.source} to {self.data.target}",
            self.evidence.kind,
            hours,
            promised(self.expect) or "nothing yet",
            self.description,
        )


def catalogue() -> list[Entry]:
    """All recipes that come with nmtk, by name."""
    paths = [folder / DOCUMENT for folder in shipped().values()]
    return [Entry.parse(read_yaml(path), str(path)) for path in paths]


def promised(expect: dict[str, Expectation]) -> str:
    """The expected scores in a line: `newstest2014 bleu 26.4 to 27.6`."""
    return "; ".join(
        f"{test} " + ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in bounds.items())
        for test, bounds in expect.items()
        if bounds
    )


def as_text(entries: Sequence[Entry]) -> str:
    """A line for each, under a head."""
    rows = [_HEAD, *(entry.row() for entry in entries)]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(size) for cell, size in zip(row, wide, strict=True)).rstrip() for row in rows)


def as_json(entries: Sequence[Entry]) -> str:
    """A list with an object for each."""
    rows = [entry.document() | {"source": entry.data.source, "target": entry.data.target} for entry in entries]
    return json.dumps(rows, indent=1, ensure_ascii=False)
