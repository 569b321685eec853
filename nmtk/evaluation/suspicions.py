"""Suspicions: signs that the text to be scored is not plain text, or not the right one, so that its score means little.

Each compares the hypotheses with the references; what is wrong with the references themselves is in `references.py`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nmtk.evaluation.metrics import Metric, TokenisedBleu
from nmtk.evaluation.order import disorder
from nmtk.evaluation.scripts import script
from nmtk.evaluation.signs import CASE, FORMATS, LEFTOVERS, NOTICEABLE, PIECES, TOKENS, Sign

COMMON = 50
"""So many of the references' most frequent words tell their language: no list of any language's words is needed."""
EQUAL = 10
"""Lines from which on a text that equals the reference is hardly a translation: a few short ones may well be right."""
REPEATED = 4
"""By how many times the most frequent line must be more frequent than that of the references."""
ENOUGH = 200
"""Words from which on a language can be told."""
KNOWN, STRANGE = 0.2, 1 / 3
"""A text has its own most frequent words in a fifth of it or more, another language's not a third as often."""

_WORD = re.compile(r"[^\W\d_]+")


def suspicions(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    source: Sequence[str] | None = None,
    metrics: Sequence[Metric] = (),
) -> Iterator[str]:
    """Yield a sentence for each way in which the hypotheses look unfinished, or not like translations at all.

    What none of the metrics minds is none; without metrics, all is told.
    """
    if strange := next(_unfinished(FORMATS, hypotheses, references, metrics), ""):
        yield strange
        return
    yield from _unfinished((*PIECES, *LEFTOVERS, *CASE), hypotheses, references, metrics)
    yield from _cut_twice(hypotheses, metrics)
    empty = sum(not line.strip() for line in hypotheses)
    wanted = min((sum(not line.strip() for line in reference) for reference in references), default=0)
    if empty > wanted:
        yield f"{empty} of {len(hypotheses)} hypotheses are empty, and {wanted} of the references"
    here, there = _repeated(hypotheses), max(map(_repeated, references), default=0.0)
    if len(hypotheses) >= EQUAL and here > max(NOTICEABLE, REPEATED * there):
        yield f"{here:.0%} of the hypotheses repeat one and the same line, and {there:.0%} of the references"
    if len(hypotheses) >= EQUAL and any(list(hypotheses) == list(reference) for reference in references):
        yield "the hypotheses are a reference, line by line: is it the right file?"
    if source is not None:
        here = _equal(hypotheses, source)
        there = max((_equal(reference, source) for reference in references), default=0.0)
        if here - there > NOTICEABLE:
            yield f"{here:.0%} of the hypotheses are their source, untranslated, and {there:.0%} of the references"
    yield from _foreign(hypotheses, references)
    yield from disorder(hypotheses, references)


def _unfinished(
    signs: Sequence[Sign], hypotheses: Sequence[str], references: Sequence[Sequence[str]], metrics: Sequence[Metric]
) -> Iterator[str]:
    for sign in signs:
        here = sign.share(hypotheses) if (wrong := sign.wrong(metrics)) else 0.0
        if here > sign.noticeable and here - (there := max(map(sign.share, references), default=0.0)) > sign.noticeable:
            yield (
                f"{here:.0%} of the hypotheses {sign.found}, and {there:.0%} of the references: "
                f"{wrong} will be {sign.scores}; {sign.mend}"
            )


def _cut_twice(hypotheses: Sequence[str], metrics: Sequence[Metric]) -> Iterator[str]:
    """Tokens, like those of the references, to a metric that cuts them out of the hypotheses alone."""
    if any(isinstance(metric, TokenisedBleu) and metric.takes_tokens for metric in metrics):
        share = TOKENS.share(hypotheses)
        if share > TOKENS.noticeable:
            yield f"{share:.0%} of the hypotheses {TOKENS.found}, and tokenised-bleu does it again: {TOKENS.mend}"


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


def _repeated(lines: Sequence[str]) -> float:
    """The share of the most frequent line, beyond once; empty ones are counted elsewhere."""
    often = max(Counter(line for line in lines if line.strip()).values(), default=1)
    return (often - 1) / max(1, len(lines))


def _words(lines: Sequence[str]) -> Counter[str]:
    return Counter(word.lower() for line in lines for word in _WORD.findall(line))


def _equal(lines: Sequence[str], others: Sequence[str]) -> float:
    return sum(one == other and bool(one.strip()) for one, other in zip(lines, others, strict=True)) / max(
        1, len(lines)
    )
