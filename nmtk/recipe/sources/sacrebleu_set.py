"""Test sets of sacreBLEU's, which fetches, checks and keeps them itself (in SACREBLEU, or ~/.sacrebleu)."""

from importlib.metadata import version
from typing import Literal, Self

from pydantic import model_validator

from nmtk.errors import OptionsError
from nmtk.recipe.sources.source import Brought, Finder, Source


class SacrebleuSet(Source):
    """The source or the reference of a test set: the text that scores of that name are of."""

    kind: Literal["sacrebleu"] = "sacrebleu"
    sacrebleu: str
    """The test set's name: `wmt14/full`."""
    pair: str
    """Languages from and to: `en-de`."""
    side: Literal["source", "reference"]
    """Where there are several references, the first is meant."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        from nmtk.evaluation.testsets import known_set  # loads sacreBLEU, which few recipes need

        try:
            known_set(self.sacrebleu, self.pair)
        except OptionsError as error:
            raise ValueError(str(error)) from None
        return self

    def bring(self, name: str, finder: Finder) -> Brought:
        from nmtk.evaluation.testsets import named_file

        path = named_file(self.sacrebleu, self.pair, self.side)
        return Brought(path, f"sacreBLEU {version('sacrebleu')}: {self.sacrebleu} {self.pair} {self.side}")
