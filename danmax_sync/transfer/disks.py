"""The disks below a destination: its own, and those that its user's links lead to.

Nothing that is fetched makes a link, whatever its name, so each that is found was made by who owns the destination.
"""

from collections.abc import Sequence
from pathlib import Path

from danmax_sync.transfer.nameable import nearest_folder
from danmax_sync.transfer.plan import PlannedFile
from danmax_sync.visits import TreePath


def by_disk(destination: Path, wanted: Sequence[PlannedFile]) -> dict[Path, list[PlannedFile]]:
    """Sort files by the disk they will be on: users link what is large, such as ``raw``, to another one.

    Returns
    -------
    dict
        By a folder of each disk, which is there: the destination itself for its own.
    """
    home = destination.stat().st_dev
    on: dict[int, Path] = {home: destination}
    disk_of: dict[TreePath, int] = {}
    sorted_in: dict[Path, list[PlannedFile]] = {}
    for file in wanted:
        parent = file.path.parent
        if parent not in disk_of:
            there = nearest_folder(parent.below(destination))
            disk_of[parent] = there.stat().st_dev
            on.setdefault(disk_of[parent], there)
        sorted_in.setdefault(on[disk_of[parent]], []).append(file)
    return sorted_in


def behind_dead_links(destination: Path, wanted: Sequence[PlannedFile]) -> dict[TreePath, str]:
    """Return why files cannot be stored that would go behind a link which leads nowhere: its disk is not there now."""
    dead: dict[TreePath, str] = {}
    unfit = {}
    for file in wanted:
        parent = file.path.parent
        if parent not in dead:
            ways = (TreePath(parent.parts[:length]).below(destination) for length in range(1, len(parent.parts) + 1))
            link = next((way for way in ways if way.is_symlink() and not way.exists()), None)
            # The same words for every file, so that many sets are one thing to say.
            dead[parent] = f"{link} is a link to {link.readlink()}, and nothing is there" if link else ""
        if dead[parent]:
            unfit[file.path] = f"{dead[parent]}: is its disk connected?"
    return unfit
