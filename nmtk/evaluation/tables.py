"""Tables: rows of scores (systems, checkpoints, test sets) under one head, as text, as LaTeX, as objects for JSON.

A metric has a column for its figure and, where chance was estimated, one for the interval and one for the p-value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from nmtk.documents import Document
from nmtk.evaluation.scores import SIGNIFICANT, Score

Rows: TypeAlias = Mapping[str, Sequence[Score]]
"""By label, scores of the same metrics in the same order."""

_TESTS = {"bs": "paired bootstrap, {} resamples", "ar": "paired approximate randomisation, {} trials"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "μ": r"$\mu$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def as_text(rows: Rows, head: str = "System", width: int = 2) -> str:
    """A table in columns, what its asterisks mean, and the signatures."""
    table = grid(rows, head, width)
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join([label.ljust(wide[0]), *(cell.rjust(size) for cell, size in zip(cells, wide[1:], strict=True))])
        for label, *cells in table
    ]
    return "\n".join([*(line.rstrip() for line in lines), "", *notes(rows)])


def as_latex(rows: Rows, head: str = "System", width: int = 2) -> str:
    """A table for the package booktabs, every name escaped; under it, what belongs in its caption, as comments."""
    title, *body = (" & ".join(map(_escaped, cells)) + r" \\" for cells in grid(rows, head, width))
    columns = "l" + "r" * title.count(" & ")
    table = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", title, r"\midrule", *body, r"\bottomrule"]
    return "\n".join([*table, r"\end{tabular}", *(f"% {note}" for note in notes(rows))])


def document(scores: Sequence[Score], width: int) -> Document:
    """For JSON, what stands in a row, as sacreBLEU has it for several systems; and each score's signature."""
    return {score.name: _document(score, width) for score in scores}


def _document(score: Score, width: int) -> Document:
    return {
        "score": round(score.score, width),
        **({} if score.p_value is None else {"p_value": score.p_value}),
        **({} if score.interval is None else {"mean": score.interval.mean, "ci": score.interval.half}),
        "signature": score.signature,
    }


def grid(rows: Rows, head: str = "System", width: int = 2) -> list[list[str]]:
    """The cells of the head and of each row."""
    columns = list(zip(*rows.values(), strict=True))
    intervals = [any(score.interval for score in column) for column in columns]
    p_values = [any(score.p_value is not None for score in column) for column in columns]
    first, paired = next(iter(rows)), any(p_values)
    title = [head]
    for (score, *_), interval, p_value in zip(columns, intervals, p_values, strict=True):
        title += [f"{score.name} {'↑' if score.higher_is_better else '↓'}"]
        title += ["μ ± 95% CI"] * interval + ["p "] * p_value
    found = [title]
    for label, scores in rows.items():
        cells = [f"{label} (baseline)" if paired and label == first else label]
        for score, interval, p_value in zip(scores, intervals, p_values, strict=True):
            mean = f"{score.interval.mean:.{width}f} ± {score.interval.half:.{width}f}" if score.interval else ""
            p = "" if score.p_value is None else f"{score.p_value:.4f}{'*' if score.differs else ' '}"
            cells += [f"{score.score:.{width}f}"] + [mean] * interval + [p] * p_value
        found.append(cells)
    return found


def notes(rows: Rows) -> Iterator[str]:
    """What the asterisks mean, and each metric's signature; where the rows' signatures differ, all of them."""
    scores = [score for found in rows.values() for score in found]
    if any(score.p_value is not None for score in scores):
        fields = dict(pair.split(":", maxsplit=1) for pair in scores[0].signature.split("|"))
        kind = "ar" if "ar" in fields else "bs"
        test = _TESTS[kind].format(fields[kind])
        yield f"* p < {SIGNIFICANT:g}: hardly chance that it differs so much from the baseline ({test})"
    signatures = dict.fromkeys((score.name, score.signature) for score in scores)
    longest = max((len(name) for name, _ in signatures), default=0)
    for name, signature in signatures:
        yield f"{name:<{longest}}  {signature}"


def _escaped(text: str) -> str:
    return re.sub(r"\*\s*$", "$^{*}$", "".join(_LATEX.get(sign, sign) for sign in text.strip()))
