"""What was read of an entry becomes a record."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from danmax_sync.quantities import Preferences
from danmax_sync.scanfile.choice import choose_energy, choose_temperature
from danmax_sync.scanfile.record import ColumnStatistics, DetectorLink, ScanRecord, SnapshotValue
from danmax_sync.scanfile.text import clean_name, macro_of, parse_time
from danmax_sync.visits import ScanPlace

TEXTS = (b"title", b"start_time", b"end_time", b"proposal_id")
"""Members of an entry that are read as text."""
_NO_DIGIT = re.compile(r"\D")


def record_of(
    entry: str,
    where: ScanPlace,
    preferences: Preferences,
    *,
    alone: bool,
    texts: Mapping[bytes, str],
    columns: Mapping[str, ColumnStatistics],
    snapshot: tuple[SnapshotValue, ...],
    links: Iterable[DetectorLink],
    notes: Iterable[str] = (),
) -> ScanRecord:
    """Return the record of an entry.

    Parameters
    ----------
    entry : str
        The group's name.
    where : ScanPlace
        Where the master stands in its visit.
    preferences : Preferences
        Which names mean energy and temperature.
    alone : bool
        Whether it is the master's only entry, which then bears the number of the file's name.
    texts : mapping
        Of `TEXTS`; empty where there is none.
    columns, snapshot, links, notes
        As the record holds them.
    """
    digits = _NO_DIGIT.sub("", entry)
    title = texts[b"title"]
    by_name = {value.name: value for value in snapshot}
    times = {name: parse_time(texts[name]) for name in (b"start_time", b"end_time")}
    unknown = [
        f"{name.decode()} is {clean_name(texts[name])[:60]!r}, which cannot be read as an ISO time"
        for name, time in times.items()
        if texts[name].strip() and time is None
    ]
    return ScanRecord(
        entry=entry,
        number=where.number if alone and where.number is not None else int(digits) if digits else where.number,
        title=title,
        macro=macro_of(title),
        start_time=times[b"start_time"],
        end_time=times[b"end_time"],
        points=_points(columns.values()),
        energy=choose_energy(columns, by_name, preferences),
        temperature=choose_temperature(columns, by_name, preferences),
        snapshot=snapshot,
        columns=tuple(columns.values()),
        links=tuple(links),
        proposal=texts[b"proposal_id"] or None,
        notes=(*notes, *unknown),
    )


def _points(columns: Collection[ColumnStatistics]) -> int:
    """Return the length most columns have; where two are as common, the shorter, which all of them reach."""
    lengths = Counter(column.points for column in columns)
    return min(lengths, key=lambda length: (-lengths[length], length), default=0)
