"""How long minimum Bayes risk takes to compare the samples, and sacreBLEU for the same figures.

    python tests/benchmarks/utilities.py [--lines 100] [--samples 64] [--words 20] [--same 0.6]

Samples are made of one sentence each, of which every word stays with the probability `--same`, else it is one of
2,000 others. Times are of the processor, so that they can be taken beside other work. sacreBLEU is asked for a few
rows of the first line, and its time multiplied.
"""

import argparse
import random
import time

import sacrebleu

from nmtk.decoding.mbr import utilities

ROWS = 4
"""Of the first line's samples, so many are compared with all others by sacreBLEU too."""


def sample(rng: random.Random, words: list[str], line: list[str], same: float) -> str:
    return " ".join(word if rng.random() < same else rng.choice(words) for word in line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("lines", 100), ("samples", 64), ("words", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--same", type=float, default=0.6)
    given = parser.parse_args()

    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(2000)]
    sources = [rng.choices(words, k=given.words) for _ in range(given.lines)]
    texts = [[sample(rng, words, line, given.same) for _ in range(given.samples)] for line in sources]
    letters = sum(map(len, texts[0])) / given.samples
    print(f"{given.lines} lines of {given.samples} samples, {letters:.0f} letters each")

    for metric, sentence in (("chrf", sacrebleu.sentence_chrf), ("bleu", sacrebleu.sentence_bleu)):
        utilities(texts[0], metric)  # type: ignore[arg-type]
        began = time.process_time()
        for line in texts:
            utilities(line, metric)  # type: ignore[arg-type]
        took = time.process_time() - began

        began = time.process_time()
        for one in texts[0][:ROWS]:
            for other in texts[0]:
                sentence(one, [other])
        peer = (time.process_time() - began) * given.samples / ROWS * given.lines
        print(f"{metric}: {took:.2f} s, {1000 * took / given.lines:.1f} ms a line; sacreBLEU {peer:.0f} s")


if __name__ == "__main__":
    main()
