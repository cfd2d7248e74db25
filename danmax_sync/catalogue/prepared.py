"""Records made ready for saving where they are read, which may be another process: rows, but for the ids."""

import math
from dataclasses import replace
from typing import NamedTuple

from danmax_sync.scanfile.record import ScanRecord


class Prepared(NamedTuple):
    """A record whose values are columns of tables already: cheap to send, and to insert.

    Attributes
    ----------
    record : ScanRecord
        Without snapshot and columns.
    names : tuple of str
        Of the snapshot, each once.
    numbers, texts, nans : tuple
        Of the snapshot, in the same order: each a number, a text or neither, and 1 for NaN, which SQLite cannot keep.
    series : tuple of tuple
        Motors and channels: name, origin, then the columns of the table of series.
    """

    record: ScanRecord
    names: tuple[str, ...]
    numbers: tuple[float | None, ...]
    texts: tuple[str | None, ...]
    nans: tuple[int, ...]
    series: tuple[tuple[str, str, tuple[float | None, ...]], ...]


def prepared(record: ScanRecord) -> Prepared:
    """Make a record ready to be saved."""
    # Two names may differ in characters that nobody can see: then the first stands.
    values = dict(reversed(record.snapshot))
    ordered = {name: values[name] for name, _ in record.snapshot}
    numbers = tuple([_number(value) for value in ordered.values()])
    return Prepared(
        replace(record, snapshot=(), columns=()),
        tuple(ordered),
        # NaN is the one number that is not itself.
        tuple([number if number == number else None for number in numbers]),  # noqa: PLR0124
        tuple([value if isinstance(value, str) else None for value in ordered.values()]),
        tuple([int(number != number) for number in numbers]),  # noqa: PLR0124
        tuple([(each.name, each.kind.value, tuple(each[2:])) for each in record.columns]),
    )


def _number(value: float | str | None) -> float | None:
    """Return a number as SQLite and PostgreSQL can hold it; integers beyond a float's range become infinite."""
    if type(value) is float:
        return value
    if value is None or isinstance(value, str):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
