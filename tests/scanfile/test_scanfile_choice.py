"""Which name is the energy, which the temperature."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.quantities import DEFAULT_PREFERENCES, SANE_ENERGY_KEV, Preferences
from danmax_sync.scanfile.choice import choose_energy, choose_temperature
from danmax_sync.scanfile.record import ColumnKind, ColumnStatistics, Reading, SnapshotValue


def column(name: str, low: float | None, high: float | None, mean: float | None = None) -> ColumnStatistics:
    """Make a channel of ten points."""
    middle = (low + high) / 2 if mean is None and low is not None and high is not None else mean
    return ColumnStatistics(name, ColumnKind.CHANNEL, 10, 0, low, low, high, middle)


def energy(*columns: ColumnStatistics, **snapshot: float | str | None) -> Reading | None:
    """Choose from channels and snapshot values."""
    values = {name: SnapshotValue(name, value) for name, value in snapshot.items()}
    return choose_energy({each.name: each for each in columns}, values, DEFAULT_PREFERENCES)


def temperature(*columns: ColumnStatistics, **snapshot: float | str | None) -> Reading | None:
    """Choose from channels and snapshot values."""
    values = {name: SnapshotValue(name, value) for name, value in snapshot.items()}
    return choose_temperature({each.name: each for each in columns}, values, DEFAULT_PREFERENCES)


def test_the_energy_of_each_point_wins_over_the_snapshot() -> None:
    """With its range, and with the name it came from."""
    assert energy(column("hdcm_E", 34.9, 35.1), hdcm_energy=20.0) == Reading(35.0, 34.9, 35.1, "hdcm_E")


@pytest.mark.parametrize(
    "broken", [column("hdcm_E", None, None), column("hdcm_E", 0.0, 35.0), column("hdcm_E", 35.0, 4e5)]
)
def test_an_insane_channel_gives_way_to_the_snapshot(broken: ColumnStatistics) -> None:
    """All NaN, a zero among the points, or electronvolts."""
    assert energy(broken, hdcm_energy=20.0) == Reading(20.0, 20.0, 20.0, "hdcm_energy")


@pytest.mark.parametrize(
    ("hdcm", "mlm", "origin"),
    [
        (35.0, -12.7, "hdcm_energy"),
        (-3.0, 25.0, "mlm_energy"),
        (35.0, 900.0, "hdcm_energy"),
        (35.0, 1.0, "hdcm_energy"),
        (35.0, 25.0, "mlm_energy"),
        (25.0, 35.0, "hdcm_energy"),
        (None, 25.0, "mlm_energy"),
        ("35", 25.0, "mlm_energy"),
        (math.nan, 25.0, "mlm_energy"),
        (math.inf, 25.0, "mlm_energy"),
        (-3.0, 0.0, None),
        (None, None, None),
    ],
)
def test_of_two_monochromators_the_sane_smaller_one_is_in_the_beam(
    hdcm: float | str | None, mlm: float | None, origin: str | None
) -> None:
    """The other one reads nonsense, possibly negative; of two sane ones the staff take the smaller."""
    found = energy(hdcm_energy=hdcm, mlm_energy=mlm)
    assert (found.origin if found else None) == origin


@given(st.floats() | st.none(), st.floats() | st.none())
@settings(deadline=None)
def test_what_is_called_an_energy_is_one(hdcm: float | None, mlm: float | None) -> None:
    """Whatever the encoders read."""
    found = energy(hdcm_energy=hdcm, mlm_energy=mlm)
    assert found is None or SANE_ENERGY_KEV[0] <= found.mean <= SANE_ENERGY_KEV[1]


@pytest.mark.parametrize(
    ("channels", "snapshot", "origin"),
    [
        (["cryo_temp", "lakeshore_tempD"], {}, "cryo_temp"),
        (["lakeshore_tempC", "lakeshore_tempD"], {}, "lakeshore_tempD"),
        (["lakeshore_tempC"], {"cryo_temp": 300.0}, "lakeshore_tempC"),
        ([], {"cryo_temp": 300.0, "lakeshore_tempD": 290.0}, "cryo_temp"),
        ([], {"cryo_temp": -1.0, "lakeshore_tempD": 290.0}, "lakeshore_tempD"),
        ([], {"cryo_temp": "off"}, None),
        ([], {"hutch_temperature": 296.0}, None),
    ],
)
def test_the_best_device_that_was_read_gives_the_temperature(
    channels: list[str], snapshot: dict[str, float | str], origin: str | None
) -> None:
    """Cryostream, then sample, then nozzle; read at each point before read once."""
    found = temperature(*(column(name, 300.0, 310.0) for name in channels), **snapshot)
    assert (found.origin if found else None) == origin


def test_a_temperature_keeps_its_range() -> None:
    """A ramp is not its mean."""
    assert temperature(column("cryo_temp", 300.0, 480.0, 400.0)) == Reading(400.0, 300.0, 480.0, "cryo_temp")


def test_a_switch_is_no_temperature() -> None:
    """``True`` is a number to Python, not to a thermometer."""
    values = {"cryo_temp": SnapshotValue("cryo_temp", True)}
    assert choose_temperature({}, values, DEFAULT_PREFERENCES) is None


def test_other_devices_can_be_preferred() -> None:
    """The lists are values handed in."""
    preferences = Preferences(temperatures=("eurotherm",), energy_parameters=("undulator_E",))
    values = {name: SnapshotValue(name, 20.0) for name in ("eurotherm", "cryo_temp", "undulator_E", "hdcm_energy")}
    chosen = [choose({}, values, preferences) for choose in (choose_energy, choose_temperature)]
    assert [reading.origin for reading in chosen if reading] == ["undulator_E", "eurotherm"]


def test_a_users_own_energies_come_first_in_their_order() -> None:
    """Also where the beamline's encoder reads a smaller one; what is no energy gives way."""
    preferences = Preferences(energy_parameters=("mine_1", "mine_2", *DEFAULT_PREFERENCES.energy_parameters))
    values = {"mine_1": 35.0, "mine_2": 30.0, "hdcm_energy": 20.0}

    def origin() -> str | None:
        found = choose_energy({}, {name: SnapshotValue(name, value) for name, value in values.items()}, preferences)
        return found.origin if found else None

    assert origin() == "mine_1"
    values["mine_1"] = -1.0
    assert origin() == "mine_2"
    del values["mine_2"]
    assert origin() == "hdcm_energy"
