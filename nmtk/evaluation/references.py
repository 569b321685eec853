"""References: signs that the text to score against is not what the metrics take it for, whatever is held against it.

All systems' scores suffer alike, so it is told once.
"""

from collections.abc import Iterator, Mapping, Sequence

from nmtk.evaluation.metrics import Bleu, Metric, Ter
from nmtk.evaluation.scripts import UNPARTED, script
from nmtk.evaluation.signs import CASE, FORMATS, LEFTOVERS, PIECES, TOKENS, Sign

AS_TOKENS = ", or score tokens: --metric bleu --tokenize none, or --metric tokenised-bleu --tokenised-reference"
"""What else may be done about tokens."""
WORDS: Mapping[str, tuple[str, str]] = {
    "cjk": ("-l PAIR, or --tokenize zh, ja-mecab or char", "--ter-normalized --ter-asian-support"),
    "hangul": ("-l PAIR, or --tokenize ko-mecab or char", ""),
    **dict.fromkeys(UNPARTED - {"cjk"}, ("--tokenize flores200 or char", "")),
}
"""By script, the flags with which BLEU and TER find words where blanks alone do not part them; TER has few."""


def faults(
    references: Sequence[Sequence[str]],
    systems: Sequence[Sequence[str]],
    source: Sequence[str] | None = None,
    metrics: Sequence[Metric] = (),
) -> Iterator[str]:
    """Yield a sentence for each way in which the references look unfinished or incomplete, or their words not found.

    What none of the metrics minds is none; without metrics, all is told, but for words, which only metrics look for.
    """
    if strange := next(_unfinished(FORMATS, references, metrics), ""):
        yield strange
        return
    yield from _unfinished(LEFTOVERS, references, metrics)
    for sign in (*PIECES, *CASE):
        yield from _unlike(sign, references, systems, sign.wrong(metrics))
    if uncut := [metric.kind for metric in metrics if isinstance(metric, Bleu) and metric.takes_tokens]:
        yield from _unlike(TOKENS, references, systems, uncut[0])
    yield from _empty(references, systems, source, metrics)
    yield from _without_words(references, metrics)


def _unfinished(signs: Sequence[Sign], references: Sequence[Sequence[str]], metrics: Sequence[Metric]) -> Iterator[str]:
    for sign in signs:
        share = max(map(sign.share, references), default=0.0)
        if share > sign.noticeable and (wrong := sign.wrong(metrics)):
            mend = sign.mend + (AS_TOKENS if sign == TOKENS else "")
            yield f"{share:.0%} of the references {sign.found}: {wrong} will be {sign.scores}; {mend}"


def _unlike(
    sign: Sign, references: Sequence[Sequence[str]], systems: Sequence[Sequence[str]], wrong: str
) -> Iterator[str]:
    """What only the references show."""
    there = max(map(sign.share, references), default=0.0)
    here = min(map(sign.share, systems), default=there) if there > sign.noticeable else there
    if wrong and there - here > sign.noticeable:
        yield (
            f"{there:.0%} of the references {sign.found}, and {here:.0%} of the hypotheses: "
            f"{wrong} will be {sign.scores}; {sign.mend}"
        )


def _empty(
    references: Sequence[Sequence[str]],
    systems: Sequence[Sequence[str]],
    source: Sequence[str] | None,
    metrics: Sequence[Metric],
) -> Iterator[str]:
    """Lines without a reference, though there is something to translate, or to judge."""
    said = [any(line.strip() for line in lines) for lines in zip(*([source] if source else systems), strict=True)]
    given = [[bool(line.strip()) for line in lines] for lines in zip(*references, strict=True)]
    lacking = [number for number, found in enumerate(given, 1) if said[number - 1] and not any(found)]
    if lacking:
        yield (
            f"{_lines(len(lacking), len(given))} no reference, the first of them line {lacking[0]:,}: "
            "all that is said there is wrong to the metrics; leave such lines out"
        )
    partly = sum(any(found) and not all(found) for found in given)
    averaging = [metric.kind for metric in metrics if isinstance(metric, Ter)]
    if partly and (averaging or not metrics):
        yield (
            f"{_lines(partly, len(given))} fewer references than others, some being empty: "
            "ter counts them as references of no words, and will be too high"
        )


def _without_words(references: Sequence[Sequence[str]], metrics: Sequence[Metric]) -> Iterator[str]:
    """Metrics that find no words in a script as they are set."""
    for name in sorted({str(script(reference)) for reference in references} & WORDS.keys()):
        wanted = [f"{metric.kind} wants {flags}" for metric in metrics if (flags := _flags(metric, *WORDS[name]))]
        if wanted:
            yield f"the references are in {name} letters: to find words in them, {', and '.join(wanted)}"


def _flags(metric: Metric, of_bleu: str, of_ter: str) -> str:
    """Those that are missing."""
    if isinstance(metric, Bleu) and metric.tokenize in (None, "13a", "intl"):
        return of_bleu
    if isinstance(metric, Ter) and not (metric.normalized and metric.asian_support):
        return of_ter
    return ""


def _lines(count: int, of: int) -> str:
    return f"{count:,} of {of:,} lines {'has' if count == 1 else 'have'}"
