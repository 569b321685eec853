"""What all verbs have in common, beyond Typer.

No path that an option names is passed over for a later one; a verb with many options lists them under headings,
without Rich, which would double the time of --help; errors of usage name the nearest choice.
"""

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

ONCE = {"-m", "-o", "--source"}
"""Options that name one thing to read or write, where they do not take several."""
_BOUNDS = {"less": "wanted at most", "greater": "wanted at least"}


class Verb(TyperCommand):
    """A verb. Of two models or outputs where one is meant, neither is passed over in silence.

    Options that name no such thing may be said again, as in a script's `"$@"`, and the last counts.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises BadParameter for an option that may stand once and stands twice."""
        if not ctx.resilient_parsing:
            parser: Any = self.make_parser(ctx)
            given = [param for param in parser.parse_args(args=list(args))[2] if ONCE.intersection(param.opts)]
            for param in given:
                if not param.multiple and given.count(param) > 1:
                    raise typer.BadParameter("found it more than once, wanted one path", ctx, param)
        return super().parse_args(ctx, args)


class GroupedCommand(Verb):
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
    plain = re.sub(r"^Input should be (less|greater) than or equal to", lambda found: _BOUNDS[found[1]], plain)
    if not (found := re.fullmatch(r"('(.*)' is not one of ('.*'))\.", plain)):
        return plain
    return found[1] + nearest(found[2], re.findall(r"'([^']*)'", found[3]))
