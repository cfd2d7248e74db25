"""What is wrong with the words of a call, in our own few lines instead of the parser's usage and five more."""

import re
from difflib import get_close_matches
from typing import Any

from danmax_sync.errors import UsageError

_EXAMPLE = re.compile(r"^\s*(danmax-sync .+)$", re.MULTILINE)
_NO_COMMAND = re.compile(r"No such command '(.*?)'\.")
_SIGNS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f]")


def is_mistake(problem: Exception) -> bool:
    """Say whether the parser complains about the words of the call."""
    # Help that is shown because nothing was said is no complaint.
    return hasattr(problem, "format_message") and hasattr(problem, "ctx") and "NoArgs" not in type(problem).__name__


def in_our_words(problem: Any) -> UsageError:
    """Return the same complaint with what to type next.

    Parameters
    ----------
    problem : UsageError of typer's parser
        With its context.
    """
    context = problem.ctx
    if context is None:
        return UsageError(_SIGNS.sub("�", problem.format_message()), hint="danmax-sync COMMAND --help")
    path = context.command_path
    # The name is as typed, and may hold what a terminal acts upon.
    said = _SIGNS.sub("�", problem.format_message()).rstrip(".")
    unknown = _NO_COMMAND.search(problem.format_message())
    if unknown is not None:
        return _no_command(context, _SIGNS.sub("�", unknown[1]))
    option = getattr(problem, "option_name", None)
    if option is not None and getattr(problem, "possibilities", ...) is not ...:
        known = [name for each in context.command.get_params(context) for name in each.opts if name.startswith("--")]
        close = get_close_matches(option, known, n=1, cutoff=0.7)
        meant = f"; did you mean {close[0]}?" if close else ""
        return UsageError(f"{path} has no option {_SIGNS.sub('�', option)}{meant}", hint=f"{path} --help")
    examples = examples_of(context.command.help or "")
    said = (said[:1].lower() + said[1:].replace("\n", " ")).replace("a valid int range", "a whole number")
    said = said.replace("a valid float range", "a number").replace("is not in the range", "is not possible:")
    # An example shows what is missing, not how an option is spelled.
    hint = f"for example: {examples[0]}" if examples and said.startswith("missing") else f"{path} --help"
    return UsageError(f"{path}: {said}", hint=hint)


def _no_command(context: Any, typed: str) -> UsageError:
    path = context.command_path
    close = get_close_matches(typed, context.command.list_commands(context), n=1, cutoff=0.5)
    if close:
        return UsageError(
            f"there is no command {path} {typed}; did you mean {close[0]}?", hint=f"{path} {close[0]} --help"
        )
    return UsageError(f"there is no command {path} {typed}", hint=f"the list: {path} --help")


def examples_of(text: str) -> list[str]:
    """Return the commands that a help text gives as examples."""
    _, _, behind = text.partition("Examples:")
    return [each.strip() for each in _EXAMPLE.findall(behind)]
