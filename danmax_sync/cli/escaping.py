"""Carry past typer what it would swallow: it turns Ctrl-C, a closed pipe and an EOFError into exit codes of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from danmax_sync.cli.bounds import put_in_words
from danmax_sync.cli.summaries import Group


class EscapedError(Exception):
    """What a command raised, wrapped so that typer does not know it."""

    def __init__(self, problem: BaseException) -> None:
        super().__init__(repr(problem))
        self.problem = problem


@contextmanager
def _escaping() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, EOFError, OSError) as problem:
        raise EscapedError(problem) from problem
    except Exception as problem:
        from danmax_sync.cli.mistakes import in_our_words, is_mistake

        if not is_mistake(problem):
            raise
        raise in_our_words(problem) from None


class Commands(Group):
    """The commands, with their own exit codes."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command, whose help and errors are in words."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            put_in_words(command)
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Understand the options; help is shown in here, too."""
        with _escaping():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with _escaping():
            return super().invoke(ctx)
