"""Suspicions: signs that the text to be scored is not plain text, so that its score means little."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

NOTICEABLE = 0.2
"""By how much of all lines a sign must be more common in the hypotheses than in the references."""


class Sign(NamedTuple):
    """What a line of unfinished text shows, what it looks like, and the likely mend."""

    shows: Callable[[str], object]
    looks: str
    mend: str


SIGNS = (
    Sign(re.compile("▁").search, "cut into SentencePiece pieces (▁)", "decode them first"),
    Sign(re.compile(r"@@( |$)").search, "cut into BPE pieces (@@)", "join them first, as with sed 's/@@ //g'"),
    Sign(
        re.compile(r"\S [.,](?: |$)| @-@ |&(?:apos|quot|amp|lt|gt|#91|#93|#124);").search,
        "tokenised",
        "detokenise them first",
    ),
    Sign(
        lambda line: line == line.lower() and line != line.upper(),
        "lower-cased",
        "restore the case, or ignore it with -lc",
    ),
)


def suspicions(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a sentence for each way in which the hypotheses look unfinished and the references do not."""
    for sign in SIGNS:
        here = _share(sign, hypotheses)
        there = max((_share(sign, reference) for reference in references), default=0.0)
        if here - there > NOTICEABLE:
            yield (
                f"{here:.0%} of the hypotheses look {sign.looks}, and {there:.0%} of the references: "
                f"the scores will be wrong; {sign.mend}"
            )
    empty = sum(not line.strip() for line in hypotheses)
    wanted = min((sum(not line.strip() for line in reference) for reference in references), default=0)
    if empty > wanted:
        yield f"{empty} of {len(hypotheses)} hypotheses are empty, and {wanted} of the references"


def _share(sign: Sign, lines: Sequence[str]) -> float:
    return sum(bool(sign.shows(line)) for line in lines) / max(1, len(lines))
