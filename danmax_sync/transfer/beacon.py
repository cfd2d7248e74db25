"""Say to other processes how far a ``get`` has come: a small file in our home folder, written once a second."""

import contextlib
import json
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from danmax_sync.errors import DanmaxSyncError
from danmax_sync.events import Event, Listener
from danmax_sync.settings import ensured_home, home
from danmax_sync.transfer.plan import TransferPlan

_FOLDER = "underway"
_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class InFlight:
    """How far something is.

    Attributes
    ----------
    sets, to_come : int
        That are complete, and in all.
    done, total : int
        Bytes.
    rate, seconds_left : float or None
        Bytes a second, and how long the rest takes at that.
    updated : float
        When that was, in seconds since 1970.
    """

    destination: Path
    source: str
    sets: int
    to_come: int
    done: int
    total: int
    rate: float | None
    seconds_left: float | None
    updated: float

    def to_json(self) -> dict[str, object]:
        """Return it for programs, and for the file."""
        return {**asdict(self), "destination": str(self.destination)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what a file says.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it says something else.
        """
        known = {each.name: found[each.name] for each in fields(cls)}
        for name in ("sets", "to_come", "done", "total", "updated"):
            known[name] = known[name] + 0
        known["destination"], known["source"] = Path(known["destination"]), str(known["source"])
        return cls(**known)


class Beacon:
    """Listens to a ``get``, and keeps the file up to date while the ``with`` block lasts; it never fails one.

    Parameters
    ----------
    plan : TransferPlan
        What is carried out.
    tell : Listener
        Hears everything, too.
    """

    def __init__(self, plan: TransferPlan, tell: Listener) -> None:
        self._tell = tell
        waiting = sum(bool(each.to_fetch) and not each.obstacle for each in plan.sets)
        total = plan.bytes_to_fetch
        self._now = InFlight(plan.destination, plan.source, 0, waiting, 0, total, None, None, 0.0)
        self._sets, self._written, self._path = 0, 0.0, None if not waiting else _path_of(plan.destination)

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        self._tell(event)
        said = event.fields
        if event.name == "set":
            self._sets += said.get("state") in {"complete", "partial"} and bool(said.get("files"))
        due = time.monotonic() - self._written >= _EVERY_S
        if due and event.name == "progress" and said.get("unit") == "bytes":
            self._written = time.monotonic()
            self._write({name: said.get(name) for name in ("done", "total", "rate", "seconds_left")})

    def _write(self, said: Mapping[str, object]) -> None:
        if self._path is None:
            return
        content = {**self._now.to_json(), **said, "sets": self._sets, "updated": time.time()}
        with contextlib.suppress(OSError, DanmaxSyncError):
            ensured_home()
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            part = self._path.with_suffix(f".{os.getpid()}.part")
            part.write_text(json.dumps(content), encoding="utf-8")
            part.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and self._written:
            with contextlib.suppress(OSError):
                self._path.unlink()


def all_in_flight() -> list[InFlight]:
    """Return what runs said of themselves; one that was killed has left its last word."""
    found = []
    for path in sorted((home() / _FOLDER).glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found.append(InFlight.from_json(json.loads(path.read_text(encoding="utf-8"))))
    return found


def _path_of(destination: Path) -> Path:
    return home() / _FOLDER / f"{zlib.crc32(str(destination).encode()):08x}.json"
