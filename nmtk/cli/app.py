"""The command `nmtk`: its verbs, and how it ends. Nothing heavy is imported before a verb runs."""

import os
import sys
from typing import Annotated

import typer

from nmtk.cli.average_checkpoints import average_checkpoints
from nmtk.cli.benchmark import benchmark
from nmtk.cli.build_vocab import build_vocab
from nmtk.cli.compare import compare
from nmtk.cli.doctor import doctor
from nmtk.cli.evaluate import evaluate
from nmtk.cli.groups import GroupedCommand, Verb, Verbs
from nmtk.cli.recipe import recipe
from nmtk.cli.score import score
from nmtk.cli.train import train
from nmtk.cli.translate import translate
from nmtk.errors import NmtkError

app = typer.Typer(
    name="nmtk",
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing Rich would double the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("build-vocab", cls=Verb, short_help="Learn a vocabulary from text.")(build_vocab)
app.command("train", cls=Verb, short_help="Train a model by a recipe, or go on training it.")(train)
app.command("translate", cls=GroupedCommand, short_help="Translate lines of text.")(translate)
app.command("evaluate", cls=GroupedCommand, short_help="Score translations, or a run's model.")(evaluate)
app.command("score", cls=Verb, short_help="Say how probable translations are.")(score)
app.command("compare", cls=GroupedCommand, short_help="Show where two systems differ.")(compare)
app.command("average-checkpoints", cls=Verb, short_help="Make one model of several checkpoints.")(average_checkpoints)
app.command("benchmark", cls=Verb, short_help="Measure speed and memory on this machine.")(benchmark)
app.command("doctor", cls=Verb, short_help="Examine parallel text, or this machine.")(doctor)
app.add_typer(recipe, name="recipe", short_help="List, show and verify recipes.")
for other_name in ("decode", "predict"):
    app.command(other_name, cls=GroupedCommand, hidden=True)(translate)


def _version(wanted: bool) -> None:
    if wanted:
        from nmtk import __version__

        print(f"nmtk {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Train, run and measure Transformer translation models, from raw text to a scored translation."""


def main() -> None:
    """Run the command line and end the process: 0 done, 1 an error of the user's, 2 wrong usage, 130 interrupted.

    An error is one line on stderr. When the reader of our output has gone, as in `nmtk ... | head`, we go too.
    """
    if sys.stdin is None:  # the caller has closed it: there is nothing to read
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    try:
        try:
            app(prog_name="nmtk")
        finally:
            if sys.stdout:  # None when the caller has closed it
                sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes once more, and complains
        sys.exit(1)
    except NmtkError as error:
        _fail(str(error))
    except OSError as error:  # the disk is full, a file may not be read: what nobody nearer has named better
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))


def _fail(message: str) -> None:
    print("nmtk: error:", " ".join(message.splitlines()), file=sys.stderr)
    sys.exit(1)
