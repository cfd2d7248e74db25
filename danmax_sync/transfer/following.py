"""Keep up with a visit that is running: look, fetch what is new and complete, wait, again.

::

    open ─▶ index ─▶ plan ─▶ fetch ─▶ wait ─▶ index …
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.errors import ConnectionLostError, NothingMatchedError, UnfinishedError
from danmax_sync.events import Event, Listener, ignore, warning
from danmax_sync.indexing.index import index_source
from danmax_sync.sources.base import Source
from danmax_sync.sources.keeping_up import Wait, keep_up, sleep
from danmax_sync.transfer.fetching import fetch_scans, plan_scans
from danmax_sync.transfer.lock import BusyError
from danmax_sync.transfer.outcome import GetSummary
from danmax_sync.transfer.plan import Choice, ScanSet, TransferPlan

Scans = Callable[[Catalogue], list[CataloguedScan]]


class Follower:
    """Fetches the sets of a query as they become complete at their source.

    Parameters
    ----------
    catalogue : Catalogue
        Brought up to date at each round.
    open_source : callable
        Opens the source, at first and after each break of the line.
    scans : callable
        What is wanted, as the catalogue knows it now.
    destination : Path
        Where the source's tree is kept.
    choice : Choice
        What to take of each set.
    with_calibration : bool
        Whether ``process/*.poni`` and masks come along.
    every_s : float
        Between two looks.
    tell : Listener
        Hears the events of `fetch_scans`, a ``follow`` event at each look, and a ``warning`` when the line breaks.
    bytes_per_s : float, optional
        The highest rate.
    wait : callable
        Waits so many seconds; False ends it all.
    looked : callable
        Called when a round is over and the catalogue knows all that came.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        open_source: Callable[[], AbstractContextManager[Source]],
        scans: Scans,
        destination: Path,
        *,
        choice: Choice | None = None,
        with_calibration: bool = True,
        every_s: float = 15.0,
        tell: Listener = ignore,
        bytes_per_s: float | None = None,
        wait: Wait = sleep,
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        self._looked = looked
        self._catalogue, self._open_source, self._scans = catalogue, open_source, scans
        self._destination, self._choice = destination, choice or Choice()
        self._with_calibration = with_calibration
        self._every_s, self._tell, self._bytes_per_s, self._wait = every_s, tell, bytes_per_s, wait
        self._told: dict[str, str] = {}
        """The last that was said of each set, by master."""
        self.summary = GetSummary()
        """All that came so far; each set once."""

    def run(self) -> GetSummary:
        """Go on until Ctrl-C, or until `wait` says no.

        Raises
        ------
        LoginError
            If the server wants a login that nobody is there to give.
        UnfinishedError
            If the disk is full.
        """
        started = time.monotonic()
        try:
            keep_up(self._open_source, self._round, every_s=self._every_s, tell=self._tell, wait=self._wait)
        finally:
            self.summary.seconds = time.monotonic() - started
        return self.summary

    def _round(self, source: Source) -> None:
        index_source(self._catalogue, source, remote=True)
        try:
            plan = plan_scans(
                self._catalogue,
                source,
                self._scans(self._catalogue),
                self._destination,
                choice=self._choice,
                with_calibration=self._with_calibration,
            )
        except NothingMatchedError:
            self._tell(_look_at([]))
            self._looked()
            return
        self._tell(_look_at(plan.sets))
        told_before = dict(self._told)
        news, summary = self._news_of(plan), GetSummary()
        try:
            fetch_scans(self._catalogue, source, news, tell=self._tell, bytes_per_s=self._bytes_per_s, summary=summary)
        except BusyError as problem:
            # It ends some time, and this does not.
            warning(self._tell, f"{problem.message}; looked again in {self._every_s:.0f} s")
            self._told = told_before
        finally:
            self._add(summary)
        self._looked()
        _check(summary)

    def _news_of(self, plan: TransferPlan) -> TransferPlan:
        """Leave out what was said of a set before: it runs still, or lacks a file still."""
        sets = []
        for each in plan.sets:
            master = str(each.master.path)
            if each.obstacle and self._told.get(master) == each.obstacle:
                continue
            if not each.obstacle and not each.to_fetch and master in self._told:
                continue
            self._told[master] = each.obstacle
            sets.append(each)
        return replace(plan, sets=tuple(sets))

    def _add(self, summary: GetSummary) -> None:
        known = {outcome.master: outcome for outcome in self.summary.outcomes}
        known.update({outcome.master: outcome for outcome in summary.outcomes})
        self.summary.outcomes = list(known.values())
        self.summary.calibration_files += summary.calibration_files
        self.summary.calibration_bytes += summary.calibration_bytes


def _look_at(sets: Sequence[ScanSet]) -> Event:
    """Return the event of a look at the source."""
    wanted = [each for each in sets if not each.obstacle and each.to_fetch]
    running = sum(each.is_running for each in sets)
    fields = {
        "sets": len(sets),
        "here": sum(not each.obstacle and not each.to_fetch for each in sets),
        "to_fetch": len(wanted),
        "running": running,
        "left_out": sum(bool(each.obstacle) for each in sets) - running,
        "bytes": sum(each.bytes_to_fetch for each in wanted),
    }
    return Event("follow", fields)


def _check(summary: GetSummary) -> None:
    """Say what keeps a follower from going on like this; a single file that cannot be written does not."""
    problem = summary.stopped_by
    if isinstance(problem, ConnectionLostError | UnfinishedError):
        raise problem
