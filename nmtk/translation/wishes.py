"""Wishes: what the command line asks of decoding, laid over the model's own options.

Nothing heavy is imported here, so that wrong usage is told at once.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from nmtk.documents import Document

SEARCHES = ("beam", "diverse-beam", "sampling", "mbr", "greedy")
"""The kinds of search; of those that know all that is asked for, the first is meant."""
_BEAMS, _DRAWS = ("beam", "diverse-beam"), ("sampling", "mbr")


class Place(NamedTuple):
    """Where in the decoding options a wish goes, and which kinds of search know it."""

    key: str
    searches: tuple[str, ...] = SEARCHES


PLACES = {
    "beam_size": Place("strategy.width", _BEAMS),
    "length_penalty": Place("strategy.penalty.kind", _BEAMS),
    "alpha": Place("strategy.penalty.alpha", _BEAMS),
    "stop": Place("strategy.stop", _BEAMS),
    "groups": Place("strategy.groups", ("diverse-beam",)),
    "diversity": Place("strategy.strength", ("diverse-beam",)),
    "samples": Place("strategy.samples", _DRAWS),
    "temperature": Place("strategy.temperature", _DRAWS),
    "top_k": Place("strategy.top_k", _DRAWS),
    "top_p": Place("strategy.top_p", _DRAWS),
    "seed": Place("strategy.seed", _DRAWS),
    "metric": Place("strategy.metric", ("mbr",)),
    "no_repeat_ngram": Place("no_repeat_ngram"),
    "repetition_penalty": Place("repetition_penalty"),
    "loop_guard": Place("loop_guard"),
    "min_length": Place("min_length"),
    "min_ratio": Place("min_ratio"),
    "max_ratio": Place("max_ratio"),
    "max_extra": Place("max_extra"),
    "longest": Place("longest"),
    "longest_input": Place("longest_input"),
    "split": Place("split"),
    "source_language": Place("source_language"),
    "unknown": Place("unknown"),
    "batch_tokens": Place("batch_tokens"),
}
"""Each wish by the name of its flag. A `kind` stands before what only some kinds have."""


class Wishes:
    """What was asked for other than the model's own way of decoding, by the names in PLACES; None asks for nothing."""

    def __init__(self, decode: str | None = None, **asked: Any) -> None:
        self.decode = decode
        self.asked = {name: asked[name] for name in PLACES if asked.get(name) is not None}
        assert asked.keys() <= PLACES.keys()

    def over(self, own: Document) -> Document:
        """The model's options, every default written out, with the wishes laid over them.

        To ask for what only some kinds of search know is to ask for one of them: the model's own if it is among them.
        """
        document = own | {"strategy": dict(own["strategy"])}
        known = [kind for kind in SEARCHES if kind == (self.decode or kind) and not list(self._foreign(kind))]
        if document["strategy"]["kind"] not in known:
            _put(document, "strategy.kind", known[0])
        for name, value in self.asked.items():
            _put(document, PLACES[name].key, value)
        return document

    def fault(self) -> str | None:
        """Why the wishes cannot all be granted, in a line; None if they can."""
        if self.decode:
            for name in self._foreign(self.decode):
                return f"{_flag(name)} is for {_or(PLACES[name].searches)}: {self.decode} has no such thing"
        for one, other in combinations(self.asked, 2):
            if not set(PLACES[one].searches) & set(PLACES[other].searches):
                searches = _or(PLACES[one].searches), _or(PLACES[other].searches)
                return f"{_flag(one)} is for {searches[0]}, {_flag(other)} for {searches[1]}: wanted one or the other"
        if self.asked.get("length_penalty") == "none" and "alpha" in self.asked:
            return "without a length penalty there is no --alpha"
        return None

    def _foreign(self, kind: str) -> Iterator[str]:
        """What is asked for and a kind of search does not know."""
        return (name for name in self.asked if kind not in PLACES[name].searches)


def _put(document: Document, key: str, value: Any) -> None:
    """Set `a.b.c` to a value. Another `kind` than before drops all that belonged to the one before."""
    *folders, last = key.split(".")
    for folder in folders:
        document[folder] = document = dict(document.get(folder) or {})
    if last == "kind" and document.get("kind") != value:
        document.clear()
    document[last] = value


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _or(words: tuple[str, ...]) -> str:
    return " or ".join(words)
