"""`nmtk recipe`: what recipes there are, what one is, and whether it keeps its contract."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from nmtk.cli.groups import Verb

recipe = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="List the recipes that come with nmtk, show one, or verify that one does what it promises.",
)

Recipe = Annotated[
    Path,
    typer.Argument(metavar="RECIPE", help="The name of one of nmtk's own, a recipe's folder, its YAML file, or a run."),
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Settings of the machine, as training.device=cuda."),
]


@recipe.command("list", cls=Verb)
def list_recipes(
    layout: Annotated[Literal["text", "json"], typer.Option("--format", "-f", help="How to print them.")] = "text",
) -> None:
    """List the recipes that come with nmtk: languages, expected score, and what that rests on."""
    from nmtk.recipe.catalogue import as_json, as_text, catalogue

    entries = catalogue()
    typer.echo(as_json(entries) if layout == "json" else as_text(entries))


@recipe.command(cls=Verb)
def show(
    name: Recipe,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings laid over the recipe's.")
    ] = None,
    yaml: Annotated[bool, typer.Option("--yaml", help="The whole document, every default written out.")] = False,
) -> None:
    """Show a recipe: its data and where they are, model, training, and what to expect of it. Fetches nothing."""
    from nmtk.documents import to_yaml
    from nmtk.recipe.home import job
    from nmtk.recipe.show import show as show_recipe

    located, run = job(name, settings or [])
    typer.echo(to_yaml(located.recipe.document()).rstrip() if yaml else "\n".join(show_recipe(located, name, run)))


@recipe.command(cls=Verb)
def verify(
    name: Recipe,
    settings: Settings = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The run's folder.", show_default="runs/RECIPE, or the run itself"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try the whole job in seconds, with little text and a small model.")
    ] = False,
) -> None:
    """Train by a recipe, or go on with its run, and check what it promises: data by hash, scores, signatures.

    Of a run's folder, that run is checked. A line for each check and a verdict; all of it is in the run's
    verification.json. The exit code is 0 when green, and 1 when not.
    """
    if dry_run and output:
        raise typer.BadParameter("a dry run leaves nothing: wanted no -o", param_hint="--dry-run")

    from rich.console import Console

    from nmtk.recipe.home import job
    from nmtk.recipe.verify import check_settings, green, verdict
    from nmtk.recipe.verify import verify as verify_recipe

    check_settings(settings or [])
    if dry_run:
        rehearse(name, settings or [])
        return
    located, run = job(name, settings or [], output)
    checks = verify_recipe(located, run, Console(stderr=True))
    if checks is None:
        raise typer.Exit(130)
    for check in checks:
        typer.echo(check)
    if checks:
        typer.echo(verdict(checks))
    raise typer.Exit(0 if green(checks) else 1)


def rehearse(path: Path, settings: list[str]) -> None:
    """Do a dry run, and say what was done. Ends with exit code 1 when a signature is not the one that is recorded."""
    from nmtk.recipe.dry_run import dry_run
    from nmtk.recipe.home import job

    tried = dry_run(job(path, settings)[0])
    wide = max(map(len, tried.facts))
    for name, fact in tried.facts.items():
        typer.echo(f"{name:<{wide}}  {fact}")
    if not tried.sound:
        raise typer.Exit(1)
