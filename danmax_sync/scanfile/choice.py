"""Which of many names is the scan's energy, and which its temperature."""

from collections.abc import Iterable, Mapping

from danmax_sync.quantities import DEFAULT_PREFERENCES, SANE_ENERGY_KEV, Preferences
from danmax_sync.scanfile.record import ColumnStatistics, Reading, SnapshotValue

SANE_TEMPERATURE_K = (0.5, 3000.0)
Range = tuple[float, float]


def choose_energy(
    columns: Mapping[str, ColumnStatistics], snapshot: Mapping[str, SnapshotValue], preferences: Preferences
) -> Reading | None:
    """Pick the energy of the monochromator in the beam, in keV.

    A per-point energy wins over the snapshot. In the snapshot only one of the monochromators is in the beam and the
    other reads nonsense, possibly negative: of those that are an energy at all, the smallest, as the staff do. Names
    that a user has added come before them, in their order.
    """
    per_point = _first_column(preferences.energy_channels, columns, SANE_ENERGY_KEV)
    if per_point:
        return per_point
    sane = list(_sane_values(preferences.energy_parameters, snapshot, SANE_ENERGY_KEV))
    users = (reading for reading in sane if reading.origin not in DEFAULT_PREFERENCES.energy_parameters)
    return next(users, None) or min(sane, key=lambda reading: reading.mean, default=None)


def choose_temperature(
    columns: Mapping[str, ColumnStatistics], snapshot: Mapping[str, SnapshotValue], preferences: Preferences
) -> Reading | None:
    """Pick the temperature of the best device that was read, in K; per point before snapshot."""
    per_point = _first_column(preferences.temperatures, columns, SANE_TEMPERATURE_K)
    return per_point or next(iter(_sane_values(preferences.temperatures, snapshot, SANE_TEMPERATURE_K)), None)


def _first_column(names: Iterable[str], columns: Mapping[str, ColumnStatistics], sane: Range) -> Reading | None:
    for name in names:
        column = columns.get(name)
        if column is None or column.mean is None or column.minimum is None or column.maximum is None:
            continue
        if sane[0] <= column.minimum and column.maximum <= sane[1]:
            return Reading(column.mean, column.minimum, column.maximum, name)
    return None


def _sane_values(names: Iterable[str], snapshot: Mapping[str, SnapshotValue], sane: Range) -> Iterable[Reading]:
    for name in names:
        entry = snapshot.get(name)
        if entry is None or not isinstance(entry.value, int | float) or isinstance(entry.value, bool):
            continue
        if sane[0] <= entry.value <= sane[1]:
            value = float(entry.value)
            yield Reading(value, value, value, name)
