"""`nmtk benchmark`: how fast a model trains and translates on this machine."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def benchmark(
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="RECIPE|RUN", help="Whose model and data are measured.", show_default="--preset"),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings laid over the recipe's.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder of the recipe's run.", show_default="runs/RECIPE")
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(help="A size of model, on generated pairs; repeat for more.", show_default="base"),
    ] = None,
    batch_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of an update of --preset.", show_default="4096 on a CPU, 25000 on a GPU"),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.0, help="How long each thing is measured.")] = 10.0,
    layout: Annotated[
        Literal["text", "json"], typer.Option("--format", "-f", help="How to print the figures.")
    ] = "text",
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", show_default="the recipe's, or auto")
    ] = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"] | None,
        typer.Option(help="Type of the arithmetic in training.", show_default="the recipe's, or auto"),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")] = None,
) -> None:
    """Measure speed, utilisation and memory of training and decoding on this machine.

    \b
    nmtk benchmark                         a base model on generated pairs: needs no data
    nmtk benchmark --preset tiny --preset big
    nmtk benchmark RECIPE                  a recipe's model on its data
    nmtk benchmark RUN                     a run's: its trained model translates

    Utilisation is the model's floating-point operations, by formula and for real tokens only, in a second, over those
    of plain matrix products on the same device in the same type.
    """
    if recipe is not None and (preset or batch_tokens):
        raise typer.BadParameter("a recipe has a model and batches of its own", param_hint="--preset, --batch-tokens")
    from rich.console import Console

    from nmtk.recipe.benchmark import Wishes, benchmark_presets, benchmark_recipe
    from nmtk.recipe.figures import as_json, as_text

    wishes = Wishes(batch_tokens, device, precision, threads, seconds)
    if recipe is None:
        measured = benchmark_presets(preset or ["base"], wishes)
    else:
        measured = benchmark_recipe(recipe, settings or [], output, wishes, Console(stderr=True))
    typer.echo(as_json(measured) if layout == "json" else as_text(measured))
