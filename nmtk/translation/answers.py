"""Answers: how the translations of a line are written.

text    the best translation
nbest   the n best in Moses' format: number of the line, from 0 ||| translation ||| features ||| score
jsonl   an object: what stood in the input's line, as it was written there, with the translation and what is known of it

So what one model has written another can translate: keys of the input by names that are ours are dropped, asked for now
or not, since they would speak of another translation.
"""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nmtk.documents import Document
from nmtk.translation.inputs import Members

if TYPE_CHECKING:  # the command line looks for faults before anything heavy is imported
    from nmtk.decoding.translator import Translation
    from nmtk.vocabulary.vocabulary import Vocabulary

Format: TypeAlias = Literal["text", "nbest", "jsonl"]

DECIMALS = 5
"""Of log-probabilities and scores: finer than what the size of a batch changes of them in float32."""


_KNOWN = ("translation", "score", "logp", "tokens", "token_logps")
OURS = frozenset((*_KNOWN, "parts", "cut", "looped", "unmet", "breached", "alignment", "candidates"))
"""The keys of JSON that speak of a translation."""


class Answer(NamedTuple):
    """The translations of one line, best first."""

    line: int
    """The line's number, from 0."""
    given: Members
    """What stood in the line."""
    found: "Sequence[Translation]"
    alignment: Sequence[tuple[int, int]] | None = None
    """The best translation's, where it was asked for."""


class Layout(NamedTuple):
    """What is written of each line: the best translation, or `nbest`; with an alignment or without."""

    format: Format = "text"
    nbest: int | None = None
    """None: as many as search keeps in the format of that name, the best one alone in the others."""
    alignments: bool = False

    def fault(self) -> str | None:
        """Why there is no such layout, in a line; None if there may be."""
        if self.format == "text" and (self.nbest or 1) > 1:
            return "text holds one translation of each line: for --nbest, wanted --output-format nbest or jsonl"
        if self.format == "nbest" and self.alignments:
            return "an n-best list holds no --alignments: wanted --output-format text or jsonl"
        return None

    def writer(self, vocabulary: "Vocabulary") -> Callable[[Answer], str]:
        """What makes an answer the line, or lines, to be written."""
        writers: dict[Format, Callable[[Answer], str]] = {
            "text": _as_text,
            "nbest": _as_nbest,
            "jsonl": lambda answer: _as_json(answer, vocabulary, bool(self.nbest)),
        }
        return writers[self.format]


def _as_text(answer: Answer) -> str:
    """The translation; behind it ||| and the alignment, where one was asked for, as Marian writes it.

    Bars in the translation are then written as in an n-best list, and what is empty stays empty.
    """
    text = answer.found[0].text
    if answer.alignment is None or not text:
        return text
    return f"{_escape(text)} ||| {pharaoh(answer.alignment)}".rstrip()


def pharaoh(pairs: Sequence[tuple[int, int]]) -> str:
    """An alignment in Pharaoh's format: `0-0 1-2`, source word and target word, counted from 0."""
    return " ".join(f"{source}-{target}" for source, target in pairs)


def _as_nbest(answer: Answer) -> str:
    return "\n".join(
        f"{answer.line} ||| {_escape(one.text)} ||| logp= {_round(one.logp)} tokens= {len(one.token_logps)}"
        f" ||| {_round(one.score)}"
        for one in answer.found
    )


def _escape(text: str) -> str:
    """Moses' way of writing a bar, where bars would part the translation in two."""
    return text.replace("|||", "&#124;&#124;&#124;")


def _as_json(answer: Answer, vocabulary: "Vocabulary", several: bool) -> str:
    best = answer.found[0]
    document = _known(best, vocabulary) | {
        "parts": best.parts,
        "cut": best.cut,
        "looped": best.looped,
        "unmet": best.unmet,
        "breached": best.breached,
    }
    if answer.alignment is not None:
        document["alignment"] = pharaoh(answer.alignment)
    if several:
        document["candidates"] = [_known(one, vocabulary) for one in answer.found]
    given = [member for name, member in answer.given.items() if name not in OURS]
    return "{" + ", ".join([*given, json.dumps(document, ensure_ascii=False)[1:]])


def _known(one: "Translation", vocabulary: "Vocabulary") -> Document:
    return {
        "translation": one.text,
        "score": _round(one.score),
        "logp": _round(one.logp),
        "tokens": [token for _, ids in one.pairs for token in vocabulary.pieces([*ids, vocabulary.eos])],
        "token_logps": [_round(logp) for logp in one.token_logps],
    }


def _round(number: float) -> float:
    return round(number, DECIMALS) + 0.0  # no -0.0
