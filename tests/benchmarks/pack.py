"""How fast text files are packed, on how many cores, and in how much memory, which must not grow with the text.

python tests/benchmarks/pack.py 1000000 --workers 2 --drop-duplicates
"""

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from nmtk.data.corpus import Corpus
from nmtk.data.filters import FilterOptions
from nmtk.data.held_out import HeldOut
from nmtk.data.packing import pack
from nmtk.data.pairs import Pair, file_chunks, read_files
from nmtk.processes import cores
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary


def generated(count: int) -> Iterator[Pair]:
    """Pairs of some 20 made-up words, the frequent ones frequent; one in twenty is a repetition."""
    rng = random.Random(0)
    words = ["".join(rng.choices("aeioubcdfghklmnprst", k=rng.randint(2, 9))) for _ in range(20_000)]
    weights = np.cumsum(1 / np.arange(1, len(words) + 1)).tolist()
    texts = [" ".join(rng.choices(words, cum_weights=weights, k=rng.randint(5, 35))) for _ in range(20_000)]
    pair = Pair("", "", 0)
    for line in range(1, count + 1):
        if rng.random() < 0.95:
            number = rng.randrange(1 << 30)
            pair = Pair(f"{rng.choice(texts)} {number}", f"{rng.choice(texts)} {number}", line)
        yield pair


def write(folder: Path, count: int) -> tuple[Path, Path]:
    """Generated text as two files."""
    source, target = folder / "source", folder / "target"
    with source.open("w") as one, target.open("w") as other:
        for pair in generated(count):
            one.write(pair.source + "\n")
            other.write(pair.target + "\n")
    return source, target


def memory() -> str:
    """The most memory this process and its biggest child ever had."""
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return f"peak {own:.0f} MiB" + (f", largest worker {child:.0f} MiB" if child else "")


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("pairs", type=int, nargs="?", default=200_000)
    parser.add_argument("--files", type=Path, nargs=2, help="Text to pack instead of what is generated.")
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--drop-duplicates", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        source, target = asked.files or write(Path(place), asked.pairs)
        texts = [text for pair in islice(read_files(source, target), 10_000) for text in pair[:2]]
        vocabulary = Vocabulary(learn(texts, VocabularyOptions(size=8000)))
        vocabularies = Vocabularies(vocabulary, vocabulary)
        held_out = HeldOut(islice(read_files(source, target), 3000))
        print(f"before: {memory()}")

        begun, before = time.perf_counter(), os.times()
        filters = FilterOptions(drop_duplicates=asked.drop_duplicates)
        chunks = file_chunks(source, target)
        report = pack(chunks, vocabularies, filters, Path(place, "corpus"), held_out, asked.workers)
        seconds, after = time.perf_counter() - begun, os.times()
        own, workers = (after[i] + after[i + 1] - before[i] - before[i + 1] for i in (0, 2))
        print(*report.lines(), f"packed: {report.read / seconds:,.0f} pairs/s; {memory()}", sep="\n")
        print(f"processor: {1e6 * own / report.read:.1f} us a pair here, {1e6 * workers / report.read:.1f} in workers")

        begun = time.perf_counter()
        corpus = Corpus.open(Path(place, "corpus"), vocabularies)
        print(f"opened: {1000 * (time.perf_counter() - begun):.1f} ms")

        begun = time.perf_counter()
        pieces = len(corpus.source(np.arange(len(corpus))).ids)
        seconds = time.perf_counter() - begun
        print(f"read: {len(corpus) / seconds:,.0f} sentences/s, {pieces / seconds / 1e6:.0f} M pieces/s")


if __name__ == "__main__":
    main()
