"""The names that metrics and tokenisers go by: apart, so that the command line can list them without sacreBLEU."""

from enum import StrEnum
from typing import Literal, TypeAlias


class MetricName(StrEnum):
    """A metric, by the name that recipes and the command line use."""

    BLEU = "bleu"
    CHRF = "chrf"
    CHRF_PLUS_PLUS = "chrf++"
    TER = "ter"
    COMPOUND_BLEU = "compound-bleu"
    TOKENISED_BLEU = "tokenised-bleu"
    COMET = "comet"


USUAL = (MetricName.BLEU, MetricName.CHRF, MetricName.TER)
"""What is reported where nobody asks for other metrics."""

Smoothing: TypeAlias = Literal["exp", "floor", "add-k", "none"]
"""What BLEU takes where no n-gram matches, by sacreBLEU's names (Chen & Cherry 2014): a half, then a quarter, ... of
one; a small number of them; a number added to all counts; nothing."""

Tokenizer: TypeAlias = Literal[
    "13a", "char", "flores101", "flores200", "intl", "ja-mecab", "ko-mecab", "none", "spBLEU-1K", "spm", "zh"
]
"""What BLEU cuts words with, by sacreBLEU's names. `13a` is the one of WMT, `none` takes text as it is cut already."""
