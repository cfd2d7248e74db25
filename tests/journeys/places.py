"""What the journeys share: a person with a telephone, a look at whole trees, and the invariant."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py

from danmax_sync.sources.ssh import Prompt
from danmax_sync.testing.sftpserver import EmbeddedSftpServer
from danmax_sync.transfer.arrival import PART_SUFFIX

PASSWORD = "correct horse beam"
SOURCE_CHANGES_NOTHING = {".danmax-sync.lock", ".danmax-sync-visit.json"}
DANMAX_SYNC = (sys.executable, "-m", "danmax_sync")


class Person:
    """Answers the server: the password, then the code on the telephone; remembers what was asked and said."""

    def __init__(self, server: EmbeddedSftpServer, *, password: str = PASSWORD, code: str | None = None) -> None:
        self.server, self.password, self.code = server, password, code
        self.asked: list[str] = []
        self.said: list[str] = []

    def ask(self, title: str, instructions: str, prompts: Sequence[Prompt]) -> list[str]:
        """Answer each prompt."""
        answers = [self._answer(prompt.text) for prompt in prompts]
        self.asked += [prompt.text.strip() for prompt in prompts]
        self.said += answers
        return answers

    def accept_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Compare with what the facility publishes."""
        return fingerprint == self.server.host_key

    def _answer(self, text: str) -> str:
        if "password" in text.lower():
            return self.password
        return self.code if self.code is not None else self.server.current_code()


def copied(visit: Path, to: Path) -> Path:
    """Copy a visit, to change it; its files are a day old, so that none is taken for one that may still change."""
    shutil.copytree(visit, to)
    for path in to.rglob("*"):
        age(path, days=1)
    return to


def age(path: Path, *, days: float = 0, seconds: float = 0) -> None:
    """Make a file older."""
    then = path.stat().st_mtime_ns - round((days * 86_400 + seconds) * 1e9)
    os.utime(path, ns=(then, then))


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file of a tree with its bytes and its time in whole seconds (SFTP knows no others)."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns // 1_000_000_000)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in SOURCE_CHANGES_NOTHING
    }


def fetchable(visit: Path, masters: Sequence[str] | None = None) -> dict[str, tuple[bytes, int]]:
    """Return what a ``get`` must bring home of a visit: complete sets (or those named) and the calibration."""
    everything = tree(visit)
    wanted = {name for name in everything if re.fullmatch(r"process/[^/]+\.(poni|npy)", name)}
    for name in everything:
        if name.startswith("raw/") and (masters is None or name in masters):
            links = linked_files(visit / name)
            if links and all(target in everything for target in links.values()):
                wanted |= {name, *links.values()}
    return {name: everything[name] for name in sorted(wanted)}


def linked_files(master: Path) -> dict[str, str]:
    """Return the files a master's links name, by detector, from the visit's folder; nothing for other files."""
    found: dict[str, str] = {}
    raw = next((folder for folder in master.parents if folder.name == "raw" and folder.parent.name.isdigit()), None)
    if raw is None:
        return found

    def look(group: h5py.Group) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                target = os.path.normpath(master.parent / link.filename)
                found[f"{group.name}/{name}"] = os.path.relpath(target, raw.parent).replace(os.sep, "/")
            elif isinstance(link, h5py.HardLink) and isinstance(group[name], h5py.Group):
                look(group[name])

    with contextlib.suppress(OSError), h5py.File(master, "r", locking=False) as file:
        look(file)
    return found


def parts(folder: Path) -> list[Path]:
    """Return the part files in a tree."""
    return sorted(folder.rglob(f"*{PART_SUFFIX}"))


def check_invariant(destination: Path, visit: Path, links: Mapping[str, Sequence[str]]) -> int:
    """Check that each master that can be seen is the source's, with all its detector files; return how many there are.

    Parameters
    ----------
    destination, visit : Path
        Home, and the source.
    links : mapping
        The files each master of the source needs, from `needs_of`.
    """
    visible = [path.relative_to(destination).as_posix() for path in destination.rglob("*.h5")]
    masters = [name for name in visible if name in links]
    for name in masters:
        for needed in (name, *links[name]):
            here = destination / needed
            assert here.is_file(), f"{name} can be seen without {needed}"
            assert here.read_bytes() == (visit / needed).read_bytes(), f"{needed} is not the source's"
    return len(masters)


def needs_of(visit: Path) -> dict[str, tuple[str, ...]]:
    """Return, for every master of a visit, the files its links name."""
    masters = [path for path in visit.joinpath("raw").rglob("*.h5") if "_" not in path.name]
    return {path.relative_to(visit).as_posix(): tuple(linked_files(path).values()) for path in masters}


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found
