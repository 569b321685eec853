"""nmtk build-vocab: learn a vocabulary from text files."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def build_vocab(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the SentencePiece model.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Text files, one sentence a line; .gz, .xz, .zst and .bz2 too; - is standard input."),
    ] = None,
    size: Annotated[str | None, typer.Option(help="Pieces in all, as in 32k.", show_default="8000")] = None,
    kind: Annotated[str | None, typer.Option(help="unigram, bpe or char.", show_default="unigram")] = None,
    coverage: Annotated[
        float | None,
        typer.Option(help="Share of the text's characters that get a piece of their own.", show_default="0.99999"),
    ] = None,
    byte_fallback: Annotated[
        bool | None,
        typer.Option(help="Spell characters without a piece as UTF-8 bytes.", show_default="byte-fallback"),
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="A symbol that is always one piece; repeat for more.", show_default=False)
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Lines to learn from, drawn uniformly.", show_default="10M")
    ] = None,
    normalisation: Annotated[
        str | None,
        typer.Option(help="nmt_nfkc, nmt_nfkc_cf, nfkc, nfkc_cf or identity.", show_default="nmt_nfkc"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sample.", show_default="1")] = None,
) -> None:
    """Learn one vocabulary from all the files together.

    The report goes to standard error: how finely words are cut, and how many characters have a piece.
    """
    if not files and sys.stdin.isatty():
        raise typer.BadParameter("no files, and standard input is a terminal", param_hint="FILES")
    if str(output) == "-":
        raise typer.BadParameter("a model is written to a file, not to standard output", param_hint="--output")
    from nmtk.lines import refuse_over
    from nmtk.vocabulary.build import build
    from nmtk.vocabulary.learn import VocabularyOptions

    given = {
        "kind": kind,
        "size": size,
        "coverage": coverage,
        "byte_fallback": byte_fallback,
        "symbols": symbol or None,
        "normalisation": normalisation,
        "sample": sample,
        "seed": seed,
    }
    options = VocabularyOptions.parse({key: value for key, value in given.items() if value is not None}, "build-vocab")
    files = files or [Path("-")]
    refuse_over(output, (("one of FILES", text) for text in files))
    build(files, output, options, tell=lambda line: print(line, file=sys.stderr))
