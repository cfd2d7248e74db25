"""Names and values for the shell to complete, read with nothing but the standard library.

A shell asks at every press of the tabulator: SQLAlchemy would take longer to import than a person waits. Only a
catalogue that is a file can be asked so.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

MOST = 200
"""More candidates than this are of no use at a prompt."""
_WAIT_SECONDS = 0.2
_OF_SCANS = frozenset({"sample", "macro", "state", "title", "proposal", "visit", "entry"})
_ELSEWHERE = {"detector": ("link", "detector"), "link": ("link", "state"), "root": ("root", "name")}
_NUMBERS = {
    "energy": ("energy_kev", "energy_kev"),
    "exposure": ("exposure_s", "exposure_s"),
    "points": ("points", "points"),
    "scan": ("number", "number"),
    "temperature": ("temperature_min_k", "temperature_max_k"),
}
_PROSE = ("note", "log")
_BEGIN = "substr({0}, 1, length(:start)) = :start"


def recorded_names(location: str) -> list[str]:
    """Return every snapshot, motor and channel name of a catalogue.

    Parameters
    ----------
    location : str
        A path; of a database URL nothing is known here.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    return _ask(location, "SELECT DISTINCT name FROM field ORDER BY name", {})


def values_of(location: str, name: str, start: str) -> list[str]:
    """Return the texts a field has that begin in a certain way.

    Parameters
    ----------
    location : str
        A path.
    name : str
        A text field of every scan, ``detector``, ``link``, ``root``, ``tag``, or a snapshot parameter.
    start : str
        What is typed already.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    if name in _OF_SCANS:
        # The name is one of the set above.
        statement = f"SELECT DISTINCT {name} FROM scan WHERE {_BEGIN.format(name)} AND {name} <> ''"  # noqa: S608
    elif name == "tag":
        statement = f"SELECT DISTINCT text FROM mark WHERE kind = 'tag' AND {_BEGIN.format('text')}"  # noqa: S608
    elif name in _PROSE:
        return []
    elif name in _ELSEWHERE:
        table, column = _ELSEWHERE[name]
        statement = f"SELECT DISTINCT {column} FROM {table} WHERE {_BEGIN.format(column)}"  # noqa: S608
    else:
        statement = (
            "SELECT DISTINCT value.text FROM value JOIN field ON field.id = value.field_id "  # noqa: S608
            f"WHERE field.name = :name AND value.number IS NULL AND {_BEGIN.format('value.text')}"
        )
    return _ask(location, f"{statement} ORDER BY 1 LIMIT {MOST}", {"name": name, "start": start})


def reach_of(location: str, name: str) -> tuple[float, float] | None:
    """Return from where to where the numbers of a field go; None where it has none.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        # The columns are those of the table above.
        statement = f"SELECT min({low}), max({high}) FROM scan"  # noqa: S608
    else:
        statement = (
            "SELECT min(low), max(high) FROM (SELECT min(number) AS low, max(number) AS high FROM value "
            "WHERE field_id IN (SELECT id FROM field WHERE name = :name) UNION ALL SELECT min(minimum), max(maximum) "
            "FROM series WHERE field_id IN (SELECT id FROM field WHERE name = :name))"
        )
    for low_end, high_end in _rows(location, statement, {"name": name}):
        return None if low_end is None or high_end is None else (low_end, high_end)
    return None


def dates_of(location: str) -> list[str]:
    """Return when the first and the last scan of a catalogue began.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    found = _rows(location, "SELECT min(start_time), max(start_time) FROM scan", {})
    return [each for each in dict.fromkeys(found[0]) if each] if found else []


def saved_names(location: str) -> list[str]:
    """Return the names of the queries that were saved.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    return _ask(location, "SELECT name FROM saved_query ORDER BY name", {})


def root_names(location: str) -> list[str]:
    """Return the names of the places that were indexed.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    return _ask(location, "SELECT name FROM root ORDER BY name", {})


def logbook_urls(location: str) -> list[str]:
    """Return the addresses of the logbooks that were read.

    Raises
    ------
    sqlite3.Error
        If it is not a catalogue, or busy.
    """
    return _ask(location, "SELECT url FROM logbook ORDER BY url", {})


def _ask(location: str, statement: str, values: dict[str, str]) -> list[str]:
    return [row[0] for row in _rows(location, statement, values)]


def _rows(location: str, statement: str, values: dict[str, str]) -> Sequence[tuple[Any, ...]]:
    if "://" in location:
        return []
    path = Path(location).expanduser().absolute()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_WAIT_SECONDS)) as connection:
        return connection.execute(statement, values).fetchall()
