"""`nmtk average-checkpoints`: one model from several checkpoints of a run."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def average_checkpoints(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder of the new model.")],
    last: Annotated[int | None, typer.Option(min=1, help="Take the newest N checkpoints.")] = None,
    best: Annotated[int | None, typer.Option(min=1, help="Take the best N checkpoints that were validated.")] = None,
    metric: Annotated[
        Literal["loss", "bleu", "chrf"] | None, typer.Option(help="With --best: what best means.", show_default="loss")
    ] = None,
) -> None:
    """Average the weights of a run's checkpoints into a model folder (Vaswani et al. 2017, section 6.1)."""
    if (last is None) == (best is None):
        raise typer.BadParameter("wanted either --last N or --best N")
    if metric and last:
        raise typer.BadParameter("--metric is for --best N: found --last, which goes by age alone")
    from nmtk.training.averaging import average_run

    chosen = average_run(run, output, last, best, metric or "loss")
    typer.echo(f"{output}: mean of {len(chosen)} checkpoints, updates {', '.join(map(str, chosen))}", err=True)
