"""Integrate sets as they arrive, in a thread beside whoever fetches them.

::

    a set arrived ─▶ look ─▶ integrate each that is here ─▶ draw ─▶ sleep until the next
                       ▲                │
                       └── tried again when its files or the calibration change ◀── failed, said at the end of a round
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.labels import query_of_labels
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import DanmaxSyncError, ExitCode
from danmax_sync.events import Event, Listener, ignore, warning
from danmax_sync.indexing.arrived import index_patterns
from danmax_sync.integration.agreeing import patterns_of
from danmax_sync.integration.localscan import LocalScan
from danmax_sync.integration.outcome import IntegrateSummary, ScanOutcome, troubles, with_command
from danmax_sync.integration.run import Choices, Glimpse, Onlooker, Run

_REST_S = 1.0
_SHARE = 10
"""Looking for what is new may take a tenth of the time."""
DRAWN = 40
"""Scans in the picture, the newest."""
Scans = Callable[[Catalogue], list[CataloguedScan]]


class _StoppedError(BaseException):
    """Nobody waits for the patterns any more; those that are done are in the journal."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A scan's files when it was tried, and what it came to."""

    files: object
    calibration: object
    outcome: ScanOutcome


class Companion:
    """Integrates the scans of a query that are complete below a folder; in a ``with`` block around the fetching.

    Whoever leaves the block waits until everything is integrated; whoever leaves it with an exception, Ctrl-C for
    one, waits for the frame under way. What is left then, the next run integrates.

    Parameters
    ----------
    catalogue : Catalogue
        Knows what has arrived.
    scans : callable
        What is wanted, as the catalogue knows it now.
    folder : Path
        Where sets arrive.
    choices : Choices
        How to integrate.
    tell : Listener
        Hears ``progress`` and ``scan`` events, and a ``warning`` for each scan that cannot be integrated, once. Called
        from another thread.
    look : callable, optional
        Sees each new pattern.
    picture : Path, optional
        A file that is drawn anew whenever patterns came.
    options : str
        Of ``danmax-sync integrate``, for the same settings; hints name them.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        scans: Scans,
        folder: Path,
        choices: Choices,
        *,
        tell: Listener = ignore,
        look: Onlooker | None = None,
        picture: Path | None = None,
        options: str = "",
    ) -> None:
        self._options = options and f" {options}"
        self._catalogue, self._scans, self._folder = catalogue, scans, folder
        self._tell_others, self._look_on, self._picture = tell, look, picture
        self._run = Run(choices, self._tell, self._look)
        self._seen: dict[int, _Seen] = {}
        self._too_early: set[int] = set()
        """Scans that failed before their round was over: the calibration comes last."""
        self._told: dict[int, str] = {}
        self._woken, self._over = threading.Event(), threading.Event()
        self._settling = self._finishing = False
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._work, name="follow with patterns", daemon=True)

    @property
    def summary(self) -> IntegrateSummary:
        """What became of each scan so far."""
        return IntegrateSummary([seen.outcome for seen in list(self._seen.values())], self._seconds)

    def heard(self, event: Event) -> None:
        """Hear the events of the fetching, and wake up when a set has come."""
        if event.name == "set" and event.fields.get("state") == "complete":
            self._woken.set()

    def settled(self) -> None:
        """Hear that a round is over: calibration came with it, and what fails now has to be said."""
        self._settling = True
        self._woken.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._finishing = True
            self.settled()
        else:
            self._over.set()
            self._woken.set()
        try:
            self._thread.join()
        except BaseException:
            # Whoever presses Ctrl-C while waiting for the last waits for a frame; whoever presses it twice does not:
            # the thread dies with the process, and the journal loses what was not whole.
            if error is None:
                self._over.set()
                self._thread.join()
            raise

    def _work(self) -> None:
        try:
            while True:
                self._woken.wait()
                if self._over.is_set():
                    return
                self._woken.clear()
                # In this order: what begins after the look must find the flag set again.
                settling, self._settling = self._settling, False
                finishing = self._finishing
                started = time.monotonic()
                self._round(settling=settling)
                if finishing and settling:
                    return
                if not self._finishing:
                    self._over.wait(max(_REST_S, _SHARE * self._looking_s))
                self._seconds += time.monotonic() - started
        except _StoppedError:
            return

    _looking_s = 0.0

    def _round(self, *, settling: bool) -> None:
        made = 0
        outputs: list[Path] = []
        if settling:
            self._too_early.clear()
        try:
            started = time.monotonic()
            todo = self._todo()
            self._looking_s = time.monotonic() - started
            for local, files, calibration in todo:
                if self._over.is_set():
                    raise _StoppedError
                outcome = self._outcome(local.scan)
                if outcome.message and not settling:
                    self._too_early.add(local.scan.id)
                    continue
                self._seen[local.scan.id] = _Seen(files, calibration, outcome)
                made += outcome.frames
                if outcome.output is not None and not outcome.message:
                    self._told.pop(local.scan.id, None)
                    outputs.append(outcome.output)
                    self._tell(Event("scan", outcome.to_json()))
            index_patterns(self._catalogue, outputs)
            if made and self._picture is not None:
                self._draw(self._picture)
        except DanmaxSyncError as problem:
            warning(self._tell, f"not integrated: {problem.message}", hint=problem.hint)
        if settling:
            self._say_what_failed()

    def _todo(self) -> list[tuple[LocalScan, object, object]]:
        """Return what is here and was not tried as it is now."""
        todo: list[tuple[LocalScan, object, object]] = []
        calibrations: dict[Path, object] = {}
        for scan in self._scans_here():
            if scan.id in self._too_early or not any(at.state == "complete" for at in scan.locations):
                continue
            try:
                local = LocalScan.find(scan)
            except DanmaxSyncError:
                # Deleted since.
                continue
            root = local.visit_root
            if root not in calibrations:
                calibrations[root] = _times(sorted(_files_in(root / "process")))
            files = _times(
                [local.master, *(link.target.below(root) for link in local.scan.links if link.target is not None)]
            )
            seen = self._seen.get(scan.id)
            # What was made stays as it is; what failed may have lacked its calibration.
            made = seen is not None and not seen.outcome.message
            if seen is None or seen.files != files or not (made or seen.calibration == calibrations[root]):
                todo.append((local, files, calibrations[root]))
        return todo

    def _scans_here(self) -> list[CataloguedScan]:
        """Return the scans as they are in our folder: patterns belong to the visit that sets were fetched to."""
        scans = []
        for scan in self._scans(self._catalogue):
            here = tuple(at for at in scan.locations if at.root.folder == self._folder)
            if here:
                scans.append(replace(scan, locations=here))
        return scans

    def _outcome(self, scan: CataloguedScan) -> ScanOutcome:
        try:
            return self._run.outcome_of(scan)
        except Exception as problem:  # noqa: BLE001 - whatever it is must not end the fetching
            return ScanOutcome(
                scan.label,
                message=f"{type(problem).__name__}: {problem}",
                hint=f"a bug: please send what danmax-sync integrate {scan.number or 'QUERY'} writes",
                exit_code=ExitCode.BUG,
            )

    def _say_what_failed(self) -> None:
        new = []
        for scan_id, seen in self._seen.items():
            outcome = seen.outcome
            if outcome.message and self._told.get(scan_id) != outcome.message:
                self._told[scan_id] = outcome.message
                self._tell(Event("scan", outcome.to_json()))
                new.append(outcome)
        for trouble in troubles(new):
            command = f"danmax-sync integrate {query_of_labels(trouble.labels)}{self._options}"
            # Of several, the events of the scans say which.
            label = trouble.labels[0] if len(trouble.labels) == 1 else ""
            warning(self._tell, trouble.sentence, scan=label, hint=with_command(trouble.hint, command))

    def _draw(self, picture: Path) -> None:
        from danmax_sync.integration.figure import save_figure

        here = [scan for scan in self._scans_here() if scan.id in self._seen]
        done = [scan for scan in here if not self._seen[scan.id].outcome.message]
        save_figure(patterns_of(done[-DRAWN:]), picture, kind="waterfall")

    def _tell(self, event: Event) -> None:
        self._go_on()
        self._tell_others(event)

    def _look(self, glimpse: Glimpse) -> None:
        self._go_on()
        if self._look_on is not None:
            self._look_on(glimpse)

    def _go_on(self) -> None:
        if self._over.is_set():
            raise _StoppedError


def _files_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _times(paths: list[Path]) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_size, stat.st_mtime_ns))
    return tuple(found)
