"""How far each visit is on its way home, and what to type next."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from danmax_sync.catalogue.amounts import Place, bytes_of_sets, complete_elsewhere
from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import REMOTE, CataloguedScan, Location
from danmax_sync.errors import DanmaxSyncError
from danmax_sync.query.search import understand
from danmax_sync.scanfile.record import ScanState
from danmax_sync.sources.destinations import last_destination
from danmax_sync.sources.remotes import Remote
from danmax_sync.transfer.standing import Standing


@dataclass(frozen=True, slots=True)
class VisitStanding:
    """One visit; numbers of scans, and bytes.

    Attributes
    ----------
    scans, at_source, here, integrated : int
        In the catalogue; at a remote; complete on this disk; with patterns there.
    incomplete, running, unreadable : int
        Whose set lacks files everywhere; that have not ended; that cannot be read.
    to_fetch, to_integrate : int
        Complete at a remote and not here, so that a ``get`` brings them; here and without patterns.
    in_the_way : int
        Complete at a remote and not here, because another file stands where one of theirs goes.
    remotes, folders : tuple of str
        Where they are.
    """

    proposal: str
    visit: str
    scans: int
    at_source: int
    here: int
    integrated: int
    incomplete: int
    running: int
    unreadable: int
    to_fetch: int
    to_integrate: int
    bytes_at_source: int
    bytes_here: int
    bytes_to_fetch: int
    remotes: tuple[str, ...]
    folders: tuple[str, ...]
    in_the_way: int = 0

    @property
    def name(self) -> str:
        """Proposal and visit, as far as they are known."""
        return "/".join(part for part in (self.proposal, self.visit) if part) or "of no visit"

    def to_json(self) -> dict[str, object]:
        """Return it for programs."""
        return asdict(self)


def advance(
    catalogue: Catalogue, text: str, scans: Sequence[CataloguedScan], standing: Standing | None = None
) -> list[VisitStanding]:
    """Return how far each visit is, the one with the newest scan last.

    Parameters
    ----------
    catalogue : Catalogue
        Knows the sizes.
    text, scans
        The query, and what it found.
    standing : Standing, optional
        Knows which sets something is in the way of.
    """
    where = understand(catalogue, text).where
    blocked = _blocked(scans, standing)
    wanted = where & complete_elsewhere(blocked)
    sizes, missing = bytes_of_sets(catalogue, where), bytes_of_sets(catalogue, wanted)
    visits: dict[tuple[str, str], list[CataloguedScan]] = {}
    for scan in scans:
        visits.setdefault((scan.proposal or "", scan.visit or ""), []).append(scan)
    found = [_of_visit(key, members, sizes, missing, blocked) for key, members in visits.items()]
    newest = {key: max((scan.start_time or "") for scan in members) for key, members in visits.items()}
    return sorted(found, key=lambda each: newest[each.proposal, each.visit])


def _blocked(scans: Sequence[CataloguedScan], standing: Standing | None) -> set[int]:
    """Return the scans that a ``get`` cannot bring before the user has moved something."""
    masters = {(one.source, one.master) for one in standing.blocked} if standing else set()
    if not masters:
        return set()
    return {each.id for each in scans if any((at.root.name, str(at.path)) in masters for at in each.locations)}


def _of_visit(
    key: tuple[str, str],
    scans: Sequence[CataloguedScan],
    sizes: Mapping[Place, int],
    missing: Mapping[Place, int],
    blocked: Collection[int],
) -> VisitStanding:
    proposal, visit = key
    there = [[at for at in scan.locations if at.root.kind == REMOTE and at.state != "missing"] for scan in scans]
    here = [[at for at in scan.locations if at.root.folder is not None and at.state == "complete"] for scan in scans]
    patterns = [any(map(_has_patterns, places)) for places in here]
    states = [scan.state.value for scan in scans]
    remotes = {at.root.id: at.root.name for places in there for at in places}
    folders = {at.root.id: at.root.name for places in here for at in places}
    # A set that is still being written is complete by its names; a get leaves it out.
    to_come = [
        scan.id
        for scan, away, home in zip(scans, there, here, strict=True)
        if not home and scan.state is ScanState.COMPLETE and any(at.state == "complete" for at in away)
    ]
    stuck = sum(id_ in blocked for id_ in to_come)

    def added(amounts: Mapping[Place, int], roots: Mapping[int, str]) -> int:
        # The same visit at two remotes is not twice as large.
        return max((amounts.get(Place(proposal, visit, root), 0) for root in roots), default=0)

    return VisitStanding(
        proposal,
        visit,
        scans=len(scans),
        at_source=sum(map(bool, there)),
        here=sum(map(bool, here)),
        integrated=sum(patterns),
        incomplete=states.count("partial"),
        running=states.count("running"),
        unreadable=states.count("unreadable"),
        to_fetch=len(to_come) - stuck,
        to_integrate=sum(
            not made and any(each.integrated is not None for at in home for each in at.links)
            for home, made in zip(here, patterns, strict=True)
        ),
        bytes_at_source=added(sizes, remotes),
        bytes_here=added(sizes, folders),
        bytes_to_fetch=added(missing, remotes),
        remotes=tuple(dict.fromkeys(remotes.values())),
        folders=tuple(dict.fromkeys(folders.values())),
        in_the_way=stuck,
    )


def _has_patterns(at: Location) -> bool:
    folder = at.root.folder
    if folder is None:
        return False
    try:
        visit = at.prefix.below(folder)
        return any(each.integrated is not None and each.integrated.below(visit).is_file() for each in at.links)
    except (OSError, DanmaxSyncError):
        return False


def next_step(
    standing: Standing, visits: Sequence[VisitStanding], text: str, remotes: Mapping[str, Remote]
) -> tuple[str, str]:
    """Return what to do next, and the command to type."""
    if not standing.scans:
        if text:
            return "nothing matches; see all", "danmax-sync search"
        if not remotes:
            return "say where the visit is", "danmax-sync remote add NAME URI"
        return "see what is there", f"danmax-sync index {' '.join(sorted(remotes))}"
    if standing.busy:
        return "it is on its way; look again", " ".join(["danmax-sync status", *_quoted(text)])
    return (
        _to_fetch(visits, text, remotes)
        or _to_integrate(visits, text)
        or _to_mend(visits, text, remotes)
        or _to_look_at(visits, text)
    )


def _to_fetch(visits: Sequence[VisitStanding], text: str, remotes: Mapping[str, Remote]) -> tuple[str, str] | None:
    for visit in reversed(visits):
        query = text or (f"visit:{visit.visit}" if len(visits) > 1 and visit.visit else "")
        if visit.to_fetch:
            return f"{visit.to_fetch} can be fetched", " ".join(_get(visit, query, remotes))
    return None


def _to_integrate(visits: Sequence[VisitStanding], text: str) -> tuple[str, str] | None:
    amount = sum(visit.to_integrate for visit in visits)
    if not amount:
        return None
    whole = all(visit.here == visit.scans for visit in visits)
    query = text if text and whole else _here(text)
    return f"{amount} can be integrated", " ".join(["danmax-sync integrate", *_quoted(query)])


def _to_mend(visits: Sequence[VisitStanding], text: str, remotes: Mapping[str, Remote]) -> tuple[str, str] | None:
    """Return what helps scans that a ``get`` leaves out."""
    for visit in reversed(visits):
        if visit.in_the_way:
            return "move away what is in the way, then fetch", " ".join(_get(visit, text, remotes))
    for visit in reversed(visits):
        known = [name for name in visit.remotes if name in remotes]
        if visit.running and known:
            return f"{visit.running} still running; look again", f"danmax-sync index {known[0]}"
    return None


def _to_look_at(visits: Sequence[VisitStanding], text: str) -> tuple[str, str]:
    if any(visit.integrated for visit in visits):
        return "see what came out", " ".join(["danmax-sync plot", *_quoted(text or "root:here")])
    return "see what is not complete", "danmax-sync search -c +where"


def _here(text: str) -> str:
    """Narrow a query to what is on this machine."""
    return f"({text}) root:here" if " OR " in text else f"{text} root:here".strip()


def _get(visit: VisitStanding, query: str, remotes: Mapping[str, Remote]) -> list[str]:
    known = [name for name in visit.remotes if name in remotes]
    if not known:
        return [f"danmax-sync remote add {visit.remotes[0]} URI"]
    # Of several that have it, the one it came from before.
    name = next((name for name in known if last_destination(remotes[name])), known[0])
    words = ["danmax-sync get", *_quoted(query), *([f"--from {name}"] if len(known) > 1 else [])]
    if last_destination(remotes[name]) is None:
        folder = visit.folders[0] if len(visit.folders) == 1 else visit.visit or "DIR"
        words.append(f"--to {_short(folder)}")
    return words


def _short(folder: str) -> str:
    """Spell a folder as people would type it where they are."""
    try:
        near = Path(folder).relative_to(Path.cwd())
    except (ValueError, OSError):
        return _quoted(folder)[0]
    return _quoted(str(near))[0]


def _quoted(text: str) -> list[str]:
    import shlex

    return [shlex.quote(text)] if text else []
