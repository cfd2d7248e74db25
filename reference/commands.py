"""Every command with its arguments and options, as typer knows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import typer

from danmax_sync.cli.application import app
from reference.text import code, prose, table


@dataclass(frozen=True, slots=True)
class Described:
    """A command.

    Attributes
    ----------
    words : tuple of str
        As it is typed, from ``danmax-sync`` on.
    command : Any
        Of click.
    """

    words: tuple[str, ...]
    command: Any

    @property
    def line(self) -> str:
        """As it is typed."""
        return " ".join(self.words)

    @property
    def is_group(self) -> bool:
        """Whether it only holds others."""
        return hasattr(self.command, "commands")


def every_command() -> Iterator[Described]:
    """Yield the program and its commands, in the order of help."""
    yield from _below(Described(("danmax-sync",), typer.main.get_command(app)))


def _below(at: Described) -> Iterator[Described]:
    yield at
    for name, command in getattr(at.command, "commands", {}).items():
        if not command.hidden:
            yield from _below(Described((*at.words, name), command))


def options_of(each: Described) -> list[Any]:
    """Return the options of a command."""
    return [param for param in each.command.params if param.param_type_name == "option" and not param.hidden]


def render_commands() -> str:
    """Return the page."""
    return "\n".join(_section(each) for each in every_command())


def _section(each: Described) -> str:
    arguments = [param for param in each.command.params if param.param_type_name == "argument"]
    usage = [each.line, *(["[OPTIONS]"] if options_of(each) else []), *(_argument(param) for param in arguments)]
    parts = [
        f"{'##' if len(each.words) < 3 else '###'} {each.line}\n",
        f"```text\n{' '.join([*usage, *(['COMMAND …'] if each.is_group else [])])}\n```\n",
        _help(each.command.help or ""),
    ]
    if arguments and any(param.help for param in arguments):
        parts.append(
            table(("argument", ""), [(code(_argument(param)), prose(param.help or "")) for param in arguments])
        )
    if options := options_of(each):
        parts.append(table(("option", "", "default"), [_option(param) for param in options]))
    if each.is_group:
        below = [each.command.commands[name] for name in each.command.commands]
        rows = [(code(one.name or ""), prose((one.help or "").split("\n\n")[0])) for one in below if not one.hidden]
        parts.append(table(("command", ""), rows))
    return "\n".join(parts)


def _argument(param: Any) -> str:
    name: str = param.metavar or param.name.upper()
    return name if param.required or name.startswith("[") else f"[{name}]"


def _help(text: str) -> str:
    """Return help as paragraphs; a block that begins with a backspace keeps its lines."""
    parts = []
    for block in text.split("\n\n"):
        first, _, rest = block.partition("\n")
        if first.strip() == "\b":
            title, _, lines = rest.partition("\n")
            shown = "\n".join(line.removeprefix("  ") for line in lines.splitlines())
            parts.append(f"{prose(title)}\n\n```text\n{shown}\n```\n")
        elif block.strip():
            parts.append(f"{prose(block)}\n")
    return "\n".join(parts)


def _option(param: Any) -> tuple[str, str, str]:
    spelled = ", ".join(code(name) for name in (*param.opts, *param.secondary_opts))
    if not param.is_flag:
        choices = getattr(param.type, "choices", None)
        named = param.metavar or ("|".join(map(_shown, choices)) if choices else str(param.type.name).upper())
        spelled += f" {code(_bounded(named, param.type))}"
    return spelled, prose(param.help or ""), _default(param)


def _bounded(name: str, kind: Any) -> str:
    """Spell a value, of a number within bounds the bounds."""
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    signs = ["<" if getattr(kind, f"{end}_open", False) else "≤" for end in ("min", "max")]
    return ("" if low is None else f"{low:g} {signs[0]} ") + name + ("" if high is None else f" {signs[1]} {high:g}")


def _default(param: Any) -> str:
    if param.is_flag or param.default is None or callable(param.default) or param.default == "":
        return "required" if param.required else ""
    return code(_shown(param.default))


def _shown(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)
