"""The page of a comparison: one HTML file that needs no other, no script and no network."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template

from nmtk.evaluation import tables
from nmtk.evaluation.comparison import Bucket, Comparison, Difference, pieces

NAMES = ("A", "B")
"""The systems, wherever their own names would take the place of what is to be read."""
SHOWN = 50
"""Sentences on either side, gains and losses."""


def page(comparisons: Sequence[Comparison], shown: int = SHOWN) -> str:
    """The page of one or several test sets' comparisons of the same two systems. All text in it is escaped."""
    systems = list(comparisons[0].rows)
    template = Template(files("nmtk.evaluation").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(" and ".join(systems)),
        first=escape(systems[0]),
        second=escape(systems[1]),
        body="\n".join(_section(one, number, shown) for number, one in enumerate(comparisons, 1)),
    )


def _section(one: Comparison, number: int, shown: int) -> str:
    gains = [difference for difference in one.differences if difference.change > 0][:shown]
    losses = [difference for difference in reversed(one.differences) if difference.change < 0][:shown]
    even = [difference for difference in one.differences if not difference.change]
    better = sum(difference.change > 0 for difference in one.differences)
    worse = sum(difference.change < 0 for difference in one.differences)
    counts = (
        f"Of {one.sentences:,} sentences, {one.sentences - len(one.differences):,} are the same in both; "
        f"in {better:,} B is better, in {worse:,} A, and {len(even):,} differ with the same score. "
        f"Words that the reference has nowhere: {one.strange[0]:,} in A, {one.strange[1]:,} in B."
    )
    parts = [
        f'<section aria-labelledby="test-{number}">',
        f'<h2 id="test-{number}">{escape(one.test) or "Scores"}</h2>',
        _scores(one.rows),
        f"<p>{counts}</p>",
        '<div class="pair">',
        _buckets("By length of the reference, in words", "sentences", "chrF", one.lengths),
        _buckets(f"By the words’ frequency in the {one.frequency}", "words", "F-score", one.words),
        "</div>",
        *_list("Where B gains most", gains),
        *_list("Where B loses most", losses),
        *_list("Where they differ with the same score", even[:shown]),
        "</section>",
    ]
    return "\n".join(parts)


def _scores(rows: tables.Rows) -> str:
    head, *body = tables.grid(rows)
    lines = [
        '<div class="wide" tabindex="0"><table>',
        f"<thead><tr>{_cells('th scope=col', head)}</tr></thead>",
        "<tbody>",
    ]
    lines += [
        f"<tr>{_cells('th scope=row', [f'{name}: {row[0]}'])}{_cells('td', row[1:])}</tr>"
        for name, row in zip(NAMES, body, strict=True)
    ]
    notes = "".join(f"<li>{escape(note)}</li>" for note in tables.notes(rows))
    return "\n".join([*lines, "</tbody></table></div>", f'<ul class="notes">{notes}</ul>'])


def _cells(tag: str, cells: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(cell.strip())}</{tag.split()[0]}>" for cell in cells)


def _buckets(title: str, unit: str, figure: str, buckets: Sequence[Bucket]) -> str:
    """A table with a bar for each change, all bars of it to one scale."""
    most = max((abs(one.scores[1] - one.scores[0]) for one in buckets), default=0.0) or 1.0
    head = _cells("th scope=col", ["", unit, *NAMES, "change"])
    rows = []
    for one in buckets:
        change = one.scores[1] - one.scores[0]
        side = "gain" if change >= 0 else "loss"
        bar = f'<span class="bar {side}" style="inline-size:{40 * abs(change) / most:.1f}%"></span>'
        figures = [f"{one.size:,}", *(f"{score:.1f}" for score in one.scores)]
        rows.append(
            f"<tr>{_cells('th scope=row', [one.label])}{_cells('td', figures)}"
            f'<td class="change">{bar}<span>{change:+.1f}</span></td></tr>'
        )
    caption = f"<caption>{escape(title)} ({figure})</caption>"
    table = f"{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{table}</table></div>'


def _list(title: str, differences: Sequence[Difference]) -> Iterator[str]:
    if not differences:
        return
    yield f"<h3>{escape(title)}</h3><ol>"
    for one in differences:
        side = "gain" if one.change >= 0 else "loss"
        score = f"{one.scores[0]:.1f} → {one.scores[1]:.1f}"
        yield f'<li><p class="head">Line {one.number:,} <span class="{side}">{one.change:+.1f}</span> {score}</p><dl>'
        if one.source is not None:
            yield _line("source", escape(one.source))
        for reference in one.references:
            yield _line("reference", escape(reference))
        for place, name in enumerate(NAMES):
            yield _line(name, _marked(one.outputs[place], one.outputs[1 - place], one.references))
        yield "</dl></li>"
    yield "</ol>"


def _line(name: str, html: str) -> str:
    return f'<dt>{escape(name)}</dt><dd dir="auto">{html}</dd>'


def _marked(line: str, other: str, references: Sequence[str]) -> str:
    return "".join(
        f'<mark class="{"right" if piece.expected else "wrong"}">{escape(piece.text)}</mark>'
        if piece.differs
        else escape(piece.text)
        for piece in pieces(line, other, references)
    )
