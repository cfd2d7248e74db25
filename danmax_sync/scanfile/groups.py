"""Groups of a master through the library's low level: scans, members, links; nothing is opened that need not be."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from h5py import h5g, h5l, h5o

from danmax_sync.scanfile.record import DetectorLink, resolved
from danmax_sync.scanfile.text import clean_name
from danmax_sync.visits import ScanPlace, visible

MOST_NAMES = 20_000
_ENTRY = re.compile(rb"entry([0-9]{0,18})")  # as long as a database's 64 bits can number
_SIGNS = frozenset((b"title", b"start_time", b"measurement"))


class Member(NamedTuple):
    """A member of a group: the kind of its link, and for hard links the address of the object's header."""

    name: bytes
    kind: int
    address: int


def entries_of(file: h5g.GroupID, *, named_as_master: bool) -> Iterator[tuple[str, h5g.GroupID]]:
    """Yield groups that are scans: named ``entry…`` with something that only a scan has.

    Detector files and integrated ones have an instrument, too: it counts only where the file's name speaks for it.
    """
    signs = _SIGNS | {b"instrument"} if named_as_master else _SIGNS
    for member in members_of(h5g.open(file, b"/")).values():
        if not _ENTRY.fullmatch(member.name) or member.kind != h5l.TYPE_HARD:
            continue
        group = h5o.open(file, member.name)
        if isinstance(group, h5g.GroupID) and any(sign in group for sign in signs):
            yield member.name.decode(), group


def members_of(group: h5g.GroupID) -> dict[bytes, Member]:
    """Return the members of a group, without opening one.

    Raises
    ------
    ValueError
        If they are too many, or two have one name.
    """
    if len(group) > MOST_NAMES:
        raise ValueError(f"a group claims {len(group)} members")
    listed: list[Member] = []

    def take(name: bytes, info: h5l.LinkInfo) -> None:
        listed.append(Member(name, info.type, info.u))

    group.links.iterate(take, info=True)
    found = {member.name: member for member in listed}
    if len(listed) != len(found):
        # Only damage does that, and then nobody knows which is which.
        raise ValueError("a group has two members of one name")
    return found


def subgroup_of(group: h5g.GroupID, member: Member | None) -> h5g.GroupID | None:
    """Return a group of this very file; None where there is none, or only a link to one."""
    if member is None or member.kind != h5l.TYPE_HARD:
        return None
    found = h5o.open(group, member.name)
    return found if isinstance(found, h5g.GroupID) else None


@lru_cache(maxsize=4096)
def shown(name: bytes) -> str:
    """Return a member's name as it may be stored; one scan has the names of the next."""
    return clean_name(name)


def links_of(group: h5g.GroupID, members: Mapping[bytes, Member], where: ScanPlace) -> Iterator[DetectorLink]:
    """Yield the external links of a group, resolved where the master stands, without following one."""
    for member in members.values():
        if member.kind == h5l.TYPE_EXTERNAL:
            yield link_to(member.name, *group.links.get_val(member.name), where=where)


def link_to(name: bytes, filename: bytes, path: bytes, *, where: ScanPlace) -> DetectorLink:
    """Return an external link as a record keeps it."""
    as_written = DetectorLink(shown(name), filename.decode("utf-8", "surrogateescape"), clean_name(path), None)
    checked = resolved(as_written, where.path)
    # Spelled out, not left out: what is left might name another file, one that is there.
    spelled = visible(checked.filename)
    if spelled != checked.filename:
        checked = resolved(replace(checked, filename=spelled), where.path)
    return replace(checked, filename=clean_name(checked.filename), problem=clean_name(checked.problem))
