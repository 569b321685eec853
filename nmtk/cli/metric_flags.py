"""The flags that say which metrics, and how they work: those of sacreBLEU by sacreBLEU's names, a type for each."""

import re
from functools import partial
from typing import Annotated, TypeAlias

import typer

from nmtk.evaluation.names import USUAL, MetricName, Smoothing, Tokenizer

_metric = partial(typer.Option, rich_help_panel="Metrics")


def _two_codes(pair: str | None) -> str | None:
    """Raises BadParameter for what are no codes of languages: a metric would take it for any language."""
    if pair is not None and not re.fullmatch(r"[a-z]{2,3}(_\w+)?-[a-z]{2,3}(_\w+)?", pair):
        raise typer.BadParameter(f"found {pair}, wanted the codes of two languages, as en-de or en-pt_BR")
    return pair


Pair: TypeAlias = Annotated[
    str | None,
    _metric("-l", "--language-pair", metavar="PAIR", help="Languages of the text, as en-de.", callback=_two_codes),
]
Names: TypeAlias = Annotated[
    list[MetricName] | None, _metric("--metric", help="A metric; repeat for more.", show_default=", ".join(USUAL))
]
Tokenize: TypeAlias = Annotated[
    Tokenizer | None,
    _metric("--tokenize", "-tok", help="How BLEU finds words.", show_default="13a, or what the language needs"),
]
Lowercase: TypeAlias = Annotated[bool, _metric("--lowercase", "-lc", help="BLEU ignores case.")]
SmoothMethod: TypeAlias = Annotated[
    Smoothing, _metric("--smooth-method", "-s", help="What BLEU takes for a count of no n-gram.")
]
SmoothValue: TypeAlias = Annotated[
    float | None, _metric("--smooth-value", "-sv", min=0.0, help="Of floor and add-k.", show_default="0.1, and 1")
]
ChrfLowercase: TypeAlias = Annotated[bool, _metric("--chrf-lowercase", help="chrF ignores case.")]
ChrfEpsSmoothing: TypeAlias = Annotated[
    bool, _metric("--chrf-eps-smoothing", help="chrF as chrF++.py, NLTK and Moses smooth it.")
]
TerCaseSensitive: TypeAlias = Annotated[bool, _metric("--ter-case-sensitive", help="TER minds case.")]
TerNormalized: TypeAlias = Annotated[bool, _metric("--ter-normalized", help="TER cuts off punctuation first.")]
TerNoPunct: TypeAlias = Annotated[bool, _metric("--ter-no-punct", help="TER leaves punctuation out.")]
TerAsianSupport: TypeAlias = Annotated[
    bool,
    _metric("--ter-asian-support", help="--ter-normalized and --ter-no-punct mind Chinese and Japanese signs, too."),
]
CometModel: TypeAlias = Annotated[
    str | None, _metric(metavar="NAME", help="COMET's.", show_default="Unbabel/wmt22-comet-da")
]
CompoundSplit: TypeAlias = Annotated[
    bool, _metric("--compound-split", help="compound-bleu too, tokenised BLEU as in papers on WMT14.")
]
TokenisedReference: TypeAlias = Annotated[
    bool, _metric("--tokenised-reference", help="For tokenised-bleu, REF is cut into Moses' tokens already.")
]
