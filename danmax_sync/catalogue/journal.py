"""Which journal a SQLite catalogue keeps: a write-ahead log on this machine's own disks, never on a network's.

With a write-ahead log readers and the writer do not wait for each other, but it works through shared memory that a
network file system does not share: two machines would destroy the catalogue. So it is used only where the file system
is known to be local, and taken back when a catalogue is found on another.
"""

import os
import subprocess
import sys
from pathlib import Path

_LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "tmpfs", "ramfs", "overlay"}
_LOCAL |= {"apfs", "hfs", "ufs", "ntfs", "ntfs3", "vfat", "exfat"}
_WINDOWS_FIXED_DISK = 3


def wanted_mode(path: Path) -> str:
    """Return the journal mode for a catalogue's file: ``wal`` or ``delete``."""
    return "wal" if is_local(path.parent) else "delete"


def is_local(folder: Path) -> bool:
    """Say whether a folder is known to be on a disk of this machine; where that cannot be told, it is not."""
    try:
        if os.name == "nt":
            return _windows_drive_is_fixed(folder)
        mounts = _mounts_of_linux() if sys.platform == "linux" else _mounts_of_bsd()
        return file_system_of(folder.resolve(), mounts) in _LOCAL
    except (OSError, ValueError, subprocess.SubprocessError):
        return False


def file_system_of(folder: Path, mounts: list[tuple[str, str]]) -> str:
    """Return the type of the file system a folder is on, given mount points with theirs, later ones on top."""
    best, found = -1, ""
    for point, kind in mounts:
        depth = len(Path(point).parts)
        if depth >= best and folder.is_relative_to(point):
            best, found = depth, kind
    return found


def _mounts_of_linux() -> list[tuple[str, str]]:
    mounts = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        # Blanks in a mount point are spelled as octal numbers.
        point = before.split()[4].encode("latin-1", "surrogateescape").decode("unicode_escape")
        mounts.append((point, after.split()[0]))
    return mounts


def _mounts_of_bsd() -> list[tuple[str, str]]:
    listed = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=True).stdout
    mounts = []
    for line in listed.splitlines():  # /dev/disk3s1 on /System/Volumes/Data (apfs, local, journaled)
        point, _, rest = line.partition(" on ")[2].rpartition(" (")
        mounts.append((point, rest.split(",")[0].rstrip(")")))
    return mounts


def _windows_drive_is_fixed(folder: Path) -> bool:
    import ctypes

    drive = folder.absolute().anchor
    kind = ctypes.windll.kernel32.GetDriveTypeW(drive)  # type: ignore[attr-defined]
    return bool(kind == _WINDOWS_FIXED_DISK)
