"""Groups: a verb with many options lists them under headings, without Rich, which would double the time of --help.

And the group of all verbs, whose errors of usage name the nearest choice.
"""

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption


class GroupedCommand(TyperCommand):
    """A verb whose options stand in its help under the `rich_help_panel` that they name, in the order they come."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            name = param.rich_help_panel if isinstance(param, TyperOption) else None
            if record := param.get_help_record(ctx):
                groups.setdefault(name or "Options", []).append(record)
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)


class Verbs(TyperGroup):
    """The verbs. Where a value is none of an option's choices, the message names the nearest."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = with_nearest(error.message)
            raise


def with_nearest(message: str) -> str:
    """Typer's message, without what it says of its own works; where that lists choices, with the nearest of them."""
    from nmtk.options import nearest

    plain = message.removeprefix("Value error, ")
    if not (found := re.fullmatch(r"('(.*)' is not one of ('.*'))\.", plain)):
        return plain
    return found[1] + nearest(found[2], re.findall(r"'([^']*)'", found[3]))
