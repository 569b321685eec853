"""The doctor for a recipe, a run, or files: finds the texts, examines each, and says what is to be seen to."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import NamedTuple

from nmtk.data.doctor.direction import disagreeing, turned
from nmtk.data.doctor.examination import Examined, examine, profiled
from nmtk.data.doctor.findings import Finding, Severity
from nmtk.data.doctor.overlap import Overlap
from nmtk.data.doctor.pieces import Pieces
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Reading
from nmtk.data.filters import FilterOptions
from nmtk.errors import DataError, OptionsError
from nmtk.lines import STANDARD
from nmtk.options import nearest
from nmtk.recipe.chain import chain_of
from nmtk.recipe.data import TextOptions
from nmtk.recipe.home import is_run, job
from nmtk.recipe.making import is_made
from nmtk.recipe.shelf import locate, shipped
from nmtk.recipe.texts import Text, find_texts
from nmtk.vocabulary.vocabulary import FILES, Vocabularies, Vocabulary


class Case(NamedTuple):
    """What is to be examined."""

    train: Sequence[Text]
    held_out: Sequence[Text]
    """Validation and test sets."""
    dropped: bool
    """Whether training leaves out what stands in them too."""
    vocabularies: Vocabularies | None
    longest: int
    """Pieces of a line that training takes."""
    waiting: Mapping[Path, str] = MappingProxyType({})
    """What is still to be made by a translation, and whose it is."""

    def waits(self, text: Text) -> list[str]:
        """What of a text is still to be made."""
        return [self.waiting[path] for path in text.paths if path in self.waiting]


def is_recipe(path: Path) -> bool:
    """Whether a single path names a recipe or a run, and not a file of pairs."""
    return path != STANDARD and (not path.is_file() or path.suffix in (".yaml", ".yml"))


@contextmanager
def recipe_case(path: Path, vocabulary: Vocabularies | None = None) -> Iterator[Case]:
    """All texts of a recipe or a run; the vocabulary is that of the run, or of `runs/NAME`, where there is one.

    Raises what training would where other recipes cannot make text for it (`nmtk.recipe.chain`).
    """
    located, run = job(path if is_run(path) else _document(path))
    recipe, folder = located
    chain_of(located, run)
    with TemporaryDirectory() as work:  # for what the recipe generates, where the run has not done so
        made = run / "text"
        place = made if made.is_dir() else Path(work)
        texts = find_texts(recipe.data, folder, place, waits=False)
        waiting = {
            place / name: f"{name} is still to be made, by {options.by} from {options.text}"
            for name, options in recipe.data.translate.items()
            if not is_made(name, place)
        }
        learned = run / "vocabulary"
        if vocabulary is None and learned.is_dir():
            vocabulary = Vocabularies.load(learned)
        held_out = [texts.valid, *texts.test.values()]
        dropped = recipe.data.held_out == "drop"
        yield Case(texts.train, held_out, dropped, vocabulary, recipe.data.filters.longest, waiting)


def _document(path: Path) -> Path:
    """A recipe's document. Where there is none a file of pairs may have been meant, too. Raises OptionsError."""
    try:
        return locate(path)
    except OptionsError:
        if path.exists():
            raise
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, [*beside, *shipped()])
        raise OptionsError(f"{path}: no such file or recipe{close}") from None


@contextmanager
def files_case(
    train: Sequence[Path], held_out: Sequence[Sequence[Path]], vocabulary: Vocabularies | None = None
) -> Iterator[Case]:
    """Files side by side, or one of TAB-separated columns. Raises DataError for standard input that is read twice."""
    if [*train, *(path for pair in held_out for path in pair)].count(STANDARD) > 1:
        raise DataError("-: found standard input for two texts, wanted it for one; a TSV stream can hold both sides")
    options = TextOptions(tsv="-")
    held = [Text(paths[0].name, options, tuple(paths)) for paths in held_out]
    yield Case([Text("pairs", options, tuple(train))], held, False, vocabulary, FilterOptions().longest)


def vocabularies_at(path: Path) -> Vocabularies:
    """Those of a run, a model folder or a folder of vocabularies; or one SentencePiece model for both sides."""
    if path.is_file():
        one = Vocabulary.load(path)
        return Vocabularies(one, one)
    for folder in (path / "vocabulary", path / "model", path):
        if folder.is_dir() and any((folder / name).is_file() for name in FILES):
            return Vocabularies.load(folder)
    raise DataError(f"{path}: found no vocabulary: wanted a SentencePiece model, or a run of nmtk train")


def diagnose(case: Case, examples: int = 3) -> Iterator[Examined]:
    """Examine the training texts, then validation and test sets, each as soon as it is asked for.

    Training text is compared with all sets, and a validation set with the test sets after it. What is usual is learned
    from the first training text. A text of which the sides are the other way round than most others' is told of as a
    whole. Of a text that is still to be made there is a note. Raises DataError for a file that cannot be opened.
    """
    profile: Profile | None = None
    ways: list[bool | None] = []
    unlike: dict[int, Finding] = {}
    texts = [*case.train, *case.held_out]
    against: list[Overlap] = []
    for index, text in enumerate(texts):
        if left := case.waits(text):
            yield _to_be_made(text, left)
            continue
        held = index - len(case.train)
        if held >= 0 or not against:
            against = [
                Overlap(other.name, _reading(other).portions(), case.dropped and held < 0, held < 0)
                for other in case.held_out[max(0, held + 1) :]
                if not case.waits(other)
            ]
        reading = _reading(text, examples)
        portions = reading.portions()
        if profile is None or held < 0:
            own, portions = profiled(portions)
            if profile is None:
                profile = own
                ways = [_turned(case, one, own) for one in texts]
                unlike = disagreeing([one.name for one in texts], ways)
        pieces = Pieces(case.vocabularies, case.longest) if case.vocabularies else None
        usual = own if held < 0 else profile.turned() if ways[index] else profile
        examined = examine(text.name, reading, portions, usual, against, pieces, examples)
        yield examined._replace(findings=(unlike[index], *examined.findings)) if index in unlike else examined


def _turned(case: Case, text: Text, profile: Profile) -> bool | None:
    """Whether a text has its sides the other way round; None where nothing tells, or it can be read but once."""
    if case.waits(text) or STANDARD in text.paths:
        return None
    return turned(profile.markers, _reading(text).portions())


def _to_be_made(text: Text, left: Sequence[str]) -> Examined:
    mend = "nmtk train does that, before it trains"
    notes = tuple(Finding("to be made", Severity.NOTE, says, mend, 1, 0.0, ()) for says in left)
    return Examined(text.name, text.options.files(), 0, (0, 0), (0, 0), None, notes)


def _reading(text: Text, examples: int = 0) -> Reading:
    return Reading(text.paths, text.options.columns, text.options.span(), examples, text.options.sieve())


def worst(texts: Sequence[Examined]) -> Severity | None:
    """The severity of the worst finding; None where there is none."""
    return max((finding.severity for text in texts for finding in text.findings), default=None)


def summary(texts: Sequence[Examined]) -> str:
    """How many findings there are of each severity, in a line."""
    found = [finding.severity for text in texts for finding in text.findings]
    counts = [(found.count(severity), str(severity)) for severity in reversed(Severity)]
    return ", ".join(f"{n} {name}{'s' * (n != 1)}" for n, name in counts if n) or "nothing found"


def as_json(texts: Sequence[Examined]) -> str:
    """One object: `worst`, and `texts` with the findings of each."""
    severity = worst(texts)
    document = {
        "worst": None if severity is None else str(severity),
        "texts": [text.document() for text in texts],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)
