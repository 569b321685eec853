"""Comparison: where two systems' translations of one text differ, by sentence, by length and by the words' frequency.

A score says which system is better, not where. The buckets are those of compare-mt (Neubig et al. 2019): sentences by
the length of their reference, and words by how often they were seen.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from nmtk.evaluation.metrics import Chrf, Metric, Text, evaluate
from nmtk.evaluation.significance import Resampling
from nmtk.evaluation.systems import score_systems
from nmtk.evaluation.tables import Rows
from nmtk.evaluation.testsets import Task
from nmtk.writing import spaced, word_pattern

SENTENCE = Chrf()
"""What single sentences are judged by: BLEU of one sentence is mostly 0."""
LENGTHS = (0, 10, 20, 30, 40, 60)
FREQUENCIES = (0, 1, 2, 5, 10, 100, 1000)
"""Where the buckets begin: words of a reference, and occurrences of a word."""


class Difference(NamedTuple):
    """A sentence that the two systems translate differently."""

    number: int
    """Its line, from 1."""
    source: str | None
    references: Sequence[str]
    outputs: tuple[str, str]
    scores: tuple[float, float]

    @property
    def change(self) -> float:
        """By how much the second system is better."""
        return self.scores[1] - self.scores[0]


class Bucket(NamedTuple):
    """A part of the sentences, or of the words, and both systems' figures for it."""

    label: str
    size: int
    scores: tuple[float, float]


class Comparison(NamedTuple):
    """All that a page shows of one test set."""

    test: str
    """Its name; empty where it has none."""
    rows: Rows
    """The scores of both systems; the first is the baseline."""
    sentences: int
    differences: Sequence[Difference]
    """The largest gain of the second system first, its largest loss last."""
    lengths: Sequence[Bucket]
    words: Sequence[Bucket]
    strange: tuple[int, int]
    """How many words of each system the reference has nowhere, and no bucket of its own frequencies counts."""
    frequency: str
    """Where the words' frequencies are from."""


class Piece(NamedTuple):
    """A piece of a line: what the other line has too, or not, and then whether a reference has it."""

    text: str
    differs: bool
    expected: bool


def compare(
    task: Task,
    systems: tuple[Text, Text],
    metrics: Sequence[Metric],
    resampling: Resampling,
    test: str = "",
    seen: Counter[str] | None = None,
) -> Comparison:
    """Compare two systems; what is suspicious about a text is told on standard error first.

    `seen` counts the words of the training text; without it, those of the reference count.
    """
    source = task.source[1] if task.source else None
    streams = [lines for _, lines in task.references]
    rows = score_systems(systems, task, metrics, resampling, test)
    outputs = systems[0][1], systems[1][1]
    differences = sorted(_differences(source, streams, outputs), key=lambda one: (-one.change, one.number))
    frequency = "reference" if seen is None else "training text"
    counts = words_of(streams[0]) if seen is None else seen
    return Comparison(
        test,
        rows,
        len(streams[0]),
        differences,
        list(_by_length(streams, outputs)),
        list(_by_frequency(streams[0], outputs, counts)),
        _strange(streams, outputs),
        frequency,
    )


def words_of(lines: Iterable[str]) -> Counter[str]:
    """How often each word occurs, as BLEU finds words; in scripts without spaces, each character."""
    cut = Tokenizer13a()  # type: ignore[no-untyped-call]
    return Counter(word for line in lines for word in cut(spaced(line)).split())


def pieces(line: str, other: str, references: Sequence[str]) -> list[Piece]:
    """A line in pieces, in its order and with nothing left out, by how it differs from another one, word for word."""
    word = word_pattern()
    mine, theirs = word.findall(line), word.findall(other)
    expected = {found for reference in references for found in word.findall(reference)}
    differs = [True] * len(mine)
    for start, _, size in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        differs[start : start + size] = [False] * size
    found, done = [], 0
    for match, differ in zip(word.finditer(line), differs, strict=True):
        if differ:
            found += [Piece(line[done : match.start()], False, False), Piece(match[0], True, match[0] in expected)]
            done = match.end()
    return [piece for piece in [*found, Piece(line[done:], False, False)] if piece.text]


def _differences(
    source: Sequence[str] | None, references: Sequence[Sequence[str]], outputs: tuple[Sequence[str], Sequence[str]]
) -> Iterator[Difference]:
    measure = SENTENCE.measure(references)
    for place, pair in enumerate(zip(*outputs, strict=True)):
        if pair[0] == pair[1]:
            continue
        wanted = [reference[place] for reference in references]
        scores = measure.sentence_score(pair[0], wanted).score, measure.sentence_score(pair[1], wanted).score
        yield Difference(place + 1, source[place] if source else None, wanted, pair, scores)


def _by_length(references: Sequence[Sequence[str]], outputs: tuple[Sequence[str], Sequence[str]]) -> Iterator[Bucket]:
    """Each length's sentences as a corpus of their own."""
    lengths = [len(spaced(line).split()) for line in references[0]]
    for label, start, end in _ranges(LENGTHS):
        places = [place for place, length in enumerate(lengths) if start <= length < end]
        if places:
            chosen = [[reference[place] for place in places] for reference in references]
            first, second = (
                evaluate([output[place] for place in places], chosen, [SENTENCE])[0].score for output in outputs
            )
            yield Bucket(label, len(places), (first, second))


def _by_frequency(
    reference: Sequence[str], outputs: tuple[Sequence[str], Sequence[str]], seen: Counter[str]
) -> Iterator[Bucket]:
    """F-score of the words in each bucket: those of a translation that its reference has too, each as often."""
    matched: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for lines, matches in zip(outputs, matched, strict=True):
        for line, wanted in zip(lines, reference, strict=True):
            matches.update(words_of([line]) & words_of([wanted]))
    wanted_all, (first_all, second_all) = words_of(reference), map(words_of, outputs)
    for label, start, end in _ranges(FREQUENCIES):

        def total(words: Counter[str], start: float = start, end: float = end) -> int:
            return sum(count for word, count in words.items() if start <= seen[word] < end)

        if size := total(wanted_all):
            first, second = (
                200 * total(matches) / (total(said) + size)
                for matches, said in zip(matched, (first_all, second_all), strict=True)
            )
            yield Bucket(label, size, (first, second))


def _strange(references: Sequence[Sequence[str]], outputs: tuple[Sequence[str], Sequence[str]]) -> tuple[int, int]:
    known = words_of(line for lines in references for line in lines)
    first, second = (sum(count for word, count in words_of(lines).items() if word not in known) for lines in outputs)
    return first, second


def _ranges(begins: Sequence[int]) -> Iterator[tuple[str, float, float]]:
    """A label, the first number and the first beyond, of each range."""
    for start, end in pairwise([*begins, float("inf")]):
        last = end - 1
        yield (
            (str(start) if last == start else f"{start}+" if end == float("inf") else f"{start} to {last}"),
            start,
            end,
        )
