"""What the journal knows of files on this disk, wherever below a destination they are."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from danmax_sync.transfer.journal import CheckedFile, Journal
from danmax_sync.transfer.levels import Level
from danmax_sync.transfer.plan import COARSEST_TIMES_NS
from danmax_sync.transfer.readback import version_of


class Records:
    """Answers for files by their path, and keeps the levels they reach.

    Parameters
    ----------
    journal : Journal
        Asked once for each destination.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._checked = {Path(name): journal.checked(Path(name)) for name in journal.destinations()}
        self._left_out = {
            destination.joinpath(path)
            for destination in self._checked
            for paths in journal.left_out(destination).values()
            for path in paths
        }
        self._reached: dict[Path, list[tuple[str, CheckedFile]]] = defaultdict(list)

    def of(self, path: Path) -> CheckedFile | None:
        """Return what is known of a file, if it still is the version that is known."""
        found = self._find(path)
        if found is None:
            return None
        size, mtime_ns = version_of(path)
        known = found[2]
        same = size == known.size and abs(mtime_ns - known.mtime_ns) <= COARSEST_TIMES_NS
        return known if same else None

    def once(self, path: Path) -> CheckedFile | None:
        """Return what came under the name of a file, whatever has become of it."""
        found = self._find(path)
        return found[2] if found is not None else None

    def is_the_same(self, path: Path) -> None:
        """Note that a file holds what came, though its time has changed."""
        found = self._find(path)
        if found is not None and self.of(path) is None:
            destination, name, known = found
            self._checked[destination][name] = same = replace(known, mtime_ns=version_of(path)[1])
            self._reached[destination].append((name, same))

    def is_left_out(self, path: Path) -> bool:
        """Say whether a file was left out on purpose."""
        return path in self._left_out

    def reached(self, paths: Iterable[Path], level: Level) -> None:
        """Note that files have reached a level; one that is known to be higher stays."""
        for path in paths:
            found = self._find(path)
            if found is not None and level.rank > Level(found[2].level).rank and self.of(path) is not None:
                destination, name, known = found
                self._checked[destination][name] = better = replace(known, level=level.value)
                self._reached[destination].append((name, better))

    def save(self) -> None:
        """Write the levels that were reached."""
        for destination, files in self._reached.items():
            self._journal.settle(destination, checked=files, left_out=(), finished=())
        self._reached.clear()

    def _find(self, path: Path) -> tuple[Path, str, CheckedFile] | None:
        for destination, files in self._checked.items():
            if path.is_relative_to(destination):
                name = path.relative_to(destination).as_posix()
                if name in files:
                    return destination, name, files[name]
        return None
