"""Files at hand: what is looked for in folders alone."""

from typing import ClassVar, Literal

from nmtk.errors import DataError
from nmtk.recipe.sources.source import Brought, Finder, Source


class AtHand(Source):
    """A file that has to be in one of the folders that are looked into."""

    needs_hash: ClassVar[bool] = False
    kind: Literal["at-hand"] = "at-hand"

    def bring(self, name: str, finder: Finder) -> Brought:
        raise DataError(f"{name}: in none of: {finder.where()}; and the recipe has no url for it: {finder.mend(name)}")
