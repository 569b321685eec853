"""`nmtk doctor`: what is wrong with parallel text, or what this machine has."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def doctor(
    texts: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RECIPE|RUN|SOURCE TARGET|TSV", help="What is examined.", show_default="this machine"),
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE,TARGET", help="With files: a validation or test set; repeat for more."),
    ] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(metavar="FILE|RUN", help="Whose pieces are counted.", show_default="the run's, if there is one"),
    ] = None,
    examples: Annotated[int, typer.Option("--examples", "-n", min=0, help="Places shown of each finding.")] = 3,
    layout: Annotated[Literal["text", "json"], typer.Option("--format", "-f", help="How to print what is found.")] = (
        "text"
    ),
    fail_on: Annotated[
        Literal["warning", "error", "never"], typer.Option(help="What makes the exit code 1.")
    ] = "error",
) -> None:
    """Examine parallel text, or say what this machine has.

    \b
    nmtk doctor                            Python, PyTorch, devices, precision, memory, disk, extras
    nmtk doctor RECIPE                     all texts of a recipe, and what they have in common
    nmtk doctor SOURCE TARGET --test SOURCE,TARGET
    nmtk doctor TSV

    It looks for: sides of different length, empty, swapped, untranslated or misaligned lines, text in a third language,
    in a wrong encoding, or left in pieces or tokens, odd characters, markup, duplicates, training text that is in a
    test set too, or nearly. Nothing is changed.
    """
    given = texts or []
    if not given and (test or vocabulary):
        raise typer.BadParameter("wanted text to examine", param_hint="--test, --vocabulary")
    if len(given) > 2:
        raise typer.BadParameter(f"found {len(given)}, wanted a recipe, or the files of the two sides")
    if not given:
        from nmtk.recipe.machine import as_json as machine_as_json
        from nmtk.recipe.machine import as_text, machine

        typer.echo(machine_as_json(machine()) if layout == "json" else as_text(machine()))
        return

    from nmtk.data.doctor.findings import Severity
    from nmtk.recipe.doctor import (
        as_json,
        diagnose,
        files_case,
        is_recipe,
        recipe_case,
        summary,
        vocabularies_at,
        worst,
    )

    own = vocabularies_at(vocabulary) if vocabulary else None
    whole = len(given) == 1 and is_recipe(given[0])
    if whole and test:
        raise typer.BadParameter("a recipe has sets of its own", param_hint="--test")
    held_out = [[Path(name) for name in pair.split(",")] for pair in test or []]
    if wrong := next((pair for pair in held_out if len(pair) != 2), None):
        raise typer.BadParameter(f"found {wrong[0]}, wanted two files, as SOURCE,TARGET", param_hint="--test")
    with recipe_case(given[0], own) if whole else files_case(given, held_out, own) as case:
        examined = []
        for text in diagnose(case, examples):
            examined.append(text)
            if layout == "text":
                typer.echo("\n".join(text.lines()) + "\n")
    typer.echo(as_json(examined) if layout == "json" else summary(examined))
    found = worst(examined)
    if fail_on != "never" and found is not None and found >= Severity[fail_on.upper()]:
        raise typer.Exit(1)
