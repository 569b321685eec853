"""Significance: whether two systems differ by more than chance, by sacreBLEU's paired tests.

What an interval or a p-value is worth depends on how often and from which seed was resampled: both stand in the
signature, as sacreBLEU writes them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, NamedTuple

from sacrebleu.significance import PairedTest, Result

from nmtk.evaluation.metrics import Metric, Text, check_lengths, score
from nmtk.evaluation.scores import Interval, Score

FEWEST = 50
"""Segments below which a paired test is no verdict.

Of two systems that differ by chance alone (outputs of newstest2017's uedin-nmt and online-A, swapped at random), the
bootstrap of so few says 5% for what happens more often: at 5 segments it told 26% apart, at 10 17%, at 20 to 50 12%, at
200 8%. Randomisation keeps its 5%, and finds too little: of two that are 1.7 BLEU apart it told 6% of draws of 20
segments, 19% of 50, 57% of 200 and 88% of 500.
"""


class Resampling(NamedTuple):
    """How chance is estimated; without a test and without resamples it is not."""

    paired: Literal["bs", "ar"] | None = None
    """Each system against the first: by bootstrap (Koehn 2004) or approximate randomisation (Riezler, Maxwell 2005)."""
    trials: int = 0
    """Of the paired test; 0 stands for sacreBLEU's own number: 1000 resamples, 10000 randomisations."""
    interval: int = 0
    """Bootstrap resamples for the interval of each score; the paired bootstrap gives intervals anyway."""
    seed: str = "12345"
    """A whole number above 0, or `none` for another one each time."""
    jobs: int = 1
    """Processes of the paired test."""


def doubts(segments: int, systems: int, resampling: Resampling) -> str:
    """What is to be told of a paired test before its p-values are believed, if anything."""
    if resampling.paired and systems > 1 and segments < FEWEST:
        counted = "1 segment is" if segments == 1 else f"{segments} segments are"
        return f"{counted} too few for a paired test: its p-values are no verdict below {FEWEST}"
    return ""


def evaluate_systems(
    systems: Sequence[Text],
    references: Sequence[Text],
    metrics: Sequence[Metric],
    source: Sequence[str] | None = None,
    resampling: Resampling = Resampling(),  # noqa: B008 (a tuple)
) -> dict[str, list[Score]]:
    """The scores of one or several systems' translations of one text, by the systems' names, in the metrics' order.

    In a paired test the first system is the baseline, and every other score says how likely its difference is chance.
    Raises DataError when there is nothing to score, or the numbers of lines differ.
    """
    for system in systems:
        check_lengths(system, *references)
    found: dict[str, list[Score]] = {name: [] for name, _ in systems}
    streams = [lines for _, lines in references]
    with seeded(resampling.seed):
        for metric in metrics:
            measure = metric.measure(streams, source)
            if resampling.paired and len(systems) > 1:
                test = PairedTest(
                    list(systems),
                    {metric.kind: measure},
                    references=None,  # `measure` knows them
                    test_type=resampling.paired,
                    n_samples=resampling.trials,
                    n_ar_confidence=resampling.interval if resampling.paired == "ar" and resampling.interval else -1,
                    n_jobs=resampling.jobs,
                )
                scores = _paired(test, metric)
                scores = [
                    replace(one, p_value=1.0) if place and one.score == scores[0].score else one
                    for place, one in enumerate(scores)
                ]  # of no difference, sacreBLEU finds the smallest p-value there is
            else:
                scores = [score(metric, measure, lines, resampling.interval) for _, lines in systems]
            for name, one in zip(found, scores, strict=True):
                found[name].append(one)
    return found


@contextmanager
def seeded(seed: str) -> Iterator[None]:
    """Where it lasts, sacreBLEU draws its resamples from this seed: it knows no other way than the environment."""
    before = os.environ.get("SACREBLEU_SEED")
    os.environ["SACREBLEU_SEED"] = seed
    try:
        yield
    finally:
        if before is None:
            del os.environ["SACREBLEU_SEED"]
        else:
            os.environ["SACREBLEU_SEED"] = before


def _paired(test: PairedTest, metric: Metric) -> list[Score]:
    signatures, columns = test()
    [(name, signature)] = signatures.items()
    results = [result for result in columns[name] if isinstance(result, Result)]  # the column of names has text
    return [
        Score(
            name,
            result.score,
            signature.format(),
            higher_is_better=metric.higher_is_better,
            interval=None
            if result.mean is None or result.ci is None
            else Interval(float(result.mean), float(result.ci)),
            p_value=result.p_value,
        )
        for result in results
    ]
