"""Scores as text to read and as JSON to work with."""

import json
from collections.abc import Mapping, Sequence

from nmtk.evaluation.metrics import Score


def as_text(tests: Mapping[str, Sequence[Score]], width: int = 2) -> str:
    """A line for each score: test set, metric, figure, signature, in columns. A test set without name has no column."""
    cells = [
        (test, score.name, f"{score.score:.{width}f}", f"{score.signature}  {score.detail}".rstrip())
        for test, scores in tests.items()
        for score in scores
    ]
    tests_wide, names_wide, figures_wide = (max((len(row[i]) for row in cells), default=0) for i in range(3))
    return "\n".join(
        f"{test:<{tests_wide}}  {name:<{names_wide}}  {figure:>{figures_wide}}  {rest}".lstrip()
        for test, name, figure, rest in cells
    )


def as_json(tests: Mapping[str, Sequence[Score]], width: int = 2) -> str:
    """A list with sacreBLEU's own dictionary for each score, and the `test` set it belongs to where that has a name."""
    rows = [({"test": test} if test else {}) | score.json(width) for test, scores in tests.items() for score in scores]
    return json.dumps(rows, indent=1, ensure_ascii=False)
