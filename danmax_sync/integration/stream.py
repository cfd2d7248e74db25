"""All patterns of a detector file, in their order, made by several threads with bounded memory.

Reading, decoding, integrating and packing for the file are done by the threads, off the interpreter's lock; the number
of groups under way is limited, so memory does not depend on how many frames there are.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import numpy as np

from danmax_sync.errors import SourceError
from danmax_sync.integration.blocks import LANES, SLACK
from danmax_sync.integration.engine import AnyLane, Fault, Integrator, Pattern, lane_of
from danmax_sync.integration.workspace import Shelf, Workspace
from danmax_sync.scanfile.frames import Frames

Made = TypeVar("Made")


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
    groups = iter(_groups(units, number))
    under_way: deque[Future[list[Good[Made] | Bad]]] = deque()
    pool = ThreadPoolExecutor(number, thread_name_prefix="integrate")

    def run(group: tuple[Unit, ...]) -> list[Good[Made] | Bad]:
        return [each if isinstance(each, Bad) else Good(each.index, make(each)) for each in line.integrate(group)]

    try:
        while True:
            # One group more than there are threads: nobody waits while the results of another are written.
            while len(under_way) <= number and (group := next(groups, None)) is not None:
                under_way.append(pool.submit(run, group))
            if not under_way:
                return
            yield from under_way.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _groups(units: Sequence[Unit], threads: int) -> Iterator[tuple[Unit, ...]]:
    """Yield what a thread does at once: as many single frames as fit, or one unit of several."""
    several = [unit for unit in units if len(unit.frames) > 1]
    if several:
        yield from ((unit,) for unit in units)
        return
    # A short scan is dealt out evenly, so that no thread is left without work.
    size = min(LANES, max(1, -(-len(units) // threads)))
    yield from (tuple(units[start : start + size]) for start in range(0, len(units), size))


class _Line:
    """What threads share, and the workspaces they take turns with."""

    def __init__(self, integrator: Integrator, frames: Frames, *, plain: bool, pack_cake: bool) -> None:
        self.integrator, self.frames, self.plain, self.pack_cake = integrator, frames, plain, pack_cake
        self.unsigned = np.dtype(frames.dtype).kind == "u"
        self.threshold = integrator.recipe.threshold
        self._spare: SimpleQueue[Workspace] = SimpleQueue()

    def integrate(self, group: Sequence[Unit]) -> list[Pattern | Bad]:
        try:
            workspace = self._spare.get_nowait()
        except Empty:
            workspace = self.integrator.workspace()
        try:
            if len(group[0].frames) > 1:
                return [self._averaged(unit, workspace) for unit in group]
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
        if isinstance(found, Fault):
            message = found.message
            where = f"frame {unit.frames[0]} of {self.frames.path}"
            return Bad(unit.index, unit.frames[0], message if where in message else f"{where} {message}")
        return replace(found, index=unit.index)

    def _averaged(self, unit: Unit, workspace: Workspace) -> Pattern | Bad:
        """Add frames up in their order: counts over denominators, so that bright frames count as they should."""
        total = self.integrator.empty_sums()
        for start in range(0, len(unit.frames), LANES):
            chosen = unit.frames[start : start + LANES]
            lanes = [self._read(frame, workspace.shelf(place)) for place, frame in enumerate(chosen)]
            bad = next((place for place, lane in enumerate(lanes) if isinstance(lane, Fault)), None)
            if bad is not None:
                return self._outcome(replace(unit, frames=(chosen[bad],)), lanes[bad])  # type: ignore[arg-type]
            wrong = total.add(lanes, workspace, self.unsigned, unit.scales[start : start + LANES])  # type: ignore[arg-type]
            if wrong is not None:
                place, fault = wrong
                return self._outcome(replace(unit, frames=(chosen[place],)), fault)
        return replace(total.pattern(), index=unit.index)

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
