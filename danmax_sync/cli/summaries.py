"""Help of a group of commands shows each command's first sentence whole: typer cuts it with ``...``."""

from typing import Any

from typer.core import TyperGroup

_WHOLE = 10_000


class Group(TyperGroup):
    """Commands under one name."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands; a sentence that is too long for a line goes on below itself."""
        named = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(_WHOLE)) for name, each in named if each is not None and not each.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
