"""The command line: one command a file; each parses, makes one call into a room, and displays.

Nothing heavy is imported here or at the top of a command's module: ``--help`` and completion answer at once, and a
test lists what they must not import.
"""

from danmax_sync.cli.entry import main as main

__all__ = ["main"]
