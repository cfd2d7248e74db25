"""What README shows of Python and of settings works as it stands."""

import re
from pathlib import Path

import pytest

from danmax_sync import Catalogue
from danmax_sync.indexing.index import index_folder
from danmax_sync.quantities import user_preferences
from danmax_sync.settings import ensured_home, settings_file
from danmax_sync.testing.visit import SimulatedVisit

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_of_readme_runs(own_home: Path, small_visit: SimulatedVisit) -> None:
    """On a catalogue of a simulated visit, and finds what it names."""
    pytest.importorskip("pandas", reason="README's snippet makes a data frame")
    with Catalogue.open() as catalogue:
        index_folder(catalogue, small_visit.folder)
    (snippet,) = blocks("python")
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 - README's own
    hot, energies = names["hot"], names["energies"]
    assert isinstance(energies, list)
    assert len(energies) == len(hot) > 0  # type: ignore[arg-type]


def test_the_settings_of_readme_are_understood(own_home: Path) -> None:
    """Names of one's own come before the beamline's."""
    (snippet,) = blocks("toml")
    ensured_home()
    settings_file().write_text(snippet, encoding="utf-8")
    preferences = user_preferences()
    assert preferences.temperatures == ("gas_blower_T", "cryo_temp", "lakeshore_tempD", "lakeshore_tempC")
    assert preferences.energy_channels[0] == "my_mono_E"
    assert preferences.energy_parameters[0] == "my_mono_energy"
