"""Small files of a collection without HTTPS: one task brings many into a folder of ours, and they are read there."""

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, UnfinishedError
from danmax_sync.settings import ensured_home
from danmax_sync.sources.globus.facts import CollectionFacts
from danmax_sync.sources.globus.local import LocalCollection, collection_path
from danmax_sync.sources.globus.taskstate import TaskPhase, TaskState
from danmax_sync.visits import TreePath

if TYPE_CHECKING:
    from danmax_sync.sources.globus.api import GlobusApi

FIRST_POLL_S = 0.3
LONGEST_POLL_S = 10.0
_FOLDER = "globus-staging"
_LIFETIME_S = 86_400
_DEADLINE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Staging:
    """Brings files of a collection here.

    Attributes
    ----------
    it : CollectionFacts
        Where they come from.
    base : str
        The folder there that paths start from.
    here : LocalCollection
        This machine.
    """

    api: "GlobusApi"
    it: CollectionFacts
    base: str
    here: LocalCollection

    @contextlib.contextmanager
    def brought(self, paths: Sequence[TreePath]) -> Iterator[Mapping[TreePath, Path | str]]:
        """Bring some files; for each, where it stands for the moment, or why it does not.

        Raises
        ------
        UsageError
            If Globus may not write to our folder.
        ConnectionLostError
            If the task ends without them, or cannot go on.
        """
        folder = ensured_home() / _FOLDER
        _sweep(folder)
        self.here.check_writable(folder)
        own = folder / secrets.token_hex(8)
        places = {path: own / f"{number:06d}" for number, path in enumerate(paths)}
        try:
            _make(own)
            lacking = self._moved(places)
            yield {path: lacking.get(path, place) for path, place in places.items()}
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def _moved(self, places: Mapping[TreePath, Path]) -> dict[TreePath, str]:
        from globus_sdk import TransferData

        document = TransferData(
            self.it.id,
            self.here.id,
            label="danmax-sync reads scans",
            submission_id=self.api.submission_id(),
            verify_checksum=True,
            skip_source_errors=True,
            deadline=datetime.now(UTC) + _DEADLINE,
            notify_on_succeeded=False,
            notify_on_failed=False,
            notify_on_inactive=False,
        )
        sources = {"/".join((self.base.rstrip("/"), *path.parts)): path for path in places}
        for text, path in sources.items():
            document.add_item(text, collection_path(places[path]))
        task_id = self.api.submit(document, self.it)
        self._wait(task_id)
        lacking = {path: "Globus has not brought it" for path, place in places.items() if not place.is_file()}
        if lacking:
            for skipped in self.api.skipped(task_id):
                of = sources.get(str(skipped.get("source_path")))
                if of in lacking:
                    lacking[of] = f"Globus has skipped it: {skipped.get('error_code')}"
        return lacking

    def _wait(self, task_id: str) -> None:
        pause = FIRST_POLL_S
        going_on = {TaskPhase.QUEUED, TaskPhase.MOVING, TaskPhase.TROUBLED}
        try:
            while (state := TaskState.of(self.api.task(task_id))).phase in going_on:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_POLL_S)
        except BaseException:
            self._give_up(task_id)
            raise
        if state.phase is not TaskPhase.SUCCEEDED:
            self._give_up(task_id)
            raise ConnectionLostError(
                f"Globus does not bring files of {self.it.name}: {state.trouble}; what is done is kept",
                hint="mend that, then run the same command again",
            )

    def _give_up(self, task_id: str) -> None:
        """Cancel it: nobody will read what it would still bring."""
        with contextlib.suppress(DanmaxSyncError):
            self.api.cancel(task_id)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as problem:
        raise UnfinishedError(
            f"{folder}, where small files are brought to, cannot be made: {problem.strerror}",
            hint="make space there, or set DANMAX_SYNC_HOME to a folder that can be written to",
        ) from problem


def _sweep(folder: Path) -> None:
    """Remove what killed commands have left behind."""
    if not folder.is_dir():
        return
    for old in folder.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _LIFETIME_S:
                shutil.rmtree(old)
