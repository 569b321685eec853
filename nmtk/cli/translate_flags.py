"""The flags of `nmtk translate`: a type for each, in groups. Their defaults stand in its signature."""

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from nmtk.decoding.bounds import LEAST_SHARE, MOST_ALPHA, MOST_FACTOR, MOST_TOKENS, MOST_WIDE

_text = partial(typer.Option, rich_help_panel="Text")
_ask = partial(typer.Option, rich_help_panel="What is asked of all translations, beside what a line asks for itself")
_search = partial(typer.Option, rich_help_panel="Search, if not as the model does")
_rule = partial(typer.Option, rich_help_panel="Lengths and repetitions, if not as the model does")
_work = partial(typer.Option, rich_help_panel="Work")

Models: TypeAlias = Annotated[
    list[Path],
    typer.Option("-m", "--model", metavar="RUN", help="A run's folder, or a model's; repeat for an ensemble."),
]
Weights: TypeAlias = Annotated[
    str | None, typer.Option(metavar="W,W,...", help="Weights of an ensemble's models.", show_default="equal")
]

Source: TypeAlias = Annotated[
    Path | None, _text("-i", "--input", help="The text; compressed too.", show_default="standard input")
]
Target: TypeAlias = Annotated[
    Path | None, _text("-o", "--output", help="The translations.", show_default="standard output")
]
InputFormat: TypeAlias = Annotated[
    Literal["text", "tsv", "jsonl"] | None, _text(help="How the input is written.", show_default="by its ending")
]
Columns: TypeAlias = Annotated[
    str | None,
    _text(
        metavar="NAME,...",
        help="The columns of TSV: text, prefix, required, forbidden, any others.",
        show_default="text,prefix",
    ),
]
Paragraphs: TypeAlias = Annotated[
    bool, _text("--paragraphs", help="Each line is a paragraph: its sentences are translated one by one.")
]
SourceLanguage: TypeAlias = Annotated[
    str | None,
    _text(metavar="CODE", help="By whose rules sentences end, as de.", show_default="the model's, else en"),
]
OutputFormat: TypeAlias = Annotated[
    Literal["text", "nbest", "jsonl"] | None,
    _text(help="How translations are written; nbest is Moses' format.", show_default="by its ending"),
]
Nbest: TypeAlias = Annotated[
    int | None, _text(metavar="N", min=1, help="The N best of each line, in nbest and jsonl.", show_default=False)
]
Alignments: TypeAlias = Annotated[
    bool, _text("--alignments", help="Which words belong together (Pharaoh), behind ||| or in JSON.")
]
Report: TypeAlias = Annotated[
    Path | None,
    _text(metavar="FILE", help="Write here, as JSON, which lines were split, cut, ... and totals.", show_default=False),
]

Prefix: TypeAlias = Annotated[
    str, _ask(metavar="TEXT", help="How each begins; a line's own prefix stands before it.", show_default=False)
]
Require: TypeAlias = Annotated[
    list[str] | None, _ask(metavar="PHRASE", help="A phrase that must stand in each, by beam; repeat for more.")
]
Forbid: TypeAlias = Annotated[
    list[str] | None, _ask(metavar="PHRASE", help="A phrase that must stand in none; repeat for more.")
]

Decode: TypeAlias = Annotated[
    Literal["greedy", "beam", "sampling", "diverse-beam", "mbr"] | None, _search(help="How to search.")
]
BeamSize: TypeAlias = Annotated[
    int | None, _search("-b", "--beam-size", min=1, max=MOST_WIDE, help="Width of the beam.")
]
LengthPenalty: TypeAlias = Annotated[
    Literal["gnmt", "average", "none"] | None, _search(help="How hypotheses of different lengths compare.")
]
Alpha: TypeAlias = Annotated[float | None, _search(min=0.0, max=MOST_ALPHA, help="Strength of the length penalty.")]
Stop: TypeAlias = Annotated[
    Literal["full", "best", "exact"] | None,
    _search(
        help="full ends when the beam's width has finished; best, when none that goes on is better so far, too; exact "
        "searches on until nothing better can come."
    ),
]
Groups: TypeAlias = Annotated[int | None, _search(min=1, max=MOST_WIDE, help="Groups of a diverse beam.")]
Diversity: TypeAlias = Annotated[
    float | None, _search(min=0.0, max=MOST_FACTOR, help="How much its groups avoid each other's words.")
]
Samples: TypeAlias = Annotated[
    int | None, _search(min=1, max=MOST_WIDE, help="How many are drawn, in sampling and mbr.")
]
Temperature: TypeAlias = Annotated[
    float | None, _search(min=LEAST_SHARE, max=MOST_FACTOR, help="Below 1 draws what is likely more often.")
]
TopK: TypeAlias = Annotated[int | None, _search(min=0, help="Draw from the K likeliest tokens; 0: from all.")]
TopP: TypeAlias = Annotated[float | None, _search(min=LEAST_SHARE, max=1.0, help="Draw from the likeliest of total P.")]
Seed: TypeAlias = Annotated[int | None, _search(min=0, help="The same seed draws the same.")]
Metric: TypeAlias = Annotated[
    Literal["chrf", "bleu"] | None, _search(help="By what mbr finds the sample that agrees most with the others.")
]
Rerank: TypeAlias = Annotated[
    str | None,
    _search(
        metavar="JUDGE=W,...",
        help="Order all that it keeps by a weighted sum: own=W, length=W, forward=RUN:W, backward=RUN:W.",
        show_default=False,
    ),
]

NoRepeatNgram: TypeAlias = Annotated[int | None, _rule(metavar="N", min=0, help="No N pieces in a row come twice.")]
RepetitionPenalty: TypeAlias = Annotated[
    float | None, _rule(min=1.0, max=MOST_FACTOR, help="What makes tokens that were said less likely; 1: nothing.")
]
LoopGuard: TypeAlias = Annotated[bool | None, _rule(help="Whether translations that go in circles are mended.")]
MinLength: TypeAlias = Annotated[int | None, _rule(min=0, max=MOST_TOKENS, help="Fewest tokens.")]
MinRatio: TypeAlias = Annotated[
    float | None, _rule(min=0.0, max=MOST_FACTOR, help="Fewest tokens, for each of the source's.")
]
MaxRatio: TypeAlias = Annotated[
    float | None, _rule(min=0.0, max=MOST_FACTOR, help="Most tokens, for each of the source's.")
]
MaxExtra: TypeAlias = Annotated[int | None, _rule(min=0, max=MOST_TOKENS, help="Most tokens beside those.")]
Longest: TypeAlias = Annotated[int | None, _rule(min=1, max=MOST_TOKENS, help="Most tokens, whatever the source.")]
LongestInput: TypeAlias = Annotated[
    int | None, _rule(min=1, max=MOST_TOKENS, help="Pieces above which a line is translated in parts.")
]
Unknown: TypeAlias = Annotated[bool | None, _rule(help="Whether the unknown piece may stand in it.")]

Resume: TypeAlias = Annotated[bool, _work("--resume", help="From file to file: go on with what was broken off.")]
Shard: TypeAlias = Annotated[
    str | None, _work(metavar="I/N", help="From file to file: only the I-th of N ranges of lines.")
]
BatchTokens: TypeAlias = Annotated[
    int | None, _work(min=1, help="Source tokens of a batch.", show_default="the model's")
]
BufferSize: TypeAlias = Annotated[
    int | None, _work(min=1, help="Lines read before the first is answered; 1 answers line by line.")
]
Engine: TypeAlias = Annotated[
    Literal["nmtk", "ctranslate2"], _work(help="Who searches; on CPUs CTranslate2 is faster, by greedy or beam.")
]
Device: TypeAlias = Annotated[str, _work(help="auto, cpu, cuda, cuda:N or mps.")]
Precision: TypeAlias = Annotated[
    Literal["auto", "float32", "bfloat16", "float16", "int8"],
    _work(help="Of the arithmetic; on CPUs auto is float32, the same in any batch, and int8 the fastest."),
]
Threads: TypeAlias = Annotated[
    int | None, _work(min=1, help="CPU cores to use: each translates by itself.", show_default="all")
]
Quiet: TypeAlias = Annotated[bool, _work("-q", "--quiet", help="No notes on standard error.")]


def shares_of(weights: str | None, models: int) -> list[float] | None:
    """The weights of an ensemble's models; None where nobody gave any."""
    if weights is None:
        return None
    try:
        shares = [float(part) for part in weights.split(",")]
    except ValueError:
        raise typer.BadParameter(f"--weights: found {weights}, wanted numbers parted by commas") from None
    if models == 1:
        raise typer.BadParameter("--weights are for an ensemble: found one -m, wanted two or more")
    if len(shares) != models or not all(0 < share < math.inf for share in shares):
        wanted = f"{models} greater than 0, one for each -m"
        raise typer.BadParameter(f"--weights: found {weights}, wanted {wanted}")
    return shares
