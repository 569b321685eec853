"""Suspicions: signs that the text to be scored is not plain text, or not the right one, so that its score means little.

Each compares the hypotheses with the references, which may be tokenised, lower-cased or empty for good reasons.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from nmtk.evaluation.metrics import Metric

NOTICEABLE = 0.2
"""By how much of all lines a sign must be more common in the hypotheses than in the references."""
COMMON = 50
"""So many of the references' most frequent words tell their language: no list of any language's words is needed."""
ENOUGH = 200
"""Words from which on a language can be told."""
KNOWN, STRANGE = 0.2, 1 / 3
"""A text has its own most frequent words in a fifth of it or more, another language's not a third as often."""

ABBREVIATED = 8
"""Letters that a line in capitals may have, and be one of names and abbreviations."""

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = re.compile(r"[^\W\d_]")


class Sign(NamedTuple):
    """What a line of unfinished text shows, what it looks like, and the likely mend."""

    shows: Callable[[str], object]
    looks: str
    mend: str
    of_case: bool = False
    """Whether it is nothing to metrics that ignore case."""


SIGNS = (
    Sign(re.compile("▁").search, "cut into SentencePiece pieces (▁)", "decode them first"),
    Sign(re.compile(r"@@( |$)").search, "cut into BPE pieces (@@)", "join them first, as with sed 's/@@ //g'"),
    Sign(
        re.compile(r"\S ##[^\s#]").search, "cut into WordPiece pieces (##)", "join them first, as with sed 's/ ##//g'"
    ),
    Sign(
        re.compile("￭").search,
        "cut into pieces with joiners (￭)",
        "join them first, as with sed 's/ \\?￭ \\?//g'",
    ),
    Sign(
        re.compile(r"\S [.,](?: |$)| @-@ |&(?:apos|quot|amp|lt|gt|#91|#93|#124);").search,
        "tokenised",
        "detokenise them first",
    ),
    Sign(
        lambda line: line == line.lower() and line != line.upper(),
        "lower-cased",
        "restore the case, or ignore it: -lc for BLEU, --chrf-lowercase for chrF",
        of_case=True,
    ),
    Sign(
        lambda line: line == line.upper() != line.lower() and len(_LETTERS.findall(line)) > ABBREVIATED,
        "written in capitals",
        "restore the case, or ignore it: -lc for BLEU, --chrf-lowercase for chrF",
        of_case=True,
    ),
)


def suspicions(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    source: Sequence[str] | None = None,
    metrics: Sequence[Metric] = (),
) -> Iterator[str]:
    """Yield a sentence for each way in which the hypotheses look unfinished, or not like translations at all.

    What none of the metrics minds is none; without metrics, all is told.
    """
    yield from _unfinished(hypotheses, references, metrics)
    empty = sum(not line.strip() for line in hypotheses)
    wanted = min((sum(not line.strip() for line in reference) for reference in references), default=0)
    if empty > wanted:
        yield f"{empty} of {len(hypotheses)} hypotheses are empty, and {wanted} of the references"
    if any(list(hypotheses) == list(reference) for reference in references):
        yield "the hypotheses are a reference, line by line: is it the right file?"
    if source is not None:
        here = _equal(hypotheses, source)
        there = max((_equal(reference, source) for reference in references), default=0.0)
        if here - there > NOTICEABLE:
            yield f"{here:.0%} of the hypotheses are their source, untranslated, and {there:.0%} of the references"
    yield from _foreign(hypotheses, references)


def _unfinished(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], metrics: Sequence[Metric]
) -> Iterator[str]:
    minding = [metric.kind for metric in metrics if not metric.ignores_case]
    for sign in SIGNS:
        if sign.of_case and metrics and not minding:
            continue
        wrong = ", ".join(minding) if sign.of_case and metrics else "the scores"
        here = _share(sign, hypotheses)
        there = max((_share(sign, reference) for reference in references), default=0.0)
        if here - there > NOTICEABLE:
            yield (
                f"{here:.0%} of the hypotheses look {sign.looks}, and {there:.0%} of the references: "
                f"{wrong} will be wrong; {sign.mend}"
            )


def _foreign(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Iterator[str]:
    """Another script, or another language in the same script."""
    found, wanted = script(hypotheses), {script(reference) for reference in references}
    if found and wanted and found not in wanted and None not in wanted:
        yield f"the hypotheses are in {found} letters, and the references in {' or '.join(sorted(map(str, wanted)))}"
        return
    words = _words(hypotheses)
    shares = []
    for theirs in map(_words, references):
        common = {word for word, _ in theirs.most_common(COMMON)}
        own, here = (sum(text[word] for word in common) / max(1, text.total()) for text in (theirs, words))
        shares.append(min(words.total(), theirs.total()) >= ENOUGH and own >= KNOWN and here < STRANGE * own)
    if shares and all(shares):
        yield "the most common words of the references are rare in the hypotheses: are they in the same language?"


def script(lines: Sequence[str]) -> str | None:
    """The script of most letters, as Unicode names it: `latin`, `cyrillic`, `cjk`; None if there is no such one."""
    letters = Counter(letter for line in lines for letter in _LETTERS.findall(line))
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[unicodedata.name(letter, "unknown").split()[0].lower()] += count
    for name, count in scripts.most_common(1):
        if 2 * count > scripts.total():
            return name
    return None


def _words(lines: Sequence[str]) -> Counter[str]:
    return Counter(word.lower() for line in lines for word in _WORD.findall(line))


def _equal(lines: Sequence[str], others: Sequence[str]) -> float:
    return sum(one == other and bool(one.strip()) for one, other in zip(lines, others, strict=True)) / max(
        1, len(lines)
    )


def _share(sign: Sign, lines: Sequence[str]) -> float:
    return sum(bool(sign.shows(line)) for line in lines) / max(1, len(lines))
