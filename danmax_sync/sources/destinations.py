"""Where a remote's visit was brought to last, so that nobody has to say it twice."""

import json
import os
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from danmax_sync.errors import UsageError
from danmax_sync.events import Event, Listener
from danmax_sync.settings import destinations_file, ensured_home, settings_file, text_setting
from danmax_sync.sources.remotes import Remote
from danmax_sync.visits import PROPOSAL, VISIT


def last_destination(remote: Remote) -> Path | None:
    """Return where a remote was brought to last; None where it never was, or its name stood for another visit then."""
    kept = _kept().get(remote.name, {})
    place = kept.get("to") if kept.get("uri") == remote.uri else None
    return Path(place) if place else None


def remember_destination(remote: Remote, destination: Path) -> None:
    """Remember where a remote is brought to; without room for that, it is merely not remembered."""
    if last_destination(remote) == destination:
        return
    try:
        path = ensured_home() / destinations_file().name
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        entries = {**_kept(), remote.name: {"uri": remote.uri, "to": str(destination)}}
        part.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError:
        return


def remembering(remote: Remote, destination: Path, tell: Listener) -> Listener:
    """Pass on what a run tells, and remember its destination once something has come there, or is there already."""
    known = False

    def heard(event: Event) -> None:
        nonlocal known
        tell(event)
        if known:
            return
        moving = event.name == "progress" and event.fields.get("unit") == "bytes" and event.fields.get("done")
        # The calibration comes along even where all sets are left out.
        arriving = moving and "process" not in str(event.fields.get("item")).split("/")
        there = event.name == "set" and event.fields.get("state") in {"complete", "partial"}
        if arriving or there:
            known = True
            remember_destination(remote, destination)

    return heard


def usual_destination(remote: Remote) -> Path | None:
    """Return where the settings put a remote that was never fetched; None where they do not say.

    Raises
    ------
    UsageError
        If they name something that the remote's path does not tell.
    """
    return _filled_in(remote)


def check_usual_destination() -> None:
    """Check that the settings' destination can be filled in for a remote that is a visit.

    Raises
    ------
    UsageError
        If it cannot be.
    """
    _filled_in(Remote("NAME", "sftp://facility/data/visitors/danmax/20251234/2025110208"))


def _filled_in(remote: Remote) -> Path | None:
    pattern = text_setting("get", "to")
    if pattern is None:
        return None
    visit = visit_named_by(remote)
    known = {"remote": remote.name, "proposal": visit[0], "visit": visit[1]}
    try:
        text = pattern.format_map({name: value for name, value in known.items() if value})
    except (KeyError, ValueError, IndexError, AttributeError):
        raise UsageError(
            f"{settings_file()}: to = {pattern!r} cannot be filled in for {remote.name}, which is {remote.uri}",
            hint="it may hold {proposal}, {visit} and {remote}; or say where: --to DIR",
        ) from None
    place = Path(text).expanduser()
    if not place.is_absolute():
        raise UsageError(f"{settings_file()}: to = {pattern!r} is not absolute", hint="begin it with ~/ or /")
    return place


def visit_named_by(remote: Remote) -> tuple[str, str]:
    """Return proposal and visit as the remote's path tells them, or empty texts."""
    parts = [part for part in unquote(urlsplit(remote.uri).path).split("/") if part]
    for proposal, visit in pairwise(parts):
        if PROPOSAL.fullmatch(proposal) and VISIT.fullmatch(visit):
            return proposal, visit
    return "", ""


def _kept() -> dict[str, dict[str, str]]:
    """Return what is remembered; a damaged file is as good as none."""
    try:
        entries = json.loads(destinations_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(entries, dict):
        return {}
    return {
        name: kept
        for name, kept in entries.items()
        if isinstance(kept, dict) and all(isinstance(kept.get(key), str) for key in ("uri", "to"))
    }
