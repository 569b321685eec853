"""Systems: whose translations are scored, from files or made here and now by a model."""

from collections.abc import Sequence
from pathlib import Path

from nmtk.documents import read_yaml
from nmtk.errors import warn
from nmtk.evaluation.metrics import Metric, Text, check_lengths
from nmtk.evaluation.references import faults
from nmtk.evaluation.scores import Score
from nmtk.evaluation.significance import Resampling, doubts, evaluate_systems
from nmtk.evaluation.suspicions import suspicions
from nmtk.evaluation.testsets import Task, read_text
from nmtk.lines import STANDARD


def read_systems(paths: Sequence[Path]) -> list[Text]:
    """The texts of files, each named by its file alone where that is enough to tell them apart."""
    texts = [read_text(path) for path in paths]
    short = [name if path == STANDARD else path.name for path, (name, _) in zip(paths, texts, strict=True)]
    if len(set(short)) == len(short):
        return [(name, lines) for name, (_, lines) in zip(short, texts, strict=True)]
    return texts


def translate(model: Path, task: Task) -> Text:
    """What a model makes of the task's source, in float32: so a score is the same on every machine."""
    from nmtk.decoding.system import load  # not before there is something to translate: it brings PyTorch

    assert task.source
    name, lines = task.source
    check_lengths(task.source, *task.references)  # before the work
    return f"the translation of {name}", load(model, precision="float32").translate(list(lines))


def target_of(model: Path) -> str:
    """The language that a model translates into; empty where its card does not say."""
    from nmtk.bundle import CARD, find

    card = find(model) / CARD
    return str(read_yaml(card).get("target", "")) if card.is_file() else ""


def score_systems(
    systems: Sequence[Text], task: Task, metrics: Sequence[Metric], resampling: Resampling, test: str = ""
) -> dict[str, list[Score]]:
    """The scores by system; what is suspicious about a text is told on standard error first.

    test: the test set's name, where there may be others.
    """
    _warn(systems, task, metrics, resampling, test)
    return evaluate_systems(systems, task.references, metrics, task.source[1] if task.source else None, resampling)


def _warn(systems: Sequence[Text], task: Task, metrics: Sequence[Metric], resampling: Resampling, test: str) -> None:
    source, references = task.source[1] if task.source else None, [lines for _, lines in task.references]
    for system in systems:
        check_lengths(system, *task.references)
    told = [(test, "", doubt) for metric in metrics if (doubt := metric.doubts())]
    if doubt := doubts(len(references[0]), len(systems), resampling):
        told.append((test, "", doubt))
    told += [(test, "", fault) for fault in faults(references, [lines for _, lines in systems], source, metrics)]
    for name, lines in systems:
        found = suspicions(lines, references, source, metrics)
        told += [(test, name if len(systems) > 1 else "", suspicion) for suspicion in found]
    for parts in told:
        warn(": ".join(filter(None, parts)))
