"""The geography of a visit as path algebra; nothing here touches a disk.

::

    <proposal, 8 digits>/<visit, YYYYMMDDHH>/
        raw/<sample folder, may nest>/scan-####.h5               master
        raw/<same folder>/scan-####_<detector>.h5                detector file
        process/azint/<same folder>/scan-####_<detector>_integrated.h5
        process/*.poni  process/*.npy                            calibration, mask

Every path that comes from a file or a server becomes a `TreePath` first: relative, ``/``-separated, free of anything
that could leave its root. Folders named ``raw…`` exist, names hold dots and spaces, and scan numbers grow past 9999, so
places are found by whole components and never by replacing text.
"""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from danmax_sync.errors import UnsafePathError

# 18 digits are what a database's 64 bits hold; a name with more is not believed to be a scan number.
MASTER_NAME = re.compile(r"scan-([0-9]{1,18})\.h5")
DETECTOR_NAME = re.compile(r"scan-([0-9]{1,18})_(.+)\.h5")
PROPOSAL = re.compile(r"\d{8}")
VISIT = re.compile(r"\d{10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e0fff]"
)
_WINDOWS_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*\\]|[. ]$')


class FileKind(Enum):
    """What a file's name alone says it is."""

    MASTER = "master"
    DETECTOR = "detector"
    CANDIDATE = "candidate"
    """An ``.h5`` of another name: may hold scans (in-situ masters), only its content tells."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class TreePath:
    """A checked path below some root: the visit's folder, a remote's folder, a destination.

    Use `parse` on anything that comes from outside. A `TreePath` is never mixed with a local path by accident:
    only `below` turns it into one, and says so.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "TreePath":
        """Check a relative path and take it apart.

        Raises
        ------
        UnsafePathError
            If it is absolute, climbs with ``..``, is empty, or holds control characters or backslashes.
        """
        if text.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", text):
            raise UnsafePathError(f"{text!r} is an absolute path; a path below the visit is needed")
        parts = tuple(_checked(part, text) for part in text.split("/") if part not in {"", "."})
        if parts and re.match(r"[A-Za-z]:", parts[0]):
            raise UnsafePathError(f"{text!r} begins with a drive; a path below the visit is needed")
        return cls(parts).nonempty(text)

    def nonempty(self, text: str = "") -> "TreePath":
        """Return itself, or complain that no name is left."""
        if not self.parts:
            raise UnsafePathError(f"{text!r} names no file")
        return self

    def __str__(self) -> str:
        return "/".join(self.parts)

    def __truediv__(self, name: str) -> "TreePath":
        return TreePath((*self.parts, *TreePath.parse(name).parts))

    @property
    def name(self) -> str:
        """The last component."""
        return self.parts[-1] if self.parts else ""

    @property
    def stem(self) -> str:
        """The last component without its last suffix."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def parent(self) -> "TreePath":
        """The folder it is in; the root's parent is the root."""
        return TreePath(self.parts[:-1])

    def is_below(self, folder: "TreePath") -> bool:
        """Say whether `folder` is this path or one of its parents."""
        return self.parts[: len(folder.parts)] == folder.parts

    def below(self, root: Path) -> Path:
        """Return the local path of this file under `root`.

        Raises
        ------
        UnsafePathError
            If this system reads a component as a place of its own: on Windows ``C:x`` is one, elsewhere a name.
        """
        path = root.joinpath(*self.parts)
        if not path.is_relative_to(root):
            raise UnsafePathError(f"{str(self)!r} leaves {root} on this system")
        return path

    def windows_problem(self) -> str | None:
        """Say why Windows could not store this path, or None."""
        for part in self.parts:
            if _WINDOWS_RESERVED.fullmatch(part):
                return f"{part!r} is a device name on Windows"
            if _WINDOWS_FORBIDDEN.search(part):
                return f"{part!r} holds a character that Windows does not allow in names"
        return None


ROOT = TreePath(())


def _checked(part: str, whole: str) -> str:
    if part == "..":
        raise UnsafePathError(f"{whole!r} climbs out of its folder with '..'")
    if _CONTROL.search(part) or "\\" in part:
        raise UnsafePathError(f"{whole!r} holds a control character or a backslash")
    try:
        part.encode("utf-8")
    except UnicodeEncodeError:
        raise UnsafePathError(f"{whole!r} is not valid text in UTF-8") from None
    return part


def visible(text: str, keep: str = "") -> str:
    """Spell out what is not seen itself, or changes how what is around it is seen: controls, and turns of direction.

    Two names that differ look different then, and nothing in them is an order to a terminal; the rest is untouched.

    Parameters
    ----------
    text : str
        Of any origin.
    keep : str
        Characters that may stay, line feeds where there are lines.
    """
    return text if text.isprintable() else _UNSEEN.sub(lambda found: _spelled(found.group(), keep), text)


def _spelled(character: str, keep: str) -> str:
    code = ord(character)
    return character if character in keep else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def kind_of(name: str) -> FileKind:
    """Tell a master from a detector file by name."""
    if MASTER_NAME.fullmatch(name):
        return FileKind.MASTER
    if DETECTOR_NAME.fullmatch(name):
        return FileKind.DETECTOR
    if name.endswith(".h5") and not name.startswith("."):
        return FileKind.CANDIDATE
    return FileKind.OTHER


def scan_number(name: str) -> int | None:
    """Return the scan number in a file's name, None when there is none."""
    match = MASTER_NAME.fullmatch(name) or DETECTOR_NAME.fullmatch(name)
    return int(match.group(1)) if match else None


@dataclass(frozen=True, slots=True)
class ScanPlace:
    """Where a master stands in its visit.

    Attributes
    ----------
    proposal, visit : str or None
        From the folders' names, where they follow the facility's pattern.
    visit_root : TreePath
        The visit's folder, from the root the file was found under.
    path : TreePath
        The master from the visit's folder, ``raw/LaB6/scan-0042.h5``.
    sample : str
        The folder below ``raw``; nested folders stay joined with ``/``.
    """

    proposal: str | None
    visit: str | None
    visit_root: TreePath
    path: TreePath
    sample: str

    @property
    def number(self) -> int | None:
        """The scan number in the master's name."""
        return scan_number(self.path.name)


def place(path: TreePath, *, root: str = "") -> ScanPlace:
    """Find proposal, visit and sample of a master.

    Parameters
    ----------
    path : TreePath
        The master, from the root it was found under.
    root : str
        That root's own absolute path (local or at the facility), which may hold proposal and visit.

    Notes
    -----
    ``<8 digits>/<10 digits>/raw`` decides wherever it stands. Otherwise the first ``raw`` below the root, else the
    last one in the root itself; without any, the root is the visit's folder.
    """
    above = tuple(part for part in root.replace("\\", "/").split("/") if part)
    everything = (*above, *path.parts)
    raw = _find_raw(everything, len(above))
    if raw is None:
        proposal, visit = _names_before(everything, len(above))
        return ScanPlace(proposal, visit, ROOT, path, str(path.parent))
    proposal, visit = _names_before(everything, raw)
    sample = "/".join(everything[raw + 1 : -1])
    if raw < len(above):
        # The root is a part of `raw`: what is above it cannot be reached, so paths start at the root.
        return ScanPlace(proposal, visit, ROOT, path, sample)
    return ScanPlace(proposal, visit, TreePath(everything[len(above) : raw]), TreePath(everything[raw:]), sample)


def visit_folder(folder: str) -> str:
    """Return the visit's folder of an absolute POSIX path that lies inside one, else the path itself."""
    parts = folder.split("/")
    raw = _find_raw(tuple(parts), len(parts))
    return "/".join(parts[:raw]) or "/" if raw is not None else folder


def _find_raw(parts: tuple[str, ...], root_length: int) -> int | None:
    places = [i for i, part in enumerate(parts) if part == "raw"]
    for i in places:
        if i >= 2 and VISIT.fullmatch(parts[i - 1]) and PROPOSAL.fullmatch(parts[i - 2]):
            return i
    # The last component of a path below the root is the file itself, which may be called anything.
    below = [i for i in places if root_length <= i < len(parts) - 1]
    if below:
        return below[0]
    inside = [i for i in places if i < root_length]
    return inside[-1] if inside else None


def _names_before(parts: tuple[str, ...], index: int) -> tuple[str | None, str | None]:
    visit = parts[index - 1] if index >= 1 and VISIT.fullmatch(parts[index - 1]) else None
    proposal = parts[index - 2] if visit and index >= 2 and PROPOSAL.fullmatch(parts[index - 2]) else None
    return proposal, visit


def link_target(master: TreePath, filename: str, *, visit_root: TreePath = ROOT) -> TreePath:
    """Resolve an external link's file name against its master, as pure text.

    Parameters
    ----------
    master : TreePath
        The file that holds the link.
    filename : str
        As written in the link: hostile until checked.
    visit_root : TreePath
        The folder the target must not leave.

    Raises
    ------
    UnsafePathError
        If the target is absolute, leaves the visit, is the master itself, or is a pattern.
    """
    if filename.startswith(("/", "\\\\")) or re.match(r"[A-Za-z]:", filename):
        raise UnsafePathError(f"the link to {filename!r} is absolute and leaves the visit")
    if "%" in filename:
        raise UnsafePathError(f"the link to {filename!r} is a pattern, not a file")
    parts = list(master.parent.parts)
    for part in filename.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            if not parts:
                raise UnsafePathError(f"the link to {filename!r} leaves the visit")
            parts.pop()
        else:
            parts.append(_checked(part, filename))
    target = TreePath(tuple(parts))
    if not target.is_below(visit_root) or target == visit_root:
        raise UnsafePathError(f"the link to {filename!r} leaves the visit")
    if target == master:
        raise UnsafePathError(f"the link to {filename!r} points back at its own file")
    return target


def integrated_path(detector_file: TreePath) -> TreePath:
    """Return where the patterns of a detector file belong; both from the visit's folder.

    The detector file gives the name, not the master: a master of an in-situ run holds many scans.
    """
    parts = detector_file.parts
    folder = parts[1:-1] if parts[0] == "raw" else parts[:-1]
    return TreePath(("process", "azint", *folder, f"{detector_file.stem}_integrated.h5"))


def is_integrated(path: TreePath) -> bool:
    """Say whether a file holds integrated patterns, by name and place: ``process/azint/…_integrated.h5``."""
    below = below_process(path)
    return below is not None and below[:1] == ("azint",) and path.name.endswith("_integrated.h5")


def below_process(path: TreePath) -> tuple[str, ...] | None:
    """Return what follows ``process`` in a path, None where it does not lead through the visit's ``process``.

    A folder of that name inside ``raw`` is a sample's.
    """
    if "process" not in path.parts:
        return None
    at = path.parts.index("process")
    return None if "raw" in path.parts[:at] else path.parts[at + 1 :]
