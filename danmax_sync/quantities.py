"""Units, names and meanings: energy, wavelength, temperature, and what the snapshot's parameters are.

Sources: the beamline's user page (names and descriptions), the staff's public notebooks (which name wins), CODATA 2018
(exact constants). The preference lists are values handed around, so that a user's settings can extend them.
"""

import math
import re
import zlib
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from danmax_sync.errors import UsageError
from danmax_sync.settings import read_settings, settings_file

HC_KEV_ANGSTROM = 12.398419843320026
"""Planck constant times speed of light, keV·Å (exact since 2019)."""
ZERO_CELSIUS_K = 273.15


def count(amount: int, noun: str) -> str:
    """Spell a number of things: ``1 scan``, ``2 scans``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def of_which(part: int, whole: int, noun: str, *, one: str = "has", several: str = "have") -> str:
    """Spell a part with its verb: ``1 of 2 scans has``, ``2 of 3 scans have``."""
    return f"{part} of {count(whole, noun)} {one if part == 1 else several}"


def wavelength_angstrom(energy_kev: float) -> float:
    """Return the wavelength in Å of photons of `energy_kev`."""
    return HC_KEV_ANGSTROM / energy_kev


def energy_kev(wavelength: float) -> float:
    """Return the energy in keV of photons with this wavelength in Å."""
    return HC_KEV_ANGSTROM / wavelength


class Dimension(Enum):
    """What a number measures; its value is the unit the catalogue keeps it in."""

    ENERGY = "keV"
    WAVELENGTH = "Å"
    TEMPERATURE = "K"
    TIME = "s"
    LENGTH = "mm"
    CURRENT = "A"
    PLAIN = ""


_FACTORS: dict[Dimension, dict[str, float]] = {
    Dimension.ENERGY: {"kev": 1.0, "ev": 1e-3, "mev": 1e3},
    Dimension.WAVELENGTH: {"å": 1.0, "a": 1.0, "angstrom": 1.0, "nm": 10.0, "pm": 0.01},
    Dimension.TEMPERATURE: {"k": 1.0},
    Dimension.TIME: {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "h": 3600.0},
    Dimension.LENGTH: {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "cm": 10.0, "m": 1000.0},
    Dimension.CURRENT: {"a": 1.0, "ma": 1e-3, "ua": 1e-6, "µa": 1e-6, "na": 1e-9},
}
_SPELLED = {"kev": "keV", "ev": "eV", "mev": "MeV", "å": "Å", "k": "K, C"}
"""Units whose capitals matter to people; what is typed may have any."""
_RECIPROCAL = {Dimension.ENERGY: Dimension.WAVELENGTH, Dimension.WAVELENGTH: Dimension.ENERGY}


def to_catalogue_unit(value: float, unit: str, dimension: Dimension) -> float:
    """Convert a number with a typed unit to the unit the catalogue keeps.

    ``A`` is ångström for a wavelength and ampere for a current: the dimension decides.

    Raises
    ------
    ValueError
        If the unit does not belong to the dimension (the message lists those that do), or no photon is like that.
    """
    if not unit:
        return value
    key = unit.lower().replace("°", "")
    if dimension is Dimension.TEMPERATURE and key in {"c", "degc"}:
        return value + ZERO_CELSIUS_K
    other = _RECIPROCAL.get(dimension)
    if other and key in _FACTORS[other]:
        value *= _FACTORS[other][key]
        if value <= 0:
            raise ValueError(f"no photon has {value:g} {other.value}")
        return HC_KEV_ANGSTROM / value
    factors = _FACTORS.get(dimension, {})
    if key not in factors:
        known = ", ".join(_SPELLED.get(name, name) for name in factors) or "none, it has no unit"
        raise ValueError(f"unit {unit!r} does not fit here; known: {known}")
    return value * factors[key]


def units_of(dimension: Dimension) -> tuple[str, ...]:
    """Return the units that can be typed for a dimension, the reciprocal's too: an energy may be a wavelength."""
    celsius = ("c",) if dimension is Dimension.TEMPERATURE else ()
    other = _RECIPROCAL.get(dimension)
    return (*_FACTORS.get(dimension, {}), *celsius, *(_FACTORS[other] if other else ()))


@dataclass(frozen=True, slots=True)
class Preferences:
    """Which names mean energy and temperature, best first.

    Attributes
    ----------
    energy_channels : tuple of str
        Per-point energies, keV.
    energy_parameters : tuple of str
        Snapshot energies, keV. Only one monochromator is in the beam; the other one reads nonsense.
    temperatures : tuple of str
        Devices read per point or in the snapshot, K.
    """

    energy_channels: tuple[str, ...] = ("hdcm_E",)
    energy_parameters: tuple[str, ...] = ("hdcm_energy", "mlm_energy")
    temperatures: tuple[str, ...] = ("cryo_temp", "lakeshore_tempD", "lakeshore_tempC")

    @property
    def fingerprint(self) -> int:
        """A number that differs when other names are preferred, 0 for the beamline's own lists."""
        own = (self.energy_channels, self.energy_parameters, self.temperatures)
        beamline = (DEFAULT_PREFERENCES.energy_channels, DEFAULT_PREFERENCES.energy_parameters)
        same = own == (*beamline, DEFAULT_PREFERENCES.temperatures)
        return 0 if same else 1 + zlib.crc32(repr(own).encode()) % 999_999


DEFAULT_PREFERENCES = Preferences()


def user_preferences() -> Preferences:
    """Return the beamline's lists behind the names of the user's settings.

    Read from ``settings.toml``::

        [energy]
        channels = ["my_mono_E"]        # keV, per point
        parameters = ["my_mono_energy"] # keV, in the snapshot
        [temperature]
        devices = ["gas_blower_T"]      # K, per point or in the snapshot

    Raises
    ------
    UsageError
        If one of them is no list of names.
    """
    table = read_settings()

    def names(section: str, key: str, beamline: tuple[str, ...]) -> tuple[str, ...]:
        given = table.get(section, {})
        found = given.get(key, []) if isinstance(given, dict) else None
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise UsageError(
                f"{settings_file()}: {key} in [{section}] is not a list of names", hint=f'for example {key} = ["name"]'
            )
        return (*found, *(name for name in beamline if name not in found))

    return Preferences(
        names("energy", "channels", DEFAULT_PREFERENCES.energy_channels),
        names("energy", "parameters", DEFAULT_PREFERENCES.energy_parameters),
        names("temperature", "devices", DEFAULT_PREFERENCES.temperatures),
    )


SANE_ENERGY_KEV = (5.0, 100.0)
"""DanMAX delivers 15 to 35 keV (hDCM) and up to some 60 keV in higher harmonics; wider is not an energy."""


@dataclass(frozen=True, slots=True)
class ParameterMeaning:
    """What a snapshot parameter or channel is."""

    pattern: str
    description: str
    dimension: Dimension = Dimension.PLAIN


MEANINGS: tuple[ParameterMeaning, ...] = (
    ParameterMeaning("ea_ppm3_1", "sample to detector distance, Pilatus 2M (not the true distance if no calibration "
                     "followed a change of configuration)", Dimension.LENGTH),
    ParameterMeaning("ea_xrf_z", "sample to detector distance, fluorescence detector (not the true distance if no "
                     "calibration followed a change of configuration)", Dimension.LENGTH),
    ParameterMeaning("lg_z", "sample to detector distance, 2024 on", Dimension.LENGTH),
    ParameterMeaning("det_z", "sample to detector distance, to 2023", Dimension.LENGTH),
    ParameterMeaning("ea_slit1_*", "slit on the BCU"),
    ParameterMeaning("ea_slit2_*", "slit on the PXRD2D instrument"),
    ParameterMeaning("ea_mm_*", "collimator or pinhole"),
    ParameterMeaning("ea_bst_*", "beamstop"),
    ParameterMeaning("hex_*", "position or angle of the hexapod"),
    ParameterMeaning("Spinner moving", "whether the spinner spins at the start"),
    ParameterMeaning("IVU_R3_304_GAP", "undulator gap", Dimension.LENGTH),
    ParameterMeaning("hdcm_energy", "energy of the Si111 hDCM from the encoder", Dimension.ENERGY),
    ParameterMeaning("mlm_energy", "energy of the hMLM from the encoder", Dimension.ENERGY),
    ParameterMeaning("hdcm_E", "energy at each point", Dimension.ENERGY),
    ParameterMeaning("Pilatus energy", "energy setting that selects the flat field"),
    ParameterMeaning("Pilatus threshold", "threshold for energy discrimination"),
    ParameterMeaning("cryo_temp", "temperature of the cryostream", Dimension.TEMPERATURE),
    ParameterMeaning("lakeshore_tempD", "temperature of the sample (Lakeshore D)", Dimension.TEMPERATURE),
    ParameterMeaning("lakeshore_tempC", "temperature of the hot-air nozzle (Lakeshore C)", Dimension.TEMPERATURE),
    ParameterMeaning("lakeshore_*", "Lakeshore temperature controller", Dimension.TEMPERATURE),
    ParameterMeaning("albaem-xrd_ch2", "I0, beam intensity before the sample", Dimension.CURRENT),
    ParameterMeaning("albaem-xrd_ch3", "I1, beam intensity behind the sample", Dimension.CURRENT),
    ParameterMeaning("pcap_trigts", "time of each trigger, UNIX seconds", Dimension.TIME),
)  # fmt: skip


def meaning_of(name: str) -> ParameterMeaning | None:
    """Return what the beamline says a name is, None where the name has to explain itself."""
    return next((m for m in MEANINGS if m.pattern == name or fnmatchcase(name, m.pattern)), None)


_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zÅåµ°]*)")


def parse_quantity(text: str, dimension: Dimension) -> float:
    """Read ``35keV``, ``0.3542A``, ``25C`` or a bare number into the catalogue's unit.

    Raises
    ------
    ValueError
        If it is not a number, or the unit does not belong to the dimension.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    if math.isinf(float(match.group(1))):
        raise ValueError(f"no number is as large as {text!r}")
    return to_catalogue_unit(float(match.group(1)), match.group(2), dimension)


def runs_backwards(text: str, dimension: Dimension) -> bool:
    """Say whether a typed quantity grows while the catalogue's falls: a wavelength given for an energy, or the reverse.

    The unit alone tells; whether the quantity makes sense is for `parse_quantity` to say.
    """
    match = _QUANTITY.fullmatch(text.strip())
    other = _RECIPROCAL.get(dimension)
    return bool(match and other and match.group(2).lower() in _FACTORS[other])
