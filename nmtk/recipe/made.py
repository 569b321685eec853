"""Recipe key `data.translate`: texts that a model of nmtk's writes, before there is training on them.

With them a recipe says back-translation (Sennrich et al. 2016): the other side of text that is there in one language
only. And sequence-level distillation (Kim & Rush 2016): what a teacher makes of the training text, for a student.
"""

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from pydantic import field_serializer

from nmtk.decoding.options import DecodingOptions
from nmtk.documents import Document
from nmtk.options import Options


class MadeOptions(Options):
    """One text: what it is a translation of, and by whom."""

    text: str
    """The file that is translated, by its name in the recipe. Line i of what is made belongs to its line i."""
    by: str
    """Another recipe, whose run is then trained first: a file or folder beside this one, or one that comes with nmtk.
    Or what is trained already: the folder of a run, or of a model.
    """
    decoding: DecodingOptions = DecodingOptions()
    """Only what is said here counts: all else is as the model itself has it."""

    @field_serializer("decoding")
    def _as_said(self, decoding: DecodingOptions) -> Document:
        return decoding.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def over(self, own: Document) -> Document:
        """A model's decoding options, every default written out, with what is asked for laid over them."""
        return _over(own, self._as_said(self.decoding))


def _over(own: Document, asked: Document) -> Document:
    """A choice of another kind takes the whole place of the one before."""
    laid = dict(own)
    for key, value in asked.items():
        before = own.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and value.get("kind") == before.get("kind"):
            value = _over(before, value)
        laid[key] = value
    return laid


def check_made(made: Mapping[str, MadeOptions], known: Collection[str]) -> None:
    """Raises ValueError for texts that cannot be made, each by itself and in their order; known: the other files."""
    done: set[str] = set()
    for name, options in made.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"translate: {name} is made in the run's folder, so wanted a relative path without ..")
        if name in known:
            raise ValueError(f"translate: {name} stands under files, too: wanted it in one of them")
        if options.text in made and options.text not in done:
            raise ValueError(f"translate: {name} is made of {options.text}: wanted that one above it, to be made first")
        done.add(name)
