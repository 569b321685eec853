"""Order: signs that line i of the hypotheses is not the translation of what line i of the references translates.

Words that stand in one line alone of the hypotheses, and in one line alone of the references, tell which lines belong
together. One such word may be chance; two in the same two lines hardly are, so these lines are *linked*. Nearly all
links of translations in their order lead from a line to its own reference, however bad they are: where damage brought
them to 2 BLEU, three of four still did. Text that translates nothing of the references has hardly any links at all:
at most one in 200 lines, of the same captions, news, debates or examples.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nmtk.evaluation.scripts import UNPARTED, script

FEWEST = 10
"""Links that must agree on another order before it is told."""
AGREEING = 0.5
"""By how much of all links within a stretch those that lead so far must outnumber the others: else lines are mixed."""
FURTHEST = 0.25
"""The share of all lines up to which lines are called shifted; text that is moved farther is in another order."""
LINKED = 0.01
"""The share of lines that must be linked, not to be chance."""
ASTRAY = 0.8
"""The share of links that must lead to another line than their own for the lines to be in another order."""
PIECE, PIECES = 3, 5
"""Where blanks do not part words, so many characters stand for one; as they overlap, a link takes more than two."""

_WORD = re.compile(r"[^\W_]+")


def disorder(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a sentence if lines are shifted or in another order, against all of the references alike."""
    found = [_disorder(hypotheses, reference) for reference in references]
    if found and all(found):
        yield found[0]


def _disorder(hypotheses: Sequence[str], reference: Sequence[str]) -> str:
    links = _links(hypotheses, reference)
    steps = Counter(theirs - ours for ours, theirs in links)
    own = steps.pop(0, 0)
    for step, _ in steps.most_common(1):
        first, last, agreeing = _stretch(links, step)
        within = sum(first <= ours <= last for ours, _ in links)
        if agreeing >= max(FEWEST, AGREEING * within) and abs(step) <= FURTHEST * len(hypotheses):
            lines = f"{abs(step):,} {'line' if abs(step) == 1 else 'lines'}"
            return (
                f"about lines {first + 1:,} to {last + 1:,} of the hypotheses match the references "
                f"{lines} {'later' if step > 0 else 'earlier'}: "
                f"before them, {lines} {'may be missing' if step > 0 else 'may be too many'}"
            )
    if steps.total() >= max(FEWEST, LINKED * len(hypotheses)) and steps.total() > ASTRAY * len(links):
        return (
            f"of {len(links):,} hypotheses that share rare words with a reference, {own:,} do with their own: "
            "are they in the order of the references?"
        )
    return ""


def _links(hypotheses: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """Numbers of lines that are linked with each other and no other ones, from 0, in the order of the hypotheses."""
    parted = script(reference) not in UNPARTED
    ours, theirs = (_unique(lines, parted) for lines in (hypotheses, reference))
    shared = Counter((ours[word], theirs[word]) for word in ours.keys() & theirs.keys())
    linked = sorted(pair for pair, count in shared.items() if count >= (2 if parted else PIECES))
    of_ours, of_theirs = Counter(one for one, _ in linked), Counter(other for _, other in linked)
    return [(one, other) for one, other in linked if of_ours[one] == of_theirs[other] == 1]


def _unique(lines: Sequence[str], parted: bool) -> dict[str, int]:
    """The words that stand in one line alone, and in which."""
    found: dict[str, int] = {}
    for number, line in enumerate(lines):
        words = _WORD.findall(line.lower())
        if not parted:
            words = [word[at : at + PIECE] for word in words for at in range(len(word) - PIECE + 1)]
        for word in set(words):
            found[word] = -1 if word in found else number
    return {word: number for word, number in found.items() if number >= 0}


def _stretch(links: Sequence[tuple[int, int]], step: int) -> tuple[int, int, int]:
    """The first and last line of where most links lead so far, and by how many they outnumber the others there."""
    best, start, total = (0, 0, 0), 0, 0
    for ours, theirs in links:
        if total <= 0:
            start, total = ours, 0
        total += 1 if theirs - ours == step else -1
        best = max(best, (start, ours, total), key=lambda stretch: stretch[2])
    return best
