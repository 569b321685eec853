"""What the tests of sources share: a finder with a cache of its own."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nmtk.recipe.data import DataOptions
from nmtk.recipe.fetch import Finder

MakeFinder = Callable[..., Finder]


@pytest.fixture
def make_finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeFinder:
    """Make a finder of `data.files`, for a recipe in the folder `recipe`; what it makes is in the folder `cache`."""
    monkeypatch.setenv("NMTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NMTK_DATA", raising=False)
    recipe, elsewhere = tmp_path / "recipe", tmp_path / "elsewhere"
    for folder in (recipe, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)

    def make(**files: Any) -> Finder:
        sides = {"source": "a", "target": "b"}
        document = {"source": "en", "target": "de", "files": files, "train": [sides], "valid": sides}
        return Finder(DataOptions.parse(document, "r").files, recipe, console=Console(file=io.StringIO()))

    return make
