"""Repeats: pairs that came before, and sources that have several translations, in 24 bytes of memory a pair."""

import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from typing import ClassVar

import numpy as np

from nmtk.data.doctor.findings import Fault, Hit, Severity
from nmtk.data.doctor.profile import Profile
from nmtk.data.doctor.reading import Portion
from nmtk.data.duplicates import Keys, Seen, key
from nmtk.data.pairs import Pair


class Repeats:
    """Pairs that are the same as one before, and further translations of a source."""

    AGAIN: ClassVar = Fault(
        "duplicate", "the pair came before", Severity.NOTE, "filters.drop_duplicates drops it", many=0.05
    )
    ALIKE: ClassVar = Fault(
        "near duplicate", "the pair came before but for case, spaces or the form of its letters", Severity.NOTE
    )
    SEVERAL: ClassVar = Fault("several targets", "the source came before with another target", Severity.NOTE)

    def __init__(self, _profile: Profile) -> None:
        self._pairs, self._sources, self._plain = Seen(), Seen(), Seen()

    def look(self, portion: Portion) -> Iterator[Hit]:
        sources, targets = portion.sides
        whole = [index for index in range(len(sources)) if sources[index].strip() and targets[index].strip()]
        pairs = [key(Pair(sources[index], targets[index], portion.numbers[index])) for index in whole]
        fresh = self._pairs.add(np.array(pairs, np.uint64))
        at = np.array(whole, np.int64)
        yield from (Hit(self.AGAIN, int(index)) for index in at[~fresh])
        new = at[fresh]
        plain = self._plain.add(_keys([f"{_plain(sources[index])}\n{_plain(targets[index])}" for index in new]))
        yield from (Hit(self.ALIKE, int(index)) for index in new[~plain])
        new = new[plain]
        first = self._sources.add(_keys([sources[index] for index in new]))
        yield from (Hit(self.SEVERAL, int(index)) for index in new[~first])


def _plain(text: str) -> str:
    """A text without case, in one form of its letters, with single spaces."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold().split())


def _keys(texts: list[str]) -> Keys:
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, "<u8").astype(np.uint64)
