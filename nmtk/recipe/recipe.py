"""A recipe: data, vocabulary, model, training and expected score as one checked document."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from nmtk.decoding.options import DecodingOptions
from nmtk.documents import Document, override, read_yaml
from nmtk.evaluation.robustness import RobustnessOptions
from nmtk.model.options import TransformerOptions
from nmtk.options import FREE, Change, Options, changes
from nmtk.recipe.contract import Evidence, Expectation
from nmtk.recipe.data import DataOptions, Name
from nmtk.recipe.shelf import locate
from nmtk.training.options import TrainingOptions
from nmtk.training.schedules import needs_end
from nmtk.vocabulary.learn import VocabularyOptions
from nmtk.vocabulary.sampling import check_sampling


class Recipe(Options):
    """The whole document. Every default stands in the class of its part."""

    format: Annotated[Literal[1], FREE] = 1
    name: Name
    description: Annotated[str, FREE] = ""
    data: DataOptions
    vocabulary: VocabularyOptions = VocabularyOptions()
    model: TransformerOptions = TransformerOptions()
    training: TrainingOptions
    decoding: Annotated[DecodingOptions, FREE] = DecodingOptions()
    expect: Annotated[dict[Name, Expectation], FREE] = Field(default_factory=dict)
    """The range of scores of each test set, by its name and then the metric's."""
    evidence: Annotated[Evidence, FREE] = Evidence()
    robustness: Annotated[RobustnessOptions, FREE] = RobustnessOptions()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.model.tying == "three-way" and (not self.vocabulary.joint or self.vocabulary.source_file):
            raise ValueError(
                "model.tying: three-way needs one vocabulary for both sides: wanted vocabulary.joint: true, or "
                "model.tying: decoder"
            )
        longest, room = self.data.filters.longest, self.model.positions.longest()
        if room is not None and longest >= room:
            raise ValueError(
                f"data.filters.longest: {longest} pieces and </s> are more than the {room} positions that the model "
                f"learns: wanted at most {room - 1}, or a larger model.positions.maximum"
            )
        if (two := self.training.consistency) and not (two.cut or self.model.drops or self.training.word_dropout):
            raise ValueError(
                f"training.consistency: without dropout both passes of {two.kind} are the same: wanted model.dropout "
                f"above 0, or another kind"
            )
        symbols = self.vocabulary.symbols
        learned = not (self.vocabulary.file or self.vocabulary.source_file)
        if learned and (sampling := self.training.sampling):
            check_sampling(self.vocabulary.kind, sampling.alpha)
        if learned and (plain := [c.tag for c in self.data.train if c.tag and c.tag not in symbols]):
            raise ValueError(f"data.train: tag {plain[0]} is no symbol: wanted vocabulary.symbols to have it, too")
        if strange := sorted(self.expect.keys() - self.data.test.keys()):
            known = f"the name of a test set: {', '.join(self.data.test)}" if self.data.test else "data.test to have it"
            raise ValueError(f"expect: found {strange[0]}, wanted {known}")
        return self

    def changes(self, new: Self) -> list[Change]:
        """What differs in another recipe so much that training cannot go on with it."""
        found = list(changes(self, new))
        old, now = self.training.updates, new.training.updates
        if old != now and needs_end(self.training.schedule):
            found.append(Change("training.updates", old, now))
        return found


class Located(NamedTuple):
    """A recipe and the folder that it is in."""

    recipe: Recipe
    folder: Path


def load(path: Path, assignments: Sequence[str] = ()) -> Located:
    """Load a recipe: a folder with `recipe.yaml`, a YAML file, or the name of one that comes with nmtk (NAME, or
    NAME/FILE for a file beside its `recipe.yaml`).

    assignments: `key=value` settings laid over it. Raises OptionsError: file, key, what was found, what was wanted.
    """
    document = locate(path)
    own = read_yaml(document)
    recipe = Recipe.parse(_same_update(own, override(own, assignments)), str(document))
    return Located(recipe, document.parent)


def _same_update(own: Document, overlaid: Document) -> Document:
    """Where `batch_tokens=auto` is laid over a number, that number stays the size of an update."""
    before, after = own.get("training"), overlaid.get("training")
    if isinstance(before, dict) and isinstance(after, dict) and after.get("batch_tokens") == "auto":
        wanted = before.get("batch_tokens")
        if wanted not in (None, "auto") and after.get("update_tokens") is None:
            after["update_tokens"] = wanted
    return overlaid
