"""Which scans the entries of logbooks speak of.

Scan numbers begin anew with every visit. An entry means the visit that was going on when it was written: the one whose
scan had started last. Where it names no scan, it is about the scan that was being measured, or had just ended.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from danmax_sync.catalogue.mentions import Mention, mentions

LATEST = timedelta(days=14)
"""How long after the start of a scan an entry may speak of its visit by number."""
EARLIEST = timedelta(days=1)
"""How long before: plans are written, too."""
JUST_ENDED = timedelta(minutes=15)
_LONGEST_OPEN = timedelta(hours=1)
"""How long a scan without an end may go on."""
Visit = tuple[str, str]


class LinkedScan(NamedTuple):
    """What is needed of a scan; times are aware."""

    id: int
    visit: Visit
    number: int | None
    path: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """What is needed of an entry; `follows` is the number of the one it answers, in the same logbook."""

    id: int
    logbook: int
    number: int
    follows: int | None
    text: str
    written: datetime | None


class Links:
    """Finds the scans of entries among all scans of a catalogue."""

    def __init__(self, scans: Sequence[LinkedScan]) -> None:
        started = [(each.start, each.id, each) for each in scans if each.start is not None]
        started.sort(key=itemgetter(0, 1))
        self._starts = [start for start, _, _ in started]
        self._started = [scan for _, _, scan in started]
        self._numbers: dict[Visit, dict[int, list[LinkedScan]]] = defaultdict(lambda: defaultdict(list))
        self._names: dict[str, list[LinkedScan]] = defaultdict(list)
        for each in scans:
            if each.number is not None:
                self._numbers[each.visit][each.number].append(each)
            self._names[each.path.rpartition("/")[2]].append(each)

    def of_all(self, entries: Sequence[WrittenEntry]) -> Iterator[tuple[int, int, str]]:
        """Yield for each scan that an entry speaks of: scan, entry, how."""
        said: dict[tuple[int, int], tuple[list[Mention], datetime | None]] = {}
        # An answer has a greater number than what it answers.
        for entry in sorted(entries, key=lambda each: each.number):
            own, when = mentions(entry.text), entry.written
            answers = not own and entry.follows is not None
            if answers and entry.follows is not None:
                # Meant as it was then, however late the answer is.
                own, when = said.get((entry.logbook, entry.follows), (own, when))
            said[entry.logbook, entry.number] = own, when
            found: dict[int, str] = {}
            for mention in own:
                for scan in self._meant(mention, when):
                    found.setdefault(scan.id, "answer" if answers else mention.how)
            if not own:
                found = {scan.id: "time" for scan in self._measured_at(entry.written)}
            for scan_id, how in found.items():
                yield scan_id, entry.id, how

    def _meant(self, mention: Mention, written: datetime | None) -> Iterator[LinkedScan]:
        visits = [self._visit_at(written)] if mention.visit is None else self._called(mention)
        for visit in visits:
            if mention.first is None or mention.last is None:
                candidates = [
                    each for each in self._names.get(mention.path.rpartition("/")[2], ()) if each.visit == visit
                ]
            else:
                candidates = _between(self._numbers.get(visit or ("", ""), {}), mention.first, mention.last)
            for each in candidates:
                near = mention.visit is not None or _is_near(each, written)
                # A bare name says no more than the number in it: the master of an in-situ run is called otherwise.
                if near and ("/" not in mention.path or f"/{each.path}".endswith(f"/{mention.path}")):
                    yield each

    def _called(self, mention: Mention) -> list[Visit | None]:
        return [
            known for known in self._numbers if known[1] == mention.visit and mention.proposal in {None, "", known[0]}
        ]

    def _visit_at(self, written: datetime | None) -> Visit | None:
        if written is None:
            # Without a time, only one visit can be meant.
            return next(iter(self._numbers)) if len(self._numbers) == 1 else None
        at = bisect_right(self._starts, written)
        if at:
            return self._started[at - 1].visit if _is_near(self._started[at - 1], written) else self._next(at, written)
        return self._next(at, written)

    def _next(self, at: int, written: datetime) -> Visit | None:
        coming = self._started[at] if at < len(self._started) else None
        return coming.visit if coming is not None and _is_near(coming, written) else None

    def _measured_at(self, written: datetime | None) -> list[LinkedScan]:
        if written is None:
            return []
        at = bisect_right(self._starts, written)
        if not at:
            return []
        latest = self._started[at - 1]
        # Differences of times, which are never out of range: a master may name any year.
        since, most = (
            (latest.end, JUST_ENDED) if latest.end is not None else (self._starts[at - 1], _LONGEST_OPEN + JUST_ENDED)
        )
        return [latest] if written - since <= most else []


def _between(numbers: Mapping[int, list[LinkedScan]], first: int, last: int) -> list[LinkedScan]:
    """Return the scans of a range, by whichever is shorter: the range or all there are."""
    if last - first < len(numbers):
        return [each for number in range(first, last + 1) for each in numbers.get(number, ())]
    return [each for number, some in sorted(numbers.items()) if first <= number <= last for each in some]


def _is_near(scan: LinkedScan, written: datetime | None) -> bool:
    if written is None or scan.start is None:
        return True
    return -EARLIEST <= written - scan.start <= LATEST
