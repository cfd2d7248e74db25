"""All patterns of a detector file, in their order, made by several threads with bounded memory.

Reading, decoding, integrating and packing for the file are done by the threads, off the interpreter's lock; the number
of groups under way is limited, so memory does not depend on how many frames there are.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import numpy as np

from danmax_sync.errors import SourceError
from danmax_sync.integration.blocks import LANES, SLACK
from danmax_sync.integration.engine import AnyLane, Fault, Integrator, Pattern, Total, lane_of
from danmax_sync.integration.workspace import Shelf, Workspace
from danmax_sync.scanfile.frames import Frames

Made = TypeVar("Made")
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Unit:
    """A pattern to be made.

    Attributes
    ----------
    index : int
        Which pattern.
    frames : tuple of int
        Its frames: one, or those to be averaged.
    scales : tuple of float
        What the intensity of each is divided by.
    """

    index: int
    frames: tuple[int, ...]
    scales: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bad:
    """A pattern that could not be made, and which frame is to blame."""

    index: int
    frame: int
    message: str


@dataclass(frozen=True, slots=True)
class Good(Generic[Made]):
    """A pattern, as the caller wanted it."""

    index: int
    made: Made


def threads_for(wanted: int | None) -> int:
    """Return how many threads to use: as many as there are processors, or fewer."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(wanted or known, known))


def integrate_units(
    integrator: Integrator,
    frames: Frames,
    units: Sequence[Unit],
    *,
    make: Callable[[Pattern], Made],
    threads: int | None = None,
    plain: bool = False,
    pack_cake: bool = False,
) -> Iterator[Good[Made] | Bad]:
    """Yield each unit's pattern, in their order.

    Parameters
    ----------
    integrator : Integrator
        Geometry and recipe.
    frames : Frames
        Open for as long as this is used.
    units : sequence of Unit
        What to make.
    make : callable
        Called by the threads with each pattern: to pack it, or to hand it through.
    threads : int, optional
        At most as many as there are processors.
    plain : bool
        Whether HDF5 shall read every frame: the slow way, with the same result.
    pack_cake : bool
        Whether cakes are wanted as the chunks of a file.
    """
    number = threads_for(threads)
    line = _Line(integrator, frames, plain=plain, pack_cake=pack_cake)
    if any(len(unit.frames) > 1 for unit in units):
        yield from _averages(line, units, number, make)
        return

    def run(group: Sequence[Unit]) -> list[Good[Made] | Bad]:
        return [each if isinstance(each, Bad) else Good(each.index, make(each)) for each in line.integrate(group)]

    # A short scan is dealt out evenly, so that no thread is left without work.
    size = min(LANES, max(1, -(-len(units) // number)))
    groups = (units[start : start + size] for start in range(0, len(units), size))
    with closing(_in_order(run, groups, number)) as groups_made:
        for made in groups_made:
            yield from made


def _in_order(run: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Generator[Result]:
    """Yield what threads make of tasks, in their order, with few under way."""
    waiting, under_way = iter(tasks), deque[Future[Result]]()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="integrate")
    try:
        while True:
            # One more than there are threads: nobody waits while the results of another are written.
            while len(under_way) <= threads and (task := next(waiting, None)) is not None:
                under_way.append(pool.submit(run, task))
            if not under_way:
                return
            yield under_way.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _averages(
    line: "_Line", units: Sequence[Unit], threads: int, make: Callable[[Pattern], Made]
) -> Iterator[Good[Made] | Bad]:
    """Yield averages. Threads add up eight frames each, always the same eight; then these sums are added."""
    parts = (
        replace(unit, frames=unit.frames[start : start + LANES], scales=unit.scales[start : start + LANES])
        for unit in units
        for start in range(0, len(unit.frames), LANES)
    )
    with closing(_in_order(line.add_up, parts, threads)) as sums:
        for unit in units:
            total, bad = line.integrator.empty_sums(), None
            for _ in range(0, len(unit.frames), LANES):
                part = next(sums)
                if isinstance(part, Bad):
                    bad = bad or part
                else:
                    total.merge(part)
            yield bad or Good(unit.index, make(replace(total.pattern(), index=unit.index)))


class _Line:
    """What threads share, and the workspaces they take turns with."""

    def __init__(self, integrator: Integrator, frames: Frames, *, plain: bool, pack_cake: bool) -> None:
        self.integrator, self.frames, self.plain, self.pack_cake = integrator, frames, plain, pack_cake
        self.unsigned = np.dtype(frames.dtype).kind == "u"
        self.threshold = integrator.recipe.threshold
        self._spare: SimpleQueue[Workspace] = SimpleQueue()

    def _workspace(self) -> Workspace:
        try:
            return self._spare.get_nowait()
        except Empty:
            return self.integrator.workspace()

    def integrate(self, group: Sequence[Unit]) -> list[Pattern | Bad]:
        """Integrate up to eight units of one frame each."""
        workspace = self._workspace()
        try:
            return self._single(group, workspace)
        finally:
            self._spare.put(workspace)

    def _single(self, group: Sequence[Unit], workspace: Workspace) -> list[Pattern | Bad]:
        lanes = [self._read(unit.frames[0], workspace.shelf(place)) for place, unit in enumerate(group)]
        usable = [place for place, lane in enumerate(lanes) if not isinstance(lane, Fault)]
        scales = np.array([group[place].scales[0] for place in usable])
        made = self.integrator.integrate_group(
            [lanes[place] for place in usable],  # type: ignore[misc]
            workspace=workspace,
            unsigned=self.unsigned,
            scales=scales,
            pack_cake=self.pack_cake,
        )
        found: dict[int, Pattern | Fault] = {place: lane for place, lane in enumerate(lanes) if isinstance(lane, Fault)}
        for place, result in zip(usable, made, strict=True):
            found[place] = self._again(group[place], workspace) if isinstance(result, Fault) else result
        return [self._outcome(unit, found[place]) for place, unit in enumerate(group)]

    def _again(self, unit: Unit, workspace: Workspace) -> Pattern | Fault:
        """Ask HDF5 for a frame that the fast way could not decode: its blocks may be of another size."""
        lane = self._read(unit.frames[0])
        if isinstance(lane, Fault):
            return lane
        scales = np.array(unit.scales)
        return self.integrator.integrate_group([lane], workspace=workspace, scales=scales, pack_cake=self.pack_cake)[0]

    def _outcome(self, unit: Unit, found: Pattern | Fault) -> Pattern | Bad:
        return (
            self._bad(unit.index, unit.frames[0], found)
            if isinstance(found, Fault)
            else replace(found, index=unit.index)
        )

    def _bad(self, index: int, frame: int, fault: Fault) -> Bad:
        where = f"frame {frame} of {self.frames.path}"
        return Bad(index, frame, fault.message if where in fault.message else f"{where} {fault.message}")

    def add_up(self, unit: Unit) -> Total | Bad:
        """Add up to eight frames, in their order: counts, so that bright frames weigh as they should."""
        workspace = self._workspace()
        try:
            total = self.integrator.empty_sums()
            lanes = [self._read(frame, workspace.shelf(place)) for place, frame in enumerate(unit.frames)]
            for place, lane in enumerate(lanes):
                if isinstance(lane, Fault):
                    return self._bad(unit.index, unit.frames[place], lane)
            wrong = total.add(lanes, workspace, self.unsigned, unit.scales)  # type: ignore[arg-type]
            return total if wrong is None else self._bad(unit.index, unit.frames[wrong[0]], wrong[1])
        finally:
            self._spare.put(workspace)

    def _read(self, frame: int, shelf: Shelf | None = None) -> AnyLane | Fault:
        try:
            if not self.plain and shelf is not None:
                into = shelf.of(self.frames.whereabouts(frame, self.threshold)[1] + SLACK)
                chunk = self.frames.chunk(frame, self.threshold, slack=SLACK, into=into)
                if chunk is not None:
                    return chunk
            return lane_of(self.frames.image(frame, self.threshold), f"frame {frame} of {self.frames.path}")
        except SourceError as problem:
            return Fault(problem.message)
