"""Groups: a verb with many options lists them under headings, without Rich, which would double the time of --help."""

from typing import Any

from typer.core import TyperCommand, TyperOption


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
