"""Write into the catalogue, inside one transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from danmax_sync.catalogue.copies import Copy, repeat_places
from danmax_sync.catalogue.logbooks import link_entries
from danmax_sync.catalogue.prepared import prepared
from danmax_sync.catalogue.rows import ReadMaster, SeenFile, batched, iso_utc
from danmax_sync.catalogue.scans import ScanWriter
from danmax_sync.catalogue.schema import file, problem, root
from danmax_sync.catalogue.states import refresh_states
from danmax_sync.catalogue.values import KnownFile, Root
from danmax_sync.scanfile.record import EXTRACTOR_VERSION, ScanRecord
from danmax_sync.visits import ScanPlace, TreePath


class Writer:
    """The write side of a catalogue; made by `Catalogue.writer`."""

    def __init__(self, connection: Connection, *, extractor: int = EXTRACTOR_VERSION) -> None:
        self.connection = connection
        self._extractor = extractor
        self._scans = ScanWriter(connection, extractor)

    def finish(self) -> None:
        """Write what was kept back to be written at once."""
        self._scans.finish()

    def root(self, uri: str, name: str, kind: str) -> Root:
        """Return the row of a root, made or renamed as needed."""
        same = (root.c.uri == uri) & (root.c.kind == kind)
        found = self.connection.execute(select(root.c.id, root.c.name).where(same)).first()
        if found is None:
            made = self.connection.execute(insert(root).values(uri=uri, name=name, kind=kind))
            return Root(_new_id(made), uri, name, kind)
        if found.name != name:
            self.connection.execute(update(root).where(root.c.id == found.id).values(name=name))
        return Root(found.id, uri, name, kind)

    def is_unsettled(self, at: Root) -> bool:
        """Say whether states of a root have to be worked out: a run that changed it did not come to its end."""
        return bool(self.connection.scalar(select(root.c.unsettled).where(root.c.id == at.id)))

    def unsettle(self, at: Root) -> None:
        """Note that states of a root will have to be worked out."""
        self.connection.execute(update(root).where(root.c.id == at.id).values(unsettled=1))

    def known_files(self, at: Root, paths: Sequence[TreePath] | None = None) -> dict[str, KnownFile]:
        """Return every file of a root, or some, as it was when last looked at, by its path there."""
        c = file.c
        columns = (c.path, c.id, c.size, c.mtime_ns, c.ctime_ns, c.inode, c.state, c.provisional, c.extractor)
        everything = select(*columns).where(c.root_id == at.id)
        asked = [everything]
        if paths is not None:
            asked = [everything.where(c.path.in_(some)) for some in batched([str(path) for path in paths])]
        return {row[0]: KnownFile(*row[1:]) for each in asked for row in self.connection.execute(each)}

    def save_file(
        self,
        at: Root,
        path: TreePath,
        *,
        kind: str,
        size: int,
        mtime_ns: int,
        provisional: bool,
        ctime_ns: int | None = None,
        inode: str | None = None,
    ) -> int:
        """Note that a file is there; return its row's id."""
        (file_id,) = self.save_files(at, [SeenFile(path, kind, size, mtime_ns, ctime_ns, inode, provisional)])
        return file_id

    def save_files(self, at: Root, seen: Sequence[SeenFile]) -> list[int]:
        """Note that files are there, each once; return the ids of their rows in the same order."""
        known: dict[str, int] = {}
        for some in batched([str(each.path) for each in seen]):
            here = select(file.c.path, file.c.id).where(file.c.root_id == at.id, file.c.path.in_(some))
            known |= {row.path: row.id for row in self.connection.execute(here)}
        fresh = [each for each in seen if str(each.path) not in known]
        if fresh:
            rows = [{"root_id": at.id, "path": str(each.path), "extractor": 0, **each.row()} for each in fresh]
            made = insert(file).returning(file.c.id, sort_by_parameter_order=True)
            ids = self.connection.scalars(made, rows).all()
            known |= {str(each.path): id_ for each, id_ in zip(fresh, ids, strict=True)}
        new = {str(each.path) for each in fresh}
        old = [{"_id": known[str(each.path)], **each.row()} for each in seen if str(each.path) not in new]
        if old:
            self.connection.execute(update(file).where(file.c.id == bindparam("_id")), old)
        return [known[str(each.path)] for each in seen]

    def save_scans(
        self, at: Root, file_id: int, where: ScanPlace, records: Iterable[ScanRecord], *, running: bool
    ) -> None:
        """Replace what a master said by what it says now.

        Parameters
        ----------
        at : Root
            Where the master is.
        file_id : int
            Its row.
        where : ScanPlace
            Its place in the visit.
        records : iterable of ScanRecord
            All scans in it.
        running : bool
            Whether a scan without an end is still going on.
        """
        self._scans.save(at, [ReadMaster(file_id, where, tuple(map(prepared, records)), running)])

    def save_masters(self, at: Root, masters: Sequence[ReadMaster]) -> None:
        """Do that for many masters at once, which is much quicker."""
        self._scans.save(at, masters)

    def repeat_places(self, origin_uri: str, copies: Sequence[Copy]) -> set[int]:
        """Let copies stand for the scans of their originals; see `danmax_sync.catalogue.copies.repeat_places`."""
        # What was read of the originals a moment ago may still be kept back.
        self.finish()
        return repeat_places(self.connection, origin_uri, copies, self._extractor)

    def save_unreadable(self, at: Root, file_id: int, where: ScanPlace, *, is_master: bool = True) -> int:
        """Note that a file cannot be read; return how many scans that concerns."""
        return self._scans.save_unreadable(at, file_id, where, is_master=is_master)

    def mark_missing(self, at: Root, paths: Iterable[str]) -> None:
        """Note that files have vanished; their scans stay searchable, what could not be read of them is gone."""
        rows = [{"_root": at.id, "_path": path} for path in paths]
        if not rows:
            return
        here = (file.c.root_id == bindparam("_root")) & (file.c.path == bindparam("_path"))
        self.connection.execute(update(file).where(here).values(state="missing"), rows)
        of_it = (problem.c.root_id == bindparam("_root")) & (problem.c.path == bindparam("_path"))
        self.connection.execute(delete(problem).where(of_it), rows)

    def set_problem(self, at: Root, path: str, stage: str, message: str | None) -> None:
        """Keep what could not be read at a stage, or clear it."""
        where = (problem.c.root_id == at.id) & (problem.c.path == path) & (problem.c.stage == stage)
        self.connection.execute(delete(problem).where(where))
        if message is not None:
            seen = iso_utc(datetime.now(UTC))
            row = {"root_id": at.id, "path": path, "stage": stage, "message": message, "seen_at": seen}
            self.connection.execute(insert(problem).values(**row))

    def clear_problems(self, at: Root, stage: str, below: TreePath) -> None:
        """Forget what could not be read at a stage in a part of a root: it is about to be tried again."""
        here = (problem.c.path == str(below)) | problem.c.path.startswith(f"{below}/", autoescape=True)
        where = (problem.c.root_id == at.id) & (problem.c.stage == stage)
        self.connection.execute(delete(problem).where(where & here if below.parts else where))

    def clear_problems_of_files(self, at: Root, stage: str, paths: Sequence[str]) -> None:
        """Forget what could not be read of some files at a stage: they have just been tried again."""
        of_stage = (problem.c.root_id == at.id) & (problem.c.stage == stage)
        for some in batched(paths):
            self.connection.execute(delete(problem).where(of_stage, problem.c.path.in_(some)))

    def clear_problems_of(self, at: Root, path: str) -> None:
        """Forget all that could not be read of a file: it has just been tried again, or is gone."""
        self.connection.execute(delete(problem).where(problem.c.root_id == at.id, problem.c.path == path))

    def refresh_states(self, at: Root, masters: Collection[int] | None = None) -> None:
        """Work out anew how whole each scan of a root is: detector files come and go without their masters changing.

        With the rows of some `masters` only the scans in these, and the root is not settled by that.
        """
        self.finish()
        refresh_states(self.connection, at.id, masters)
        # Entries of logbooks may have waited for scans that have just come.
        link_entries(self.connection)


def _new_id(result: Any) -> int:
    return int(result.inserted_primary_key[0])
