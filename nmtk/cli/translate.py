"""`nmtk translate`: lines in, translations out."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def translate(
    model: Annotated[Path, typer.Option("-m", "--model", metavar="RUN", help="A run's folder, or a model's.")],
    source: Annotated[
        Path | None, typer.Option("-i", "--input", help="The text; compressed too.", show_default="standard input")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The translations.", show_default="standard output")
    ] = None,
    decode: Annotated[
        Literal["greedy", "beam"] | None, typer.Option(help="How to search.", show_default="the model's")
    ] = None,
    beam_size: Annotated[
        int | None, typer.Option("-b", "--beam-size", min=1, help="Width of the beam.", show_default="the model's")
    ] = None,
    length_penalty: Annotated[
        Literal["gnmt", "average", "none"] | None,
        typer.Option(help="How hypotheses of different lengths compare.", show_default="the model's"),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(min=0.0, help="Strength of the length penalty.", show_default="the penalty's")
    ] = None,
    batch_tokens: Annotated[
        int | None, typer.Option(min=1, help="Source tokens of a batch.", show_default="the model's")
    ] = None,
    buffer_size: Annotated[
        int | None, typer.Option(min=1, help="Lines read before the first is answered; 1 answers line by line.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="From file to file: go on with what was broken off.")
    ] = False,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="From file to file: only the I-th of N ranges of lines.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        typer.Option(help="Of the arithmetic; in float32 a translation is the same in any batch."),
    ] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No notes on standard error.")] = False,
) -> None:
    """Translate text, line by line: output line i belongs to input line i, and an empty line stays empty.

    \b
    nmtk translate -m RUN < in > out
    nmtk translate -m RUN -i in.gz -o out.gz
    nmtk translate -m RUN -i in.xz -o out.3 --shard 3/16         then: cat out.1 ... out.16
    torchrun --nproc-per-node 4 -m nmtk translate -m RUN -i in.xz -o out.xz

    From file to file, what is done is kept in out.part: killed, run it again with --resume. On any number of processes
    the output is the same, byte for byte, at equal precision and --threads.
    """
    if decode == "greedy" and any(value is not None for value in (beam_size, length_penalty, alpha)):
        raise typer.BadParameter("greedy search has no beam and no length penalty", param_hint="--decode")
    if length_penalty == "none" and alpha is not None:
        raise typer.BadParameter("without a length penalty there is no alpha", param_hint="--alpha")

    from nmtk.decoding.stream import Wishes, translate_stream

    wishes = Wishes(decode, beam_size, length_penalty, alpha, batch_tokens)
    translate_stream(model, source, output, wishes, buffer_size, device, precision, threads, quiet, resume, shard)
