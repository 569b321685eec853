"""Recipe key `data.generate`: the texts of the phrases task."""

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from nmtk.options import Options


class Phrases(Options):
    kind: Literal["phrases"] = "phrases"
    pairs: PositiveInt = 25_000
    seed: NonNegativeInt = 1

    def write(self, folder: Path) -> None:
        raise AssertionError
