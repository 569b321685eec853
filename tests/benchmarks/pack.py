"""How fast pairs are packed, opened and gathered, and in how much memory, which must not grow with their number.

python tests/benchmarks/pack.py 1000000 --workers 2 --drop-duplicates
"""

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nmtk.data.corpus import Corpus
from nmtk.data.filters import FilterOptions
from nmtk.data.packing import pack
from nmtk.data.pairs import Pair
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


def memory() -> str:
    """The most memory this process and its biggest child ever had."""
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return f"peak {own:.0f} MiB" + (f", largest worker {child:.0f} MiB" if child else "")


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("pairs", type=int, nargs="?", default=200_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--drop-duplicates", action="store_true")
    asked = parser.parse_args()
    texts = [text for pair in generated(10_000) for text in pair[:2]]
    vocabulary = Vocabulary(learn(texts, VocabularyOptions(size=8000)))
    vocabularies = Vocabularies(vocabulary, vocabulary)
    print(f"before: {memory()}")
    with tempfile.TemporaryDirectory() as place:
        begun = time.perf_counter()
        filters = FilterOptions(drop_duplicates=asked.drop_duplicates)
        report = pack(generated(asked.pairs), vocabularies, filters, Path(place, "corpus"), asked.workers)
        seconds = time.perf_counter() - begun
        print(*report.lines(), f"packed: {report.read / seconds:,.0f} pairs/s; {memory()}", sep="\n")

        begun = time.perf_counter()
        corpus = Corpus.open(Path(place, "corpus"), vocabularies)
        print(f"opened: {1000 * (time.perf_counter() - begun):.1f} ms")

        batches = np.random.default_rng(0).integers(0, len(corpus), (1000, 200))
        begun = time.perf_counter()
        pieces = sum(len(corpus.source(rows).ids) for rows in batches)
        seconds = time.perf_counter() - begun
        print(f"gathered: {1000 * seconds:.0f} us for a batch of 200 rows, {pieces / seconds / 1e6:.0f} M pieces/s")


if __name__ == "__main__":
    main()
