"""Visits as they really are, too: growing, broken and hostile files, asked for by name.

Every kind adds its own scans behind the ordinary ones, all LaB6 at 35 keV and room temperature.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from danmax_sync.testing.commands import command
from danmax_sync.testing.physics import State
from danmax_sync.testing.plans import (
    ENERGIES_KEV,
    EXPOSURE_S,
    FIRST_NUMBER,
    ROOM_K,
    Origin,
    ScanPlan,
    measured_energy,
    scan_name,
    start_of,
)
from danmax_sync.testing.seeds import generator
from danmax_sync.visits import TreePath


class Awkward(Enum):
    """What can be wrong or unusual with a scan."""

    DANGLING_LINK = "dangling link"
    """The master links to a detector file that was never written (saving was off)."""
    GROWING = "growing"
    """Still being measured: fewer frames than points, no ``end_time``."""
    SEVERAL_ENTRIES = "several entries"
    """``insitu.h5`` with ``/entry3218`` and ``/entry3219``, detector files ``scan-3218_pilatus.h5``…"""
    ABSOLUTE_LINK = "absolute link"
    """The link names a file of somebody else's visit by its absolute path."""
    CLIMBING_LINK = "climbing link"
    """The link climbs out of the visit with ``..``."""
    SELF_LINK = "self link"
    """The link names its own master."""
    PAST_9999 = "past 9999"
    """Five digits: ``scan-10001.h5``."""
    ODD_FOLDERS = "odd folders"
    """Folders with dots and spaces, and called ``raw`` again; four good scans."""
    TRUNCATED = "truncated"
    """The master was cut short; broken."""
    CORRUPT = "corrupt"
    """One master with random bytes in its middle, one that is no HDF5 at all; broken."""


ODD_FOLDERS = ("CeO2 in capillary", "Si_640d.v1.0", "raw", "raw data.v2/run 1")
INSITU_NUMBERS = (3218, 3219)
ABSOLUTE_TARGET = "/data/visitors/danmax/20259999/2025010108/raw/other/scan-0001_pilatus.h5"
CLIMBING_TARGET = "../../../outside.h5"


@dataclass(frozen=True, slots=True)
class BrokenPlan:
    """A master that is written well and then damaged.

    Attributes
    ----------
    plan : ScanPlan
        What it would have been.
    damage : callable
        Takes the whole file's bytes and a seed, returns what is left of them.
    """

    plan: ScanPlan
    damage: Callable[[bytes, int], bytes]


def awkward_plans(
    kinds: frozenset[Awkward], *, first_item: int, frames: int, seed: int, origin: Origin
) -> tuple[list[ScanPlan], list[BrokenPlan]]:
    """Return the scans that can be read and those that cannot, in the order of the kinds."""
    plans: list[ScanPlan] = []
    broken: list[BrokenPlan] = []
    # Numbers go on over both lists: no two of these scans share one.
    for kind in Awkward:
        if kind not in kinds:
            continue
        base = _plain(first_item + len(plans) + len(broken), frames, seed, origin)
        plans += _READABLE[kind](base) if kind in _READABLE else []
        broken += [
            BrokenPlan(_moved(base, offset, base.path.parent), damage)
            for offset, damage in enumerate(_DAMAGES.get(kind, ()))
        ]
    return plans, broken


def _plain(item: int, frames: int, seed: int, origin: Origin) -> ScanPlan:
    number = FIRST_NUMBER + item
    return ScanPlan(
        item=item,
        number=number,
        path=TreePath(("raw", "LaB6", f"{scan_name(number)}.h5")),
        state=State("LaB6", ENERGIES_KEV[35], ROOM_K),
        energy_kev=measured_energy(seed, item, 35),
        temperatures_k=(ROOM_K,) * frames,
        temperature_source="snapshot",
        frames=frames,
        start=start_of(origin, item, frames),
        command=command(0, frames, EXPOSURE_S),
        proposal=origin.proposal,
        stored_frames=frames,
    )


def _moved(base: ScanPlan, offset: int, folder: TreePath) -> ScanPlan:
    number = base.number + offset
    return replace(
        base,
        item=base.item + offset,
        number=number,
        path=folder / f"{scan_name(number)}.h5",
        start=base.start + offset * timedelta(seconds=30),
    )


def _several_entries(base: ScanPlan) -> list[ScanPlan]:
    path = TreePath(("raw", "insitu", "insitu.h5"))
    return [
        replace(_moved(base, i, path.parent), number=number, path=path, entry=f"entry{number}")
        for i, number in enumerate(INSITU_NUMBERS)
    ]


def _past_9999(base: ScanPlan) -> list[ScanPlan]:
    return [replace(base, number=10001, path=base.path.parent / f"{scan_name(10001)}.h5")]


def _odd_folders(base: ScanPlan) -> Iterator[ScanPlan]:
    for i, folder in enumerate(ODD_FOLDERS):
        yield _moved(base, i, TreePath(("raw",)) / folder)


_READABLE: dict[Awkward, Callable[[ScanPlan], list[ScanPlan]]] = {
    Awkward.DANGLING_LINK: lambda base: [replace(base, stored_frames=None)],
    Awkward.GROWING: lambda base: [replace(base, stored_frames=base.frames // 2, ended=False)],
    Awkward.SEVERAL_ENTRIES: _several_entries,
    Awkward.ABSOLUTE_LINK: lambda base: [replace(base, stored_frames=None, link_file=ABSOLUTE_TARGET)],
    Awkward.CLIMBING_LINK: lambda base: [replace(base, stored_frames=None, link_file=CLIMBING_TARGET)],
    Awkward.SELF_LINK: lambda base: [replace(base, stored_frames=None, link_file=base.path.name)],
    Awkward.PAST_9999: _past_9999,
    Awkward.ODD_FOLDERS: lambda base: list(_odd_folders(base)),
}


def _cut(content: bytes, seed: int) -> bytes:  # noqa: ARG001  (all damages share a signature)
    return content[: len(content) * 3 // 5]


def _scramble(content: bytes, seed: int) -> bytes:
    # The superblock stays, so that the file opens; the root group's heap and tree do not, so that nothing else works.
    begin, end = 512, len(content) * 3 // 4
    return content[:begin] + generator(seed, "scramble").bytes(end - begin) + content[end:]


def _not_hdf5(content: bytes, seed: int) -> bytes:  # noqa: ARG001
    return b"SPEC file, renamed by hand\n#S 1 ascan pd_sam_x 0 1 10 0.1\n"


_DAMAGES: dict[Awkward, tuple[Callable[[bytes, int], bytes], ...]] = {
    Awkward.TRUNCATED: (_cut,),
    Awkward.CORRUPT: (_scramble, _not_hdf5),
}
