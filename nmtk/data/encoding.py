"""Encoding: chunks of text pairs become chunks of ids, here or in other processes, always in their order."""

import multiprocessing
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from nmtk.data.duplicates import Keys, key
from nmtk.data.filters import FilterOptions, Reason
from nmtk.data.held_out import HeldOut
from nmtk.data.packed import LENGTH, Lengths, Sentences, id_type, id_width
from nmtk.data.pairs import Chunk
from nmtk.errors import DataError, NmtkError
from nmtk.processes import serve_parent
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

ALONE = 16
"""Chunks that are encoded before other processes are started: a small corpus is done in the time that would take."""


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

    def __init__(self, vocabularies: Vocabularies, filters: FilterOptions, held_out: HeldOut | None = None) -> None:
        self.vocabularies, self.filters, self.held_out = vocabularies, filters, held_out

    def __call__(self, chunk: Chunk, threads: int = 1) -> Encoded:
        """Encode a chunk. Raises DataError for text that is none."""
        pairs = list(chunk)
        sources = self.vocabularies.source.encode([pair.source for pair in pairs], threads)
        targets = self.vocabularies.target.encode([pair.target for pair in pairs], threads)
        faults: list[tuple[Reason, int]] = []
        fit: list[int] = []
        for index, (pair, source, target) in enumerate(zip(pairs, sources, targets, strict=True)):
            reason = self.filters.fault(pair, source, target)
            if reason is None and self.held_out and self.held_out.holds(pair):
                reason = Reason.HELD_OUT
            if reason:
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


def encode(chunks: Iterable[Chunk], encoder: Encoder, workers: int = 1) -> Generator[Encoded, None, None]:
    """Encode chunks, in their order, in this process or in so many others; the result is the same.

    At most two chunks a worker wait in memory. Workers are started once a corpus has shown that it is not small. They
    are new interpreters (spawned, not forked), so a script that calls this with several must do so under
    `if __name__ == "__main__"`. Raises DataError for the first fault of the text, and NmtkError when a worker dies.
    """
    rest = iter(chunks)
    for chunk in islice(rest, ALONE) if workers > 1 else rest:
        yield encoder(chunk, workers)
    if (first := next(rest, None)) is None:
        return
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Encoded]] = deque()
    with ProcessPoolExecutor(workers, context, _start_worker, (encoder,)) as pool:
        try:
            faults: list[DataError] = []
            for chunk in _before_fault(chain([first], rest), faults):
                waiting.append(pool.submit(_encode_there, chunk))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            for fault in faults:
                raise fault
        except BrokenProcessPool:
            raise NmtkError(f"a packing process died, out of memory perhaps: use fewer than {workers}") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _before_fault(chunks: Iterable[Chunk], faults: list[DataError]) -> Iterator[Chunk]:
    """The chunks up to a fault in reading, which is put by: what was read before it may have one to be told first."""
    try:
        yield from chunks
    except DataError as fault:
        faults.append(fault)


_encoder: Encoder
"""A worker's own, set once when it starts, so that vocabularies do not travel with every chunk."""


def _start_worker(encoder: Encoder) -> None:
    global _encoder
    _encoder = encoder
    serve_parent()


def _encode_there(chunk: Chunk) -> Encoded:
    return _encoder(chunk)
