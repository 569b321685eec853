"""Scores: a metric's figure for a text, and all that must be known to compare it with another."""

from dataclasses import dataclass
from typing import NamedTuple

from nmtk.documents import Document

SIGNIFICANT = 0.05
"""A difference of lower p-value is taken for real."""


class Interval(NamedTuple):
    """What the scores of bootstrap resamples of the sentences come to (Koehn 2004)."""

    mean: float
    half: float
    """Half of the interval in which 95 of 100 lie."""

    def json(self, width: int = 2) -> Document:
        """The keys of sacreBLEU's."""
        mean, half = f"{self.mean:.{width}f}", f"{self.half:.{width}f}"
        return {"confidence_mean": float(mean), "confidence_var": float(half), "confidence": f"μ = {mean} ± {half}"}


@dataclass(frozen=True)
class Score:
    """One metric's figure for one text."""

    name: str
    """As sacreBLEU writes it: BLEU, chrF2, chrF2++, TER."""
    score: float
    """In hundredths, unrounded."""
    signature: str
    """`key:value` pairs joined by `|`: all that must be equal for two figures to be comparable (Post 2018)."""
    detail: str = ""
    """What else the metric tells: BLEU's precisions, brevity penalty and lengths."""
    higher_is_better: bool = True
    interval: Interval | None = None
    """Where resampling was asked for."""
    p_value: float | None = None
    """Of the difference from the baseline, in a paired test."""

    @property
    def differs(self) -> bool:
        """Whether a paired test found a difference from the baseline that is hardly chance."""
        return self.p_value is not None and self.p_value < SIGNIFICANT

    def json(self, width: int = 2) -> Document:
        """The same keys and values as sacreBLEU prints for `--format json`, figures with `width` decimals."""
        return {
            "name": self.name,
            "score": float(f"{self.score:.{width}f}"),
            "signature": self.signature,
            **(self.interval.json(width) if self.interval else {}),
            **({"verbose_score": self.detail} if self.detail else {}),
            **dict(pair.split(":", maxsplit=1) for pair in self.signature.split("|")),
        }
