"""Let ``-state:partial`` and ``-LaB6`` reach the query: to a parser of options they look like options."""

import re
from collections.abc import Container, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from danmax_sync.cli.options import Format
from danmax_sync.errors import UsageError
from danmax_sync.visits import visible

_TERM = re.compile(r"-[A-Za-z_][\w*?.-]*[:<>]")
"""A name and what follows it cannot be meant as options, whatever its first letter is."""
_LIKE_AN_OPTION = re.compile(rf"-(?:[^\W\d_]|0|n\d+|c\+.*|f(?:{'|'.join(Format)}))")
"""A letter, or how lists are printed, typed after a command that has no such option: ``get 42 -n 3``."""


class QueryCommand(TyperCommand):
    """A command that takes a query."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Understand the options, after the excluded words are spelled so that they are none."""
        return super().parse_args(ctx, readable(args, self._takes_value(ctx), of=ctx.command_path))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete options, and excluded terms, too."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-") and not incomplete.startswith("--"):
            for parameter in self.get_params(ctx):
                if parameter.param_type_name == "argument":
                    found += parameter.shell_complete(ctx, incomplete)
        return found

    def _takes_value(self, ctx: typer.Context) -> dict[str, bool]:
        """Return the options, and whether each takes a value."""
        return {
            name: not getattr(parameter, "is_flag", True)
            for parameter in self.get_params(ctx)
            for name in (*parameter.opts, *parameter.secondary_opts)
            if name.startswith("-")
        }


class NamingCommand(QueryCommand):
    """A command whose last word is what scans get, a name or a text; a dash before it excludes nothing."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Understand the options, and the last word as it stands."""
        return super().parse_args(ctx, with_last_word(args, self._takes_value(ctx)))


def with_last_word(arguments: Sequence[str], takes_value: dict[str, bool]) -> list[str]:
    """Put the last word that is no option behind ``--``, so that nobody spells it otherwise."""
    if "--" in arguments:
        return list(arguments)
    spelled = readable(arguments, takes_value)
    changed = [at for at, word in enumerate(spelled) if word != arguments[at]]
    if not changed:
        return list(arguments)
    last = changed[-1]
    if _words_of(arguments[last + 1 :], takes_value):
        return list(arguments)
    return [*arguments[:last], *arguments[last + 1 :], "--", arguments[last]]


def _words_of(arguments: Sequence[str], takes_value: dict[str, bool]) -> list[str]:
    """Return what is neither an option nor the value of one."""
    found = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            found.append(argument)
        elif _wants_more(argument, takes_value):
            next(rest, None)
    return found


def readable(arguments: Sequence[str], takes_value: dict[str, bool], *, of: str = "") -> list[str]:
    """Spell ``-word`` as ``!word`` where it is no option.

    Parameters
    ----------
    arguments : sequence of str
        Behind the command's name.
    takes_value : dict
        The command's options, and whether each takes a value, which is left as it is.
    of : str
        The command; without it nothing is refused.

    Raises
    ------
    UsageError
        If a word looks like an option that the command does not have: as a word to leave out it would mean other scans.
    """
    spelled: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*spelled, argument, *rest]
        if not argument.startswith("-") or argument == "-":
            spelled.append(argument)
        elif _TERM.match(argument) or not (argument.startswith("--") or argument[:2] in takes_value):
            if of:
                _check(argument, takes_value, of)
            spelled.append(f"!{argument[1:]}")
        else:
            spelled.append(argument)
            if _wants_more(argument, takes_value):
                spelled += [value for value in [next(rest, None)] if value is not None]
    return spelled


def _check(argument: str, takes_value: Container[str], of: str) -> None:
    shown = visible(argument)
    leave_out = f"to leave out a word: '!{shown[1:]}'"
    if f"-{argument}" in takes_value:
        raise UsageError(f"{of} {shown}: this option has two dashes, -{shown}", hint=f"-{shown}, or {leave_out}")
    if _LIKE_AN_OPTION.fullmatch(argument):
        raise UsageError(f"{of} has no option {shown}", hint=f"{of} --help; {leave_out}")


def _wants_more(argument: str, takes_value: dict[str, bool]) -> bool:
    """Say whether the value of an option is the next argument: after ``--sort``, ``-n`` and ``-0n``, not ``-n5``."""
    if argument.startswith("--"):
        return takes_value.get(argument, False)
    for at, letter in enumerate(argument[1:], 2):
        if takes_value.get(f"-{letter}", False):
            return at == len(argument)
    return False
