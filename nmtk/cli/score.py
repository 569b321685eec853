"""`nmtk score`: how probable a model finds translations that are given."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from nmtk.cli.translate_flags import Models, Weights, shares_of


def score(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The text; compressed too.", show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Its translations, line for line.")],
    models: Models,
    weights: Weights = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The scores.", show_default="standard output")
    ] = None,
    layout: Annotated[
        Literal["text", "tsv", "jsonl"], typer.Option("--format", "-f", help="What to say of each pair.")
    ] = "text",
    tokens: Annotated[bool, typer.Option("--tokens", help="In text: each token and its log-probability too.")] = False,
    normalise: Annotated[
        bool, typer.Option("--normalise", "--normalize", help="In text and TSV: the log-probability per token.")
    ] = False,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a batch, on either side.")] = 4096,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "auto"],
        typer.Option(help="Of the arithmetic; in float32 a score is the same in any batch."),
    ] = "float32",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No summary on standard error.")] = False,
) -> None:
    """Score translations that are given: the log-probability, natural, that the model gives each line of TARGET.

    \b
    nmtk score -m RUN in.en out.de
    nmtk score -m RUN -m OTHER in.en out.de      an ensemble
    zstdcat out.de.zst | nmtk score -m RUN in.en.xz - --normalise -o scores.gz

    One line for each pair, its </s> counted. Nothing is split, however long. TARGET is cut into pieces as training text
    is: a search may have come to the same text by other pieces, and then has another score for it. The formats:

    \b
    text     logp; with --tokens also a TAB, then TOKEN:logp for each token
    tsv      logp, tokens, perplexity, source, target
    jsonl    logp, tokens, perplexity, pieces, token_logps
    """
    if tokens and layout != "text":
        raise typer.BadParameter("it is for text; jsonl has all tokens anyway", param_hint="--tokens")
    if normalise and layout == "jsonl":
        raise typer.BadParameter("jsonl has logp and tokens to divide by each other", param_hint="--normalise")
    shares = shares_of(weights, len(models))

    from nmtk.translation.score_stream import Layout, score_stream

    wanted = Layout(layout, tokens, normalise)
    score_stream(models, shares, source, target, output, wanted, batch_tokens, device, precision, threads, quiet)
