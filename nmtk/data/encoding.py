"""Encoding: chunks of text pairs become chunks of ids, here or in other processes, always in their order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from nmtk.data.duplicates import Keys, key
from nmtk.data.filters import FilterOptions, Reason
from nmtk.data.packed import LENGTH, Lengths, Sentences, id_type, id_width
from nmtk.data.pairs import Pair
from nmtk.errors import NmtkError
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

CHUNK = 4096


class EncodedSide(NamedTuple):
    """One side of the pairs of a chunk that are fit to be kept."""

    sentences: Sentences
    words: Lengths
    """Words between spaces of each sentence."""


class Encoded(NamedTuple):
    """A chunk of pairs, encoded; all but `faults` holds the pairs without fault, in their order."""

    read: int
    faults: list[tuple[Reason, int]]
    """Reason and line number of each of the others."""
    lines: list[int]
    source: EncodedSide
    target: EncodedSide
    keys: Keys
    """For finding duplicates; empty when they are not looked for."""


class Encoder:
    """Encodes and judges pairs, each by itself: so chunks can go to any process, and be of any size."""

    def __init__(self, vocabularies: Vocabularies, filters: FilterOptions) -> None:
        self.vocabularies, self.filters = vocabularies, filters

    def __call__(self, pairs: Sequence[Pair]) -> Encoded:
        """Encode a chunk."""
        sources = self.vocabularies.source.encode([pair.source for pair in pairs])
        targets = self.vocabularies.target.encode([pair.target for pair in pairs])
        faults: list[tuple[Reason, int]] = []
        fit: list[int] = []
        for index, (pair, source, target) in enumerate(zip(pairs, sources, targets, strict=True)):
            if reason := self.filters.fault(pair, source, target):
                faults.append((reason, pair.line))
            else:
                fit.append(index)
        kept = [pairs[index] for index in fit]
        keyed = kept if self.filters.drop_duplicates else []
        return Encoded(
            len(pairs),
            faults,
            [pair.line for pair in kept],
            _side([sources[index] for index in fit], [pair.source for pair in kept], self.vocabularies.source),
            _side([targets[index] for index in fit], [pair.target for pair in kept], self.vocabularies.target),
            np.fromiter(map(key, keyed), np.uint64, len(keyed)),
        )


def _side(ids: Sequence[Sequence[int]], texts: Sequence[str], vocabulary: Vocabulary) -> EncodedSide:
    lengths = np.fromiter(map(len, ids), LENGTH, len(ids))
    flat = np.fromiter(chain.from_iterable(ids), id_type(id_width(len(vocabulary))), int(lengths.sum()))
    words = np.fromiter((len(text.split()) for text in texts), LENGTH, len(texts))
    return EncodedSide(Sentences(flat, lengths), words)


def encode(pairs: Iterable[Pair], encoder: Encoder, workers: int = 1) -> Generator[Encoded, None, None]:
    """Encode pairs in chunks, in their order, in this process or in so many others; the result is the same.

    At most two chunks a worker wait in memory. Workers are new interpreters (spawned, not forked), so a script that
    calls this with several must do so under `if __name__ == "__main__"`. Raises NmtkError when one of them dies.
    """
    chunks = _chunks(pairs)
    if workers <= 1:
        yield from map(encoder, chunks)
        return
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Encoded]] = deque()
    with ProcessPoolExecutor(workers, context, _start_worker, (encoder,)) as pool:
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_encode_there, chunk))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise NmtkError(f"a packing process died, out of memory perhaps: use fewer than {workers}") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    rest = iter(pairs)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


_encoder: Encoder
"""A worker's own, set once when it starts, so that vocabularies do not travel with every chunk."""


def _start_worker(encoder: Encoder) -> None:
    global _encoder
    _encoder = encoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and ends the pool
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot end its pool, and idle workers would wait for it for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _encode_there(pairs: list[Pair]) -> Encoded:
    return _encoder(pairs)
