"""`nmtk train`: a recipe's whole job, from raw text to a scored model."""

from pathlib import Path
from typing import Annotated

import typer

from nmtk.cli.recipe import rehearse


def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE", help="A recipe's folder, its YAML file, the name of one of nmtk's own, or a run."
        ),
    ],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings laid over the recipe's.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The run's folder.", show_default="runs/RECIPE, or the run itself"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over: delete what the run was.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Prepare the data, say what training will take, and end before it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try the whole job in seconds, with little text and a small model.")
    ] = False,
) -> None:
    """Train a model by a recipe: fetch, pack, train, average and score. Run again, it goes on where it stopped."""
    for wrong, where, message in (
        (plan and overwrite, "--overwrite", "a plan deletes nothing"),
        (
            dry_run and (plan or overwrite or output),
            "--dry-run",
            "it leaves nothing: wanted no -o, --overwrite, --plan",
        ),
    ):
        if wrong:
            raise typer.BadParameter(message, param_hint=where)
    if dry_run:
        rehearse(recipe, settings or [])
        return
    from rich.console import Console

    from nmtk.evaluation.report import as_text
    from nmtk.recipe.evaluate import listed
    from nmtk.recipe.home import job
    from nmtk.recipe.run import train as run_recipe

    located, run = job(recipe, settings or [], output)
    if plan:
        from nmtk.recipe.plan import plan as plan_recipe

        for line in plan_recipe(located, run, Console(stderr=True)):
            typer.echo(line)
        return
    scores = run_recipe(located, run, overwrite, Console(stderr=True))
    if scores is None:
        raise typer.Exit(130)
    if scores:
        typer.echo(as_text(listed(scores)))
