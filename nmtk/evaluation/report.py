"""Scores as text to read, as JSON to work with, and as LaTeX."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from nmtk.evaluation import tables
from nmtk.evaluation.scores import Score

Layout: TypeAlias = Literal["text", "json", "latex"]


def rendered(
    tests: Mapping[str, tables.Rows], layout: Layout = "text", width: int = 2, checkpoints: bool = False
) -> str:
    """The scores of one or several systems on one or several test sets, or of a run's checkpoints, named by update.

    Of a single system a score is a line; several, and checkpoints however many, have a table for each test set.
    """
    if not checkpoints and all(len(rows) == 1 for rows in tests.values()):
        single = {test: scores for test, rows in tests.items() for scores in rows.values()}
        match layout:
            case "text":
                return as_text(single, width)
            case "json":
                return as_json(single, width)
            case "latex":
                rows, head = (tests[""], "System") if "" in tests else (single, "Test set")
                return tables.as_latex(rows, head, width)
    if layout == "json":
        found = [
            ({"test": test} if test else {})
            | {"checkpoint" if checkpoints else "system": int(label) if checkpoints else label}
            | tables.document(scores, width)
            for test, rows in tests.items()
            for label, scores in rows.items()
        ]
        return json.dumps(found, indent=1, ensure_ascii=False)
    if checkpoints:
        tests = {test: {f"{int(label):,}": row for label, row in rows.items()} for test, rows in tests.items()}
    head = "Checkpoint" if checkpoints else "System"
    table, title = (tables.as_text, "{}\n\n") if layout == "text" else (tables.as_latex, "% {}\n")
    return "\n\n".join((title.format(test) if test else "") + table(rows, head, width) for test, rows in tests.items())


def as_text(tests: Mapping[str, Sequence[Score]], width: int = 2) -> str:
    """A line for each score: test set, metric, figure, signature, in columns. A test set without name has no column."""
    cells = [
        (test, score.name, _figure(score, width), f"{score.signature}  {score.detail}".rstrip())
        for test, scores in tests.items()
        for score in scores
    ]
    tests_wide, names_wide, figures_wide = (max((len(row[i]) for row in cells), default=0) for i in range(3))
    return "\n".join(
        f"{test:<{tests_wide}}  {name:<{names_wide}}  {figure:>{figures_wide}}  {rest}".lstrip()
        for test, name, figure, rest in cells
    )


def _figure(score: Score, width: int) -> str:
    interval = score.interval
    return f"{score.score:.{width}f}" + (
        f" (μ = {interval.mean:.{width}f} ± {interval.half:.{width}f})" if interval else ""
    )


def as_json(tests: Mapping[str, Sequence[Score]], width: int = 2) -> str:
    """A list with sacreBLEU's own dictionary for each score, and the `test` set it belongs to where that has a name."""
    rows = [({"test": test} if test else {}) | score.json(width) for test, scores in tests.items() for score in scores]
    return json.dumps(rows, indent=1, ensure_ascii=False)
