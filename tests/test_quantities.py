"""Units and names."""

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.quantities import (
    DEFAULT_PREFERENCES,
    MEANINGS,
    Dimension,
    count,
    energy_kev,
    meaning_of,
    of_which,
    parse_quantity,
    wavelength_angstrom,
)


def test_energy_and_wavelength_are_those_of_the_constants() -> None:
    """From the exact constants of the SI: 12.398 419 843 keV·Å."""
    planck, light, charge = 6.62607015e-34, 299792458.0, 1.602176634e-19
    assert wavelength_angstrom(1.0) == pytest.approx(planck * light / charge / 1e3 * 1e10, rel=1e-12)
    assert wavelength_angstrom(35.0) == pytest.approx(0.354240567, abs=1e-9)


@given(st.floats(0.1, 200.0))
@settings(deadline=None)
def test_energy_and_wavelength_are_inverse(value: float) -> None:
    """There and back is the same photon."""
    assert energy_kev(wavelength_angstrom(value)) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("35", Dimension.ENERGY, 35.0),
        ("35keV", Dimension.ENERGY, 35.0),
        ("35 keV", Dimension.ENERGY, 35.0),
        ("35000eV", Dimension.ENERGY, 35.0),
        ("3.5e4eV", Dimension.ENERGY, 35.0),
        ("0.3542A", Dimension.ENERGY, 35.004),
        ("0.3542Å", Dimension.ENERGY, 35.004),
        ("35keV", Dimension.WAVELENGTH, 0.35424),
        ("0.03542nm", Dimension.WAVELENGTH, 0.3542),
        ("25C", Dimension.TEMPERATURE, 298.15),
        ("25°C", Dimension.TEMPERATURE, 298.15),
        ("-196C", Dimension.TEMPERATURE, 77.15),
        ("298K", Dimension.TEMPERATURE, 298.0),
        ("10ms", Dimension.TIME, 0.01),
        ("2h", Dimension.TIME, 7200.0),
        ("50um", Dimension.LENGTH, 0.05),
        ("0.5m", Dimension.LENGTH, 500.0),
        ("1.5A", Dimension.CURRENT, 1.5),
        ("231nA", Dimension.CURRENT, 2.31e-7),
        (".5", Dimension.PLAIN, 0.5),
        ("+5.", Dimension.PLAIN, 5.0),
    ],
)
def test_a_typed_quantity_is_in_the_catalogues_unit(text: str, dimension: Dimension, value: float) -> None:
    """The dimension decides what a unit means: A is ångström for a wavelength, ampere for a current."""
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=2e-5)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("", Dimension.PLAIN),
        ("abc", Dimension.ENERGY),
        ("35keV2", Dimension.ENERGY),
        ("35mm", Dimension.ENERGY),
        ("35K", Dimension.ENERGY),
        ("5mm", Dimension.PLAIN),
        ("nan", Dimension.PLAIN),
        ("inf", Dimension.PLAIN),
        ("1_000", Dimension.PLAIN),
        ("0A", Dimension.ENERGY),
        ("-1A", Dimension.ENERGY),
        ("0keV", Dimension.WAVELENGTH),
        ("0eV", Dimension.WAVELENGTH),
        ("1e-400A", Dimension.ENERGY),
    ],
)
def test_what_is_no_such_quantity_is_a_value_error(text: str, dimension: Dimension) -> None:
    """Not a number, a unit of something else, or a photon without a wavelength."""
    with pytest.raises(ValueError, match=r".+"):
        parse_quantity(text, dimension)


def test_a_wrong_unit_names_the_right_ones() -> None:
    """The message lists what fits."""
    with pytest.raises(ValueError, match="keV, eV"):
        parse_quantity("35mm", Dimension.ENERGY)


@given(st.text(max_size=30), st.sampled_from(Dimension))
@settings(deadline=None)
def test_any_text_is_a_number_or_a_value_error(text: str, dimension: Dimension) -> None:
    """Nothing else comes out, whatever is typed."""
    with suppress(ValueError):
        assert not math.isnan(parse_quantity(text, dimension))


def test_names_explain_themselves_or_are_explained() -> None:
    """The beamline's words for its names; wildcards stand for families, the first match wins."""
    for name, words, dimension in (
        ("ea_slit1_top", "BCU", Dimension.PLAIN),
        ("hdcm_energy", "Si111", Dimension.ENERGY),
        ("lakeshore_tempD", "sample", Dimension.TEMPERATURE),
        ("lakeshore_tempA", "controller", Dimension.TEMPERATURE),
        ("albaem-xrd_ch2", "I0", Dimension.CURRENT),
        ("IVU_R3_304_GAP", "gap", Dimension.LENGTH),
    ):
        meaning = meaning_of(name)
        assert meaning is not None
        assert words in meaning.description
        assert meaning.dimension is dimension
    assert meaning_of("pd_sam_x") is None
    assert meaning_of("hdcm_energy_old") is None


def test_preferred_names_have_the_dimension_they_are_preferred_for() -> None:
    """What is chosen as an energy is known to be one."""
    known = {meaning.pattern: meaning.dimension for meaning in MEANINGS}
    for name in (*DEFAULT_PREFERENCES.energy_channels, *DEFAULT_PREFERENCES.energy_parameters):
        assert known[name] is Dimension.ENERGY
    for name in DEFAULT_PREFERENCES.temperatures:
        assert known[name] is Dimension.TEMPERATURE


def test_one_is_not_several() -> None:
    """Neither in what is counted nor in its verb."""
    assert [count(amount, "scan") for amount in (0, 1, 2)] == ["0 scans", "1 scan", "2 scans"]
    assert of_which(1, 2, "scan") == "1 of 2 scans has"
    assert of_which(2, 2, "scan", one="is", several="are") == "2 of 2 scans are"
