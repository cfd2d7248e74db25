"""What detector files and files of patterns hold, remembered by the version of the file it was read from."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, and_, delete, insert, or_, select, true

from danmax_sync.catalogue.schema import detector_file, file, link, location, pattern_file
from danmax_sync.catalogue.values import Root
from danmax_sync.scanfile.record import DetectorFacts, PatternFacts
from danmax_sync.visits import TreePath

PATTERNS = "patterns"
"""The kind of a file of integrated patterns."""
_PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose content is not known as it is now; `inner_path` is empty for patterns."""

    file_id: int
    path: TreePath
    inner_path: str
    size: int
    mtime_ns: int


def unread_detector_files(connection: Connection, at: Root, masters: Collection[int] | None = None) -> list[Unread]:
    """Return the detector files, with the place inside them that a link names, to look into.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    at : Root
        Where they are.
    masters : collection of int, optional
        The rows of some files: only what these link to.
    """
    master, target = file.alias("master"), file.alias("target")
    known = (detector_file.c.file_id == target.c.id) & (detector_file.c.inner_path == link.c.inner_path)
    statement = (
        select(target.c.id, target.c.path, link.c.inner_path, target.c.size, target.c.mtime_ns)
        .distinct()
        .select_from(link)
        .join(master, master.c.id == link.c.file_id)
        .join(location, and_(location.c.scan_id == link.c.scan_id, location.c.file_id == link.c.file_id))
        .join(target, (target.c.root_id == at.id) & (target.c.path == location.c.prefix + link.c.target))
        .outerjoin(detector_file, known)
        .where(
            master.c.root_id == at.id,
            true() if masters is None else master.c.id.in_(masters),
            target.c.state == _PRESENT,
            target.c.size > 0,
            or_(
                detector_file.c.file_id.is_(None),
                detector_file.c.size != target.c.size,
                detector_file.c.mtime_ns != target.c.mtime_ns,
            ),
        )
    )
    return [Unread(row[0], TreePath.parse(row[1]), *row[2:]) for row in connection.execute(statement)]


def unread_pattern_files(connection: Connection, at: Root) -> list[Unread]:
    """Return the files of patterns to look into."""
    c = pattern_file.c
    statement = (
        select(file.c.id, file.c.path, file.c.size, file.c.mtime_ns)
        .outerjoin(pattern_file, c.file_id == file.c.id)
        .where(
            file.c.root_id == at.id,
            file.c.kind == PATTERNS,
            file.c.state == _PRESENT,
            or_(c.file_id.is_(None), c.size != file.c.size, c.mtime_ns != file.c.mtime_ns),
        )
    )
    return [Unread(row.id, TreePath.parse(row.path), "", *row[2:]) for row in connection.execute(statement)]


def save_detector_facts(connection: Connection, of: Unread, facts: DetectorFacts | None, problem: str) -> None:
    """Remember what a detector file holds, or why that could not be read."""
    row: dict[str, object] = {"problem": problem}
    if facts is not None:
        row |= {
            "frames": facts.frames,
            "frame_shape": _spelled(facts.frame_shape),
            "dtype": facts.dtype,
            "chunks": _spelled(facts.chunks),
            "compression": facts.compression,
            "energy_ev": facts.energy_ev,
            "threshold_ev": facts.threshold_ev,
            "exposure_s": facts.exposure_s,
        }
    same = (detector_file.c.file_id == of.file_id) & (detector_file.c.inner_path == of.inner_path)
    connection.execute(delete(detector_file).where(same))
    made = {"file_id": of.file_id, "inner_path": of.inner_path, "size": of.size, "mtime_ns": of.mtime_ns}
    connection.execute(insert(detector_file).values(**made, **row))


def save_pattern_facts(connection: Connection, of: Unread, facts: PatternFacts | None, problem: str) -> None:
    """Remember what a file of patterns holds, or why that could not be read."""
    row = asdict(facts) if facts is not None else {}
    connection.execute(delete(pattern_file).where(pattern_file.c.file_id == of.file_id))
    made = {"file_id": of.file_id, "size": of.size, "mtime_ns": of.mtime_ns, "problem": problem}
    connection.execute(insert(pattern_file).values(**made, **row))


def _spelled(lengths: Iterable[int] | None) -> str | None:
    """Spell a shape: ``1679×1475``."""
    return None if lengths is None else "×".join(map(str, lengths))
