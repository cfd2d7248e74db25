"""``danmax-sync settings``."""

import os
import shlex
import sys
from typing import Annotated

import typer

app = typer.Typer(help="What holds unless a command says otherwise: show, edit, path.", no_args_is_help=True)

_EDITORS = ("nano", "vim", "vi")


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what is set, what is not, and what is remembered.

    \b
    Examples:
      danmax-sync settings show
    """  # noqa: D301 - click wants the character itself
    import json

    from danmax_sync.cli.complaint import complain
    from danmax_sync.cli.settled import check_settings
    from danmax_sync.cli.speech import line
    from danmax_sync.errors import UsageError
    from danmax_sync.settings import KNOWN_SETTINGS, catalogue_location, ensured_home, read_settings, settings_file
    from danmax_sync.sources.destinations import last_destination
    from danmax_sync.sources.remotes import load_remotes

    ensured_home()
    table, remotes = read_settings(), load_remotes()
    last = {name: last_destination(remote) for name, remote in sorted(remotes.items())}
    if as_json:
        known = {
            section: {
                # No NaN, which is not JSON.
                name: json.loads(_spelled(table.get(section, {}).get(name)), parse_constant=str)
                for name in names
            }
            for section, names in KNOWN_SETTINGS.items()
        }
        remembered = {name: str(place) if place else None for name, place in last.items()}
        # A server's URL may hold a password.
        where = catalogue_location()
        file = None if "://" in where else where
        line(
            json.dumps({"file": str(settings_file()), "catalogue": file, "settings": known, "destinations": remembered})
        )
        return
    line(f"settings   {settings_file()}")
    line(f"catalogue  {'a database on a server' if '://' in catalogue_location() else catalogue_location()}")
    for section, names in KNOWN_SETTINGS.items():
        for name in names:
            value = table.get(section, {}).get(name)
            line(f"[{section}] {name} {'is not set' if value is None else f'= {_spelled(value)}'}")
    for name, place in last.items():
        line(f"remote {name} {f'goes to {place}' if place else 'was never fetched'}")
    try:
        check_settings()
    except UsageError as problem:
        complain(problem.message, hint=problem.hint, kind="warning")


@app.command()
def path() -> None:
    """Print where the file of settings is.

    \b
    Examples:
      danmax-sync settings path
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.speech import line
    from danmax_sync.settings import ensured_home, settings_file, write_settings_template

    ensured_home()
    write_settings_template()
    line(str(settings_file()))


@app.command()
def edit() -> None:
    """Open the file of settings in your editor, and check it afterwards.

    The editor is what VISUAL or EDITOR name.

    \b
    Examples:
      danmax-sync settings edit
    """  # noqa: D301 - click wants the character itself
    import subprocess

    from danmax_sync.cli.settled import check_settings
    from danmax_sync.cli.speech import say
    from danmax_sync.companions.programs import find_on_path
    from danmax_sync.errors import UsageError
    from danmax_sync.settings import ensured_home, settings_file, write_settings_template

    ensured_home()
    write_settings_template()
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    usual = ("notepad",) if os.name == "nt" else _EDITORS
    words = _words(named) or [name for name in usual if find_on_path(name)][:1]
    # As it was found: Windows starts `code` only where it is called code.cmd.
    program = find_on_path(words[0]) if words else None
    if program is None:
        missing = f"the editor {words[0]!r} is not there" if words else "there is no editor"
        raise UsageError(missing, hint=f"name one in EDITOR, or open it yourself: {settings_file()}")
    if not sys.stdin.isatty() and not named:
        raise UsageError("there is no terminal to edit at", hint=f"change it yourself: {settings_file()}")
    try:
        code = subprocess.run([program, *words[1:], str(settings_file())], check=False).returncode  # noqa: S603 - the user's own editor
    except OSError as problem:
        raise UsageError(
            f"{program} cannot be started: {problem.strerror}", hint=f"open it yourself: {settings_file()}"
        ) from problem
    if code:
        raise UsageError(f"{words[0]} ended with {code}", hint="look at what holds: danmax-sync settings show")
    check_settings()
    say(f"{settings_file()} is understood\n  → danmax-sync settings show")


def _words(command: str) -> list[str]:
    """Take a command apart; on Windows a backslash is part of a path."""
    from danmax_sync.errors import UsageError

    try:
        return [word.strip('"') for word in shlex.split(command, posix=os.name != "nt")]
    except ValueError:
        raise UsageError(
            f"the editor {command!r} has a quote that does not end", hint="mend VISUAL or EDITOR"
        ) from None


def _spelled(value: object) -> str:
    """Spell a value of a settings file in JSON: a date, which no setting is, as text."""
    import json

    return json.dumps(value, ensure_ascii=False, default=str)
