"""Recipe key `data`: which text is trained, validated and tested on, and where its files come from."""

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from nmtk.data.filters import FilterOptions
from nmtk.data.pairs import Sieve
from nmtk.options import BY_KIND, Options, in_form
from nmtk.recipe.made import MadeOptions, check_made
from nmtk.recipe.phrases.options import Phrases
from nmtk.recipe.sources.options import FileOptions, check_files

Generator: TypeAlias = Annotated[Phrases, BY_KIND]
"""The texts that nmtk can write by itself; another one joins this union."""

Language: TypeAlias = Annotated[str, in_form(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*", "a language's code, as en or pt-BR")]
Name: TypeAlias = Annotated[str, in_form(r"[A-Za-z0-9][\w.-]*", "a name of letters, digits, and then also . _ and -")]
"""What may name a test set or a corpus, and so a file or a folder of the run."""


_LINES = in_form(
    r"[1-9]\d*-(\d+)?|(not )?every ([2-9]|[1-9]\d+)",
    "lines from 1, as 1-2000 or 2001-; or every and a number from 2, as every 23 or not every 23",
)


class TextOptions(Options):
    """Parallel text: two files side by side, or one of TAB-separated columns; all of it or some of its lines."""

    source: str | None = None
    target: str | None = None
    tsv: str | None = None
    columns: tuple[PositiveInt, PositiveInt] | None = None
    """The source and the target column of the TSV file, from 1, when it has more than these two."""
    lines: Annotated[str, _LINES] | None = None
    """Lines that are meant, from 1, both ends included: `1-2000`, or `2001-` to the end. Or `every 23`, which is lines
    23, 46 and so on, and `not every 23`, which is the others."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        pair = (self.source, self.target)
        if self.tsv is None and None in pair:
            raise ValueError(f"found {_listed(self)}, wanted source and target, or tsv")
        if self.tsv is not None and pair != (None, None):
            raise ValueError(f"found {_listed(self)}, wanted source and target, or tsv, not both")
        if self.columns and self.tsv is None:
            raise ValueError("found columns without tsv: only a TSV file has them")
        first, last = self.span()
        if last is not None and last < first:
            raise ValueError(f"found lines {self.lines}, which end before they begin")
        return self

    def files(self) -> tuple[str, ...]:
        """The files by their names in the recipe: source and target, or the TSV."""
        return tuple(name for name in (self.source, self.target, self.tsv) if name is not None)

    def span(self) -> tuple[int, int | None]:
        """First and last line that are meant; None is the end of the file."""
        if self.lines is None or self.sieve():
            return 1, None
        first, last = self.lines.split("-")
        return int(first), int(last) if last else None

    def sieve(self) -> Sieve | None:
        """Which lines of the span are meant, if not all."""
        match = re.fullmatch(r"(not )?every (\d+)", self.lines or "")
        return Sieve(int(match[2]), others=bool(match[1])) if match else None


class CorpusOptions(TextOptions):
    """One of the corpora that are trained on."""

    name: Name | None = None
    weight: PositiveFloat = 1.0
    """How often an epoch sees the corpus: 2 is every pair twice, 0.5 is a new random half each time."""
    tag: Annotated[str, in_form(r"\S+", "a symbol without spaces")] | None = None
    """A symbol of the vocabulary that is put before each source line, and so tells the model where the pair is from
    (Caswell et al. 2019: `<BT>`, for back-translation). What is translated later has none.
    """


class DataOptions(Options):
    """Recipe key `data`. Where a file is looked for is said in `nmtk.recipe.fetch`."""

    source: Language
    target: Language
    files: dict[str, FileOptions] = Field(default_factory=dict)
    """What is known of the files that are named below, by name. A file that is always at hand needs no entry."""
    generate: Generator | None = None
    """Files that nmtk writes itself, to be named below like any other."""
    translate: dict[str, MadeOptions] = Field(default_factory=dict)
    """Files that a model of nmtk's writes (`nmtk.recipe.chain`), likewise; each may be made of those above it."""
    train: Annotated[tuple[CorpusOptions, ...], Field(min_length=1)]
    valid: TextOptions
    test: dict[Name, TextOptions] = Field(default_factory=dict)
    filters: FilterOptions = FilterOptions()
    held_out: Literal["drop", "keep"] = "drop"
    """What happens to training pairs of which a side stands in a validation or test set too (`nmtk.recipe.texts`)."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = self.names()
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"train: two corpora are named {sorted(twice)[0]}, wanted a name each")
        check_files(self.files)
        check_made(self.translate, self.files)
        for text in (*self.train, self.valid, *self.test.values()):
            if text.tsv in self.translate:
                raise ValueError(f"tsv: {text.tsv} is made by translate: wanted it as source or target beside its text")
        return self

    def names(self) -> list[str]:
        """The names of the training corpora, in order: their own, or `corpus1`, `corpus2`, and so on."""
        return [corpus.name or f"corpus{number}" for number, corpus in enumerate(self.train, start=1)]


def _listed(text: TextOptions) -> str:
    given = [key for key in ("source", "target", "tsv") if getattr(text, key) is not None]
    return " and ".join(given) or "none of them"
