"""The options of the generator of phrases, and the files that it writes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from nmtk.files import atomic_write
from nmtk.options import COUNT, Options
from nmtk.recipe.phrases.sentences import split

MOST = 200_000
"""Training pairs beyond which the generator would look for new sentences ever longer."""


class Phrases(Options):
    """English and German sentences about numbers, dates, times, prices and measures, written by nmtk itself.

    Gives the files `train`, `valid` and `test` with `.en` and `.de`: the same bytes for the same options, everywhere.
    No validation or test sentence is a training sentence.
    """

    kind: Literal["phrases"] = "phrases"
    pairs: Annotated[PositiveInt, COUNT, Field(le=MOST)] = 24_000
    """Training pairs; validation has 500 and the test 1,000."""
    seed: NonNegativeInt = 1

    def write(self, folder: Path) -> None:
        """Write the files into a folder, but for those that it has already. Raises NmtkError when they cannot be."""
        for name, pairs in split(self.pairs, self.seed)._asdict().items():
            for side, language in enumerate(("en", "de")):
                path = folder / f"{name}.{language}"
                text = "".join(f"{pair[side]}\n" for pair in pairs).encode()
                if not path.is_file() or path.read_bytes() != text:
                    with atomic_write(path) as file:
                        file.write(text)
