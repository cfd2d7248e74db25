"""Folders that somebody may have meant."""

import os
from difflib import get_close_matches
from pathlib import Path


def meant_folder(typed: str) -> str:
    """Return the folder beside which a name was nearly typed; empty where there is none."""
    path = Path(typed)
    try:
        there = [each.name for each in os.scandir(path.parent) if each.is_dir()]
    except (OSError, ValueError):
        return ""
    close = get_close_matches(path.name, there, n=1, cutoff=0.7)
    return str(path.parent / close[0]) if close else ""
