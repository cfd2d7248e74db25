"""A visit's folder at home may be called anything: a small hidden file in it says which visit it is of.

::

    get ──▶ <folder>/.danmax-sync-visit.json ──travels with the folder──▶ index, with a fresh catalogue too

Masters do not tell their visit, only the facility's folders do, and ``get --to DIR`` leaves these out.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from danmax_sync.visits import PROPOSAL, VISIT

MARK_NAME = ".danmax-sync-visit.json"
_LONGEST = 4096
"""Bytes of such a file: more is none of ours."""


class VisitName(NamedTuple):
    """Proposal and visit; both empty where a folder holds several."""

    proposal: str
    visit: str


SEVERAL = VisitName("", "")


def marked_visit(folder: Path) -> VisitName | None:
    """Return which visit a folder says it is of; None where it says nothing that can be understood."""
    try:
        with (folder / MARK_NAME).open("rb") as file:
            said = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(said, Mapping):
        return None
    proposal, visit = said.get("proposal"), said.get("visit")
    if not isinstance(proposal, str) or not isinstance(visit, str):
        return None
    whole = VISIT.fullmatch(visit) and (not proposal or PROPOSAL.fullmatch(proposal))
    return VisitName(proposal, visit) if whole or (proposal, visit) == SEVERAL else None


def mark_visit(folder: Path, name: VisitName) -> None:
    """Let a folder say which visit it is of; with one of another visit in it, that it cannot.

    Where it cannot be written to, it says nothing.
    """
    before = marked_visit(folder)
    said = name if before in {None, name} else SEVERAL
    if said == before:
        return
    # Always of this name, so that what a kill leaves behind goes with the next run; one at a time works in a folder.
    part = folder / f"{MARK_NAME}.part"
    with suppress(OSError):
        try:
            part.write_text(json.dumps(said._asdict()) + "\n", encoding="utf-8")
            part.replace(folder / MARK_NAME)
        finally:
            part.unlink(missing_ok=True)
