"""Say why sets or scans are not as they were wanted: each reason once, and a remedy that several share once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from danmax_sync.catalogue.labels import named, query_of_labels
from danmax_sync.events import Event, Listener, warning
from danmax_sync.quantities import of_which
from danmax_sync.transfer.outcome import HINT_RUNNING

if TYPE_CHECKING:
    from danmax_sync.catalogue.values import CataloguedScan


@dataclass(frozen=True, slots=True)
class Reason:
    """What became of one, and why.

    Attributes
    ----------
    label : str
        Of the scan.
    state : str
        As ``skipped``.
    """

    label: str
    state: str
    message: str
    hint: str = ""


def sentences(reasons: Iterable[Reason]) -> list[tuple[str, str]]:
    """Return messages with hints: those that say the same as one, those with the same hint together, before it."""
    alike: dict[str, dict[tuple[str, str], list[str]]] = {}
    for one in reasons:
        alike.setdefault(one.hint, {}).setdefault((one.state, one.message), []).append(one.label)
    told = []
    for hint, groups in alike.items():
        messages = [f"{named(labels)} {state}: {message}" for (state, message), labels in groups.items()]
        told += [(message, "") for message in messages[:-1]] + [(messages[-1], hint)]
    return told


class SaidOnce:
    """Tells whoever follows why sets do not come, as soon as it is known; once for each set and reason.

    Scans that still run are no news: they are counted beside the bar.

    Parameters
    ----------
    tell : Listener
        Hears everything, and a ``warning`` for each reason.
    """

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self._said: set[tuple[str, str]] = set()
        self._new: list[Reason] = []

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if event.name == "set" and event.fields.get("state") in {"failed", "skipped"}:
            self._hear(event)
        elif event.name != "file":
            # Those that fail for one reason come one after the other, with their files.
            self.say()
        self._tell(event)

    def say(self) -> None:
        """Say what is not said yet."""
        new, self._new = self._new, []
        for message, hint in sentences(new):
            warning(self._tell, message, hint=hint)

    def _hear(self, event: Event) -> None:
        label, path, state, message, hint = (
            str(event.fields.get(name, "")) for name in ("scan", "path", "state", "message", "hint")
        )
        if hint != HINT_RUNNING and (path, message) not in self._said:
            self._said.add((path, message))
            self._new.append(Reason(label, state, message, hint))


def warn_without_patterns(scans: "Sequence[CataloguedScan]", made: Iterable[str]) -> None:
    """Say which scans have no patterns here, and are left out of what is made of the others."""
    from danmax_sync.cli.complaint import complain

    known = set(made)
    without = [scan for scan in scans if scan.label not in known]
    if not without:
        return
    query = query_of_labels([scan.label for scan in without])
    here = any(at.root.folder and at.state != "missing" for scan in without for at in scan.locations)
    complain(
        f"{of_which(len(without), len(scans), 'scan')} no patterns here and {'are' if without[1:] else 'is'} left out: "
        f"{named([scan.label for scan in without])}",
        hint=f"danmax-sync integrate {query}" if here else f"danmax-sync get {query} --integrate",
        kind="warning",
    )


def complain_about(reasons: Sequence[Reason], *, kind: str) -> None:
    """Print reasons on stderr."""
    from danmax_sync.cli.complaint import complain

    for message, hint in sentences(reasons):
        complain(message, hint=hint, kind=kind)
